"""The job that is compared: a durable saga of five steps, carried out by workers that do nothing else.

The contracts, the queues, the orchestrator, the participants and the stores are the house's own; what a step does to
the outside is nothing, so that the machinery alone is measured. Each worker writes down what it carried out, so that
afterwards it can be seen that every step was done, and done once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict

from shared.bus.dispatch import Handler, HandlerTable
from shared.contracts import CATALOGUE, miles, payment, ticketing
from shared.contracts.checkout import CheckoutCompleted, Total, WakeCheckout
from shared.contracts.journey import Ticket
from shared.contracts.messages import Message
from shared.contracts.steps import Answer, Command
from shared.kernel.money import Money
from shared.kernel.values import changed
from shared.runtime.every import Every
from shared.runtime.keeping import Keeping
from shared.runtime.service import Runtime, Service
from shared.saga.definition import Saga, step
from shared.saga.engine import new_record
from shared.saga.orchestrator import Orchestrator
from shared.saga.record import Patience, Status
from shared.saga.run import SagaRun
from shared.saga.timers import PAGE, POLL_SECONDS, TimerPoller
from shared.saga.watching import Watch
from shared.store.documents import CollectionSpec, Index, Store
from shared.store.repository import Repository
from shared.telemetry import spans
from shared.telemetry.spans import Kind
from shared.worker.effect import Done, Repeatable
from shared.worker.participant import Participant
from shared.worker.work import Work

CHECKOUTS: Final = CollectionSpec(
    "checkouts", (Index("by_member", ("state.member_id", "created_at")), Index("by_status", ("record.status",)))
)
WORK: Final = CollectionSpec("work")
SILENCE: Final = timedelta(seconds=60)
MONEY: Final = Money(amount=125_000, currency="EUR")


class Order(BaseModel):
    """What is bought: the same fields, and the same size, as the peers carry."""

    model_config = ConfigDict(frozen=True)

    member_id: str = "M0001234567"
    amount: Money = MONEY
    miles: int = 60_000
    flights: tuple[str, ...] = ("AF1234-2026-02-01-J", "AF4321-2026-02-09-J")
    note: str = "x" * 200
    tickets: tuple[Ticket, ...] = ()

    def ticketed(self, tickets: tuple[Ticket, ...]) -> "Order":
        return changed(self, tickets=tickets)


class Purchase(SagaRun[Order]):
    """One saga as it is stored."""


class Errands(Work):
    """What one worker did for one purchase."""

    schema_version: ClassVar[int] = 1
    carried_out: tuple[str, ...] = ()
    """Names of steps, one for each time a step was carried out."""


FIVE_STEPS: Final = Saga[Order](
    name="five steps",
    version=1,
    steps=(
        step(
            "hold miles",
            send=lambda o, at: miles.HoldMiles(**at, member_id=o.member_id, miles=o.miles),
            expect=miles.MilesHeld,
            undo=lambda o, at: miles.ReleaseMiles(**at, member_id=o.member_id),
        ),
        step(
            "authorize payment",
            send=lambda o, at: payment.AuthorizeCard(**at, amount=o.amount, card_token="tok_visa"),
            expect=payment.CardAuthorized,
            undo=lambda _, at: payment.VoidAuthorization(**at),
        ),
        step(
            "issue tickets",
            pivot=True,
            send=lambda _, at: ticketing.IssueTickets(**at),
            expect=ticketing.TicketsIssued,
            keep=lambda o, issued: o.ticketed(issued.tickets),
            undo=lambda _, at: ticketing.VoidTickets(**at),
        ),
        step(
            "capture payment",
            send=lambda o, at: payment.CapturePayment(**at, amount=o.amount),
            expect=payment.PaymentCaptured,
            undo=lambda _, at: payment.RefundPayment(**at),
        ),
        step(
            "redeem miles",
            send=lambda o, at: miles.RedeemMiles(**at, member_id=o.member_id, miles=o.miles),
            expect=miles.MilesRedeemed,
            undo=lambda o, at: miles.ReverseMiles(**at, member_id=o.member_id),
        ),
    ),
)

WORKERS: Final[dict[str, dict[type[Command], Callable[[Command], Answer]]]] = {
    "miles": {
        miles.HoldMiles: miles.MilesHeld.to,
        miles.RedeemMiles: miles.MilesRedeemed.to,
    },
    "payment": {
        payment.AuthorizeCard: lambda command: payment.CardAuthorized.to(command, amount=MONEY),
        payment.CapturePayment: lambda command: payment.PaymentCaptured.to(command, amount=MONEY),
    },
    "ticketing": {
        ticketing.IssueTickets: lambda command: ticketing.TicketsIssued.to(
            command, tickets=(Ticket(number="9571234567890", passenger=0, segments=(0, 1)),)
        ),
    },
}
"""Each worker's commands, and the answer to each."""

