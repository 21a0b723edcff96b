"""The bus edge: each of payment's commands, carried out at the gateway."""

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass

from services.payment.domain import Authorization, Payment, Refund, Standing, WatchTerms
from services.payment.ports import CardOrder, Gateway
from shared.bus.dispatch import HandlerTable
from shared.contracts.payment import (
    AuthorizeCard,
    CapturePayment,
    CardAuthorized,
    PaymentCaptured,
    RefundPayment,
    VoidAuthorization,
)
from shared.contracts.steps import Command, StepUndone
from shared.kernel.clock import Clock
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.worker.effect import Done, Effect, Repeatable
from shared.worker.participant import Participant
from shared.worker.work import attempt_of

BEST_FIRST = (
    Standing.CAPTURED,
    Standing.AUTHORIZED,
    Standing.PENDING,
    Standing.REQUIRES_ACTION,
    Standing.FAILED,
    Standing.EXPIRED,
    Standing.CANCELED,
)
"""Of several authorisations of one attempt, the one that decides what becomes of the step."""
TO_LET_GO = frozenset({Standing.CAPTURED, Standing.AUTHORIZED, Standing.PENDING, Standing.REQUIRES_ACTION})


@dataclass(frozen=True, slots=True)
class Steps:
    """What each command does at the gateway. Undoing reads first and acts on what it reads, so it can be repeated."""

    gateway: Gateway
    clock: Clock
    watch: WatchTerms

    async def authorize(self, payment: Payment, command: AuthorizeCard, key: str) -> Done:
        order = CardOrder(
            reference=command.purchase_id,
            attempt=command.attempt,
            amount=command.amount,
            token=command.card_token,
            installments=command.installments,
        )
        return await self._authorized(payment, command, [await self.gateway.authorize(order, key)])

    async def find_authorization(self, payment: Payment, command: AuthorizeCard, _key: str) -> Done | None:
        """Looked up by our reference: repeating the call under its key could replay an error for a day."""
        found = [a for a in await self.gateway.find(command.purchase_id) if a.attempt == command.attempt]
        found.sort(key=lambda each: (BEST_FIRST.index(each.standing), each.id))
        return await self._authorized(payment, command, found) if found else None

    async def void_others(self, payment: Payment, command: AuthorizeCard) -> None:
        """Let go of what this attempt and earlier ones left beside the authorisation on record."""
        await self._let_go_of_others(payment, command, through=command.attempt)

    async def void(self, payment: Payment, command: VoidAuthorization) -> Done:
        """Let go of every authorisation of the purchase, also of one whose answer never arrived."""
        found = await self._all(payment, command.purchase_id)
        given_back = await self._let_go_of(found, command)
        return Done(StepUndone.to(command), payment.let_go(self._refund(command, given_back)) if found else {})

    async def capture(self, payment: Payment, command: CapturePayment, key: str) -> Done:
        _check_held(payment, command)
        captured = await self.gateway.capture(payment.authorization, command.amount, key)
        return await self._captured(payment, command, captured)

    async def find_capture(self, payment: Payment, command: CapturePayment, _key: str) -> Done | None:
        _check_held(payment, command)
        authorization = await self.gateway.read(payment.authorization)
        if authorization.standing is Standing.AUTHORIZED:
            return None
        return await self._captured(payment, command, authorization)

    async def refund(self, payment: Payment, command: RefundPayment) -> Done:
        """Held money stays held: undoing the authorisation lets go of it."""
        if not payment.authorization:
            return Done(StepUndone.to(command))
        found = await self._all(payment, command.purchase_id)
        if any(authorization.standing is Standing.PENDING for authorization in found):
            raise OutcomeUnknown("the gateway is still working on it")
        captured = [authorization for authorization in found if authorization.standing is Standing.CAPTURED]
        given_back = await self._let_go_of(captured, command)
        return Done(StepUndone.to(command), payment.let_go(self._refund(command, given_back)) if captured else {})

    def _refund(self, command: Command, given_back: tuple[str, ...]) -> Refund | None:
        """What is looked at from now on, for the money may come back."""
        return Refund.of(command, given_back, self.clock.now(), self.watch) if given_back else None

    async def _all(self, payment: Payment, reference: str) -> tuple[Authorization, ...]:
        """Every authorisation of the purchase; the one on record as it stands now, for a search may lie behind."""
        others = [each for each in await self.gateway.find(reference) if each.id != payment.authorization]
        known = [await self.gateway.read(payment.authorization)] if payment.authorization else []
        return (*known, *others)

    async def _authorized(self, payment: Payment, command: AuthorizeCard, found: Sequence[Authorization]) -> Done:
        """What the best of all authorisations makes of the step."""
        best, others = found[0], found[1:]
        match best.standing:
            case Standing.AUTHORIZED | Standing.CAPTURED:
                answer = CardAuthorized.to(command, amount=best.amount, masked=best.masked)
                untidy = any(other.standing in TO_LET_GO for other in others)
                return Done(answer, payment.authorized(best), untidy=untidy)
            case Standing.FAILED:
                raise Refused(best.failure or "card_declined", "the card's issuer declined")
            case Standing.REQUIRES_ACTION:
                await self._let_go_of(found, command)
                raise _authentication_required()
            case Standing.EXPIRED:
                raise _expired()
            case Standing.CANCELED:
                # An undo fences the step before it cancels, so only an authentication not asked for was cancelled here.
                raise _authentication_required()
            case Standing.PENDING:
                raise OutcomeUnknown("the gateway is still working on it")

    async def _captured(self, payment: Payment, command: CapturePayment, authorization: Authorization) -> Done:
        match authorization.standing:
            case Standing.CAPTURED:
                if payment.may_be_held_twice():
                    await _after_effect(self._let_go_of_others(payment, command))
                return Done(PaymentCaptured.to(command, amount=command.amount), payment.captured())
            case Standing.EXPIRED:
                raise _expired()
            case Standing.CANCELED | Standing.FAILED:
                raise Refused("capture_refused", "the gateway does not hold the money any more")
            case _:
                raise OutcomeUnknown(f"the authorisation is {authorization.standing}")

    async def _let_go_of_others(self, payment: Payment, command: Command, *, through: int | None = None) -> None:
        """A purchase keeps one authorisation. Another may have come of a call that was given up too early."""
        found = await self.gateway.find(payment.id)
        others = [each for each in found if each.id != payment.authorization]
        await self._let_go_of([each for each in others if through is None or each.attempt <= through], command)

    async def _let_go_of(self, found: Iterable[Authorization], command: Command) -> tuple[str, ...]:
        """Every one, whatever becomes of another: what cannot be let go is told afterwards. Of which was money given
        back?"""
        given_back, failures = [], []
        for authorization in found:
            try:
                if await self._let_go(authorization, attempt_of(command)):
                    given_back.append(authorization.id)
            except (Refused, NotSent, OutcomeUnknown) as error:
                failures.append(error)
        if failures:
            raise min(failures, key=lambda failure: isinstance(failure, Refused))
        return tuple(given_back)

    async def _let_go(self, authorization: Authorization, request: str) -> bool:
        """Void or refund, as it stands. Was it a refund?"""
        match authorization.standing:
            case Standing.AUTHORIZED | Standing.REQUIRES_ACTION:
                await self.gateway.void(authorization.id)
            case Standing.CAPTURED:
                if not await self.gateway.refunded(authorization.id, request):
                    await self.gateway.refund(authorization.id, request)
                return True
            case Standing.PENDING:
                raise OutcomeUnknown("the gateway is still working on it")
            case Standing.CANCELED | Standing.EXPIRED | Standing.FAILED:
                pass
        return False


