"""Carries a command through: load, react, save by compare-and-set, say, do what is next, and react to what came of it.

One place for every service: a handler names the call to its provider and how to find out what became of it. What may be
done when is said by `rules.py` alone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from shared.bus.dispatch import Handler
from shared.bus.outbox import Outbox
from shared.contracts.cloudevents import Envelope
from shared.kernel.clock import Clock
from shared.kernel.errors import Later, Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.kernel.locks import KeyedLocks
from shared.store.documents import Conflict, Unavailable
from shared.store.repository import Repository, Stored
from shared.worker.compaction import Keep, keep_all
from shared.worker.effect import C, Effect, Repeatable, W
from shared.worker.moves import (
    Act,
    Acted,
    Arrived,
    AskAgain,
    Call,
    Called,
    CallPolicy,
    Fail,
    Failure,
    Happening,
    Lapsed,
    Look,
    Looked,
    Move,
    Next,
    Rest,
    Tidied,
    Tidy,
    Wait,
)
from shared.worker.parking import Parking
from shared.worker.rules import react
from shared.worker.work import attempt_of, provider_key

log = logging.getLogger(__name__)

T = TypeVar("T")

CONFLICTS_BEFORE_WAITING = 10
MOST_TURNS = 100
"""Far more happenings than one command can meet: a bound on calls, looks and conflicts together."""
CALL_TIMEOUT = timedelta(seconds=30)
SETTLE = timedelta(seconds=5)
NO_DELAY = timedelta(0)
NOT_SENT_PAUSE = timedelta(seconds=1)
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two tries to put on record what only this process knows, while the store is away; they double."""