ERRANDS: Final = {
    "miles": ("hold miles", "redeem miles"),
    "payment": ("authorize payment", "capture payment"),
    "ticketing": ("issue tickets",),
}
"""What each worker must have carried out for every purchase, in this order, when all is done."""


class Sagas:
    """The orchestrator, and whoever waits for its purchases."""

    def __init__(self) -> None:
        self._orchestrator: Orchestrator[Purchase] | None = None
        self._ending: set[str] = set()
        self._waiting: dict[str, asyncio.Future[None]] = {}

    def compose(self, runtime: Runtime) -> Service:
        """The checkout's part, composed as `services/checkout/app.py` composes the real one."""
        keeping = Keeping(runtime, "checkout")
        documents = keeping.documents(CHECKOUTS, Purchase, wake=lambda it: it.record.wake_at)
        orchestrator = Orchestrator(
            documents,
            keeping.outbox,
            runtime.clock,
            versions={FIVE_STEPS.version: FIVE_STEPS},
            patience=Patience(),
            announce=self._announce,
            changed=self._changed,
            watch=Watch("checkout", runtime.meter),
        )
        timers = TimerPoller(
            documents.collection,
            orchestrator.fire,
            clock=runtime.clock,
            outbox=keeping.outbox,
            service="checkout",
            wake=lambda purchase_id: WakeCheckout(checkout_id=purchase_id),
        )
        self._orchestrator = orchestrator
        answers = (contract for contract in CATALOGUE.values() if issubclass(contract, Answer))
        return keeping.service(
            table=dict.fromkeys(answers, orchestrator.take),
            tasks=(Every(POLL_SECONDS, timers.poll, full=PAGE, name="timers"),),
        )

    async def carry_out(self, purchase: Purchase) -> None:
        """Begin a purchase, and return when its end is on disk."""
        if self._orchestrator is None:
            raise RuntimeError("not composed yet")
        ended = self._waiting[purchase.id] = asyncio.get_running_loop().create_future()
        with spans.entered("purchase", Kind.SERVER):  # as the request that begins one
            await self._orchestrator.begin(purchase)
        await ended

    def _announce(self, before: Purchase, after: Purchase) -> Sequence[Message]:
        if after.record.status is before.record.status or after.record.status is not Status.COMPLETED:
            return ()
        self._ending.add(after.id)
        order = after.state
        total = Total(money=order.amount, miles=order.miles)
        return (
            CheckoutCompleted(
                checkout_id=after.id,
                key=after.id,
                member_id=order.member_id,
                cart_id=after.id,
                total=total,
                locators=(),
                tickets=order.tickets,
            ),
        )

    def _changed(self, purchase_id: str) -> None:
        """Called when a change is on disk."""
        if purchase_id in self._ending:
            self._ending.discard(purchase_id)
            self._waiting.pop(purchase_id).set_result(None)


def new_purchase(purchase_id: str, runtime: Runtime) -> Purchase:
    now = runtime.clock.now()
    return Purchase(id=purchase_id, created_at=now, updated_at=now, state=Order(), record=new_record(FIVE_STEPS))


def worker(name: str) -> Callable[[Runtime], Service]:
    """The composition of one of the workers."""

    def compose(runtime: Runtime) -> Service:
        keeping = Keeping(runtime, name)
        participant = keeping.participant(keeping.documents(WORK, Errands))
        return keeping.service(table=_table(name, participant))

    return compose


def stored_purchases(store: Store) -> Repository[Purchase]:
    return Repository(store.collection(CHECKOUTS), Purchase, key=lambda it: it.id)


def stored_errands(store: Store) -> Repository[Errands]:
    return Repository(store.collection(WORK), Errands, key=lambda it: it.id)


def _table(name: str, participant: Participant[Errands]) -> HandlerTable:
    return {command: _handler(participant, answer) for command, answer in WORKERS[name].items()}


def _handler(participant: Participant[Errands], answer: Callable[[Command], Answer]) -> Handler:
    async def act(work: Errands, command: Command) -> Done:
        return Done(answer(command), {"carried_out": (*work.carried_out, command.step)})

    no_op: Callable[[Errands, Command], Awaitable[Done]] = act
    return participant.handler(Repeatable(no_op))