def _check_held(payment: Payment, command: CapturePayment) -> None:
    if not payment.can_capture(command.amount):
        raise Refused("capture_refused", f"{command.amount} is not held; the payment is {payment.status}")


async def _after_effect(act: Awaitable[None]) -> None:
    """The money is taken: what fails from here on says nothing about that."""
    try:
        await act
    except (Refused, NotSent, Misconfigured) as error:
        raise OutcomeUnknown(str(error)) from error


def _authentication_required() -> Refused:
    return Refused("authentication_required", "the card's issuer asks the cardholder to authenticate")


def _expired() -> Refused:
    """Told as of a command that came too late: nothing was refused, and nothing is left to take."""
    return Refused("expired", "the authorisation ended before the money was taken")


def table(participant: Participant[Payment], steps: Steps) -> HandlerTable:
    """The service's handlers by kind of message. A capture is called for as long as somebody asks: only the end of the
    authorisation ends it."""
    return {
        AuthorizeCard: participant.handler(Effect(steps.authorize, steps.find_authorization, tidy=steps.void_others)),
        VoidAuthorization: participant.handler(Repeatable(steps.void)),
        CapturePayment: participant.handler(Effect(steps.capture, steps.find_capture, calls=None)),
        RefundPayment: participant.handler(Repeatable(steps.refund)),
    }