class Participant(Generic[W]):
    """Carries out commands on one service's documents."""

    def __init__(
        self,
        repository: Repository[W],
        outbox: Outbox,
        clock: Clock,
        *,
        new: Callable[[str], W],
        call_timeout: timedelta = CALL_TIMEOUT,
        settle: timedelta = SETTLE,
        keep: Keep[W] = keep_all,
        after_restore: bool = False,
    ) -> None:
        """`new` makes the document of an id seen for the first time, `keep` says what of its log is stored.

        A call or a look that takes longer than `call_timeout` is given up, its outcome unknown; `settle` is the time
        given to the provider to finish what it may still be doing after that. `after_restore`: the documents may have
        forgotten calls, which are looked for before the first one.
        """
        self._repository = repository
        self._outbox = outbox
        self._clock = clock
        self._new = new
        self._call_timeout = call_timeout
        self._settle = settle
        self._keep = keep
        self._after_restore = after_restore
        self._locks = KeyedLocks()
        self._parking = Parking(clock)

    async def carry_out(
        self, document_id: str, command: C, effect: Effect[W, C] | Repeatable[W, C], cause: Envelope
    ) -> None:
        """For a command that nobody waits for: once, under the same rules, and nothing is answered."""
        async with self._locks.of(document_id):
            order = _Order(document_id, command, cause, effect, self._policy(effect), answered=False)
            await self._carry_through(order)

    def handler(
        self,
        effect: Effect[W, C] | Repeatable[W, C],
        *,
        key: Callable[[C], str] = lambda command: command.purchase_id,
        answered: Callable[[C], bool] = lambda _: True,
    ) -> Handler:
        """The handler of a command. `key` tells the id of the document it works on, `answered` whether somebody waits
        for the answer; without, it is put on record and not said."""
        policy = self._policy(effect)

        async def handle(command: C, envelope: Envelope) -> None:
            name = attempt_of(command)
            try:
                async with self._locks.of(key(command)):
                    order = _Order(key(command), command, envelope, effect, policy, answered=answered(command))
                    await self._carry_through(order)
            except Exception as error:
                delay = error.delay if isinstance(error, Later) else NO_DELAY
                if not effect.asked_again or self._parking.takes(name, envelope.id, delay):
                    raise
                log.warning(
                    "an older copy waits",
                    extra={"purchase_id": command.purchase_id, "step": command.step, "error": type(error).__name__},
                )
            else:
                self._parking.forget(name, envelope.id)

        return handle

    def _policy(self, effect: Effect[W, C] | Repeatable[W, C]) -> CallPolicy:
        if isinstance(effect, Repeatable):
            return CallPolicy(self._call_timeout, self._settle, repeatable=True)
        return CallPolicy(
            self._call_timeout,
            self._settle,
            calls=effect.calls,
            tidies=effect.tidy is not None,
            looks_first=self._after_restore and effect.can_be_found,
        )

    async def _carry_through(self, order: "_Order[W, C]") -> None:
        happening: Happening = Arrived()
        stored: Stored[W] | None = None
        for _ in range(MOST_TURNS):
            began = self._clock.now()
            stored, then = await self._react(order, happening, stored)
            match then:
                case Rest():
                    return
                case Wait(reason, delay):
                    raise Later(reason, delay)
                case Fail(error):
                    raise error
                case AskAgain(error):
                    self._leave_open(order, error)
                    return
                case Call(number) if self._clock.now() - began > self._settle:
                    # So slow a save that the call could outlast its intent: somebody else may look meanwhile.
                    happening = Lapsed(number)
                case _:
                    happening = await self._do(order, stored.value, then)
        raise Later("the document is busy")

    async def _react(
        self, order: "_Order[W, C]", happening: Happening, stored: Stored[W] | None
    ) -> tuple[Stored[W], Next]:
        """React to what happened and save, on the document as it is now as often as others save first.

        What only this process knows, the end of a call or that none was begun, is not given up for a conflict or for a
        store that is away: until the intent ends nobody else looks. All else begins anew with what others saved.
        """
        until = self._clock.now() + order.policy.intent
        conflicts, pause = 0, FIRST_PAUSE
        while True:
            move: Move[W] | None = None
            try:
                stored = stored or await self._load(order.document_id)
                move = react(stored.value, order.command, happening, self._clock.now(), order.policy)
                return await self._record(stored, self._kept(stored.value, move, order), order.cause), move.then
            except Conflict:
                conflicts += 1
                if not isinstance(happening, Called | Lapsed):
                    happening = Arrived()
                    if conflicts >= CONFLICTS_BEFORE_WAITING:
                        raise Later("the document is busy") from None
            except Unavailable:
                if move is not None and isinstance(move.then, Call):
                    happening = Lapsed(move.then.number)  # the intent may be on record all the same
                if not isinstance(happening, Called | Lapsed) or self._clock.now() >= until:
                    raise
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            stored = None

    def _kept(self, before: W, move: Move[W], order: "_Order[W, C]") -> Move[W]:
        """The move as it is stored and said."""
        work = move.work if move.work is before else self._keep(before, move.work)
        return Move(work, move.say if order.answered else None, move.then)

    async def _load(self, document_id: str) -> Stored[W]:
        return await self._repository.load(document_id) or Stored(self._new(document_id), 0)

    async def _record(self, stored: Stored[W], move: Move[W], cause: Envelope) -> Stored[W]:
        """The document and what is said of it in one write; what is on record already is only said again."""
        if move.work is stored.value:
            if move.say is not None:
                await self._outbox.say(move.say, cause)
            return stored
        entries = [self._outbox.entry(move.say, cause)] if move.say is not None else []
        saved = await self._repository.save(move.work, version=stored.version, messages=entries)
        await self._outbox.send(self._repository.collection, move.work.id, entries)
        return saved

    async def _do(self, order: "_Order[W, C]", work: W, then: Next) -> Happening:
        """What is next, at the provider; its outcome is what happens next."""
        command = order.command
        match then, order.effect:
            case Call(number), Effect() as effect:
                return Called(number, await self._outcome(effect.call(work, command, provider_key(command, number))))
            case Look(after), Effect() as effect:
                return Looked(after, await self._outcome(effect.find(work, command, provider_key(command, after))))
            case Act(), Repeatable() as effect:
                return Acted(await self._outcome(effect.act(work, command)))
            case Tidy(), Effect(tidy=tidy) if tidy is not None:
                return Tidied(await self._outcome(tidy(work, command)))
        raise TypeError(f"{then} is not for {order.effect}")

    async def _outcome(self, outcome: Awaitable[T]) -> T | Refused | Failure:
        try:
            async with asyncio.timeout(self._call_timeout.total_seconds()):
                return await outcome
        except TimeoutError:
            return OutcomeUnknown("no outcome in time")
        except (Refused, NotSent, Misconfigured, OutcomeUnknown) as error:
            return error

    def _leave_open(self, order: "_Order[W, C]", error: NotSent | OutcomeUnknown) -> None:
        """Say nothing: whoever asked asks again. Coming back by itself too, every ask would add one that does.

        Only where the provider is left alone for a while a copy waits for its return, for asks would be in vain.
        """
        command, asked_again = order.command, order.effect.asked_again
        log.warning(
            "outcome open", extra={"purchase_id": command.purchase_id, "step": command.step, "error": str(error)}
        )
        parked = error.again_in if isinstance(error, NotSent) else None
        if parked is not None:
            raise Later(str(error), parked) from error
        if not asked_again:
            raise Later(str(error), self._settle if isinstance(error, OutcomeUnknown) else NOT_SENT_PAUSE) from error


@dataclass(frozen=True)
class _Order(Generic[W, C]):
    """One command, on its way through."""

    document_id: str
    command: C
    cause: Envelope
    effect: Effect[W, C] | Repeatable[W, C]
    policy: CallPolicy
    answered: bool = True
    """Does somebody wait for the answer?"""
