"""How a worker carries out commands so that each takes effect once, or is undone.

One place for every service: a handler names the call to its provider and how to find out what became of it; intents,
fences, repeated answers and compare-and-set are done here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

from shared.bus.dispatch import Handler
from shared.bus.outbox import Outbox
from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import Message
from shared.contracts.steps import Command, StepRefused
from shared.kernel.clock import Clock
from shared.kernel.errors import Later, Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.kernel.locks import KeyedLocks
from shared.store.documents import Conflict, Unavailable
from shared.store.repository import Repository, Stored
from shared.worker.effect import C, Done, Effect, Repeatable, W
from shared.worker.parking import Parking
from shared.worker.work import (
    Call,
    Look,
    Refuse,
    Repeat,
    StepLog,
    Wait,
    decide,
    expired,
    fenced,
    provider_key,
    slot_of,
    without_undo,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

CONFLICTS_BEFORE_WAITING = 10
CALL_TIMEOUT = timedelta(seconds=30)
SETTLE = timedelta(seconds=5)
NOT_SENT_PAUSE = timedelta(seconds=1)
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between two tries to put on record what a call did, while the store is away; they double."""


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
    ) -> None:
        """`new` makes the document of an id seen for the first time.

        A call or a look that takes longer than `call_timeout` is given up, its outcome unknown; `settle` is the time
        given to the provider to finish what it may still be doing after that.
        """
        self._repository = repository
        self._outbox = outbox
        self._clock = clock
        self._new = new
        self._call_timeout = call_timeout
        self._settle = settle
        self._locks = KeyedLocks()
        self._parking = Parking(clock)

    def handler(
        self, effect: Effect[W, C] | Repeatable[W, C], *, key: Callable[[C], str] = lambda command: command.purchase_id
    ) -> Handler:
        """The handler of a command. `key` tells the id of the document it works on."""

        async def handle(command: C, envelope: Envelope) -> None:
            async with self._locks.of(key(command)):
                await self._fresh(key(command), partial(self._take, command=command, cause=envelope, effect=effect))

        return handle

    async def _take(
        self, stored: Stored[W], command: C, cause: Envelope, effect: Effect[W, C] | Repeatable[W, C]
    ) -> None:
        self._let_a_call_end_before_its_undo(stored.value, command)
        match decide(stored.value.log(slot_of(command)), command, self._clock.now()):
            case Repeat(answer):
                await self._outbox.say(answer, cause)
                await self._tidy_up(stored, command, effect)
            case Wait(until):
                raise Later("a call is under way", until - self._clock.now())
            case Refuse(code, detail):
                await self._refuse(stored, command, cause, Refused(code, detail))
            case Call() | Look() if isinstance(effect, Repeatable):
                await self._act(stored, command, cause, effect)
            case Call(number):
                await self._call(stored, command, cause, effect, number)
            case Look(after):
                await self._look(stored, command, cause, effect, after)

    def _let_a_call_end_before_its_undo(self, work: W, command: C) -> None:
        """An undo that overtakes its step's call would not see the effect it must take back."""
        now = self._clock.now()
        if command.undo:
            open_until = work.log(slot_of(command, undo=False)).open_until
            if open_until is not None and now < open_until:
                raise Later("the step's own call is under way", open_until - now)

    async def _act(self, stored: Stored[W], command: C, cause: Envelope, effect: Repeatable[W, C]) -> None:
        try:
            done = await self._in_time(effect.act(stored.value, command))
        except Refused as refusal:
            await self._refuse(stored, command, cause, refusal)
        except (NotSent, OutcomeUnknown) as error:
            self._leave_open(command, effect, error)
        else:
            await self._conclude(stored, command, cause, done)

    async def _call(self, stored: Stored[W], command: C, cause: Envelope, effect: Effect[W, C], number: int) -> None:
        begun = self._clock.now()
        slot = slot_of(command)
        # A save may take up to `settle` before the call begins, and the provider as long after the call was given up.
        intent = stored.value.log(slot).begun(command, number, begun + self._call_timeout + 2 * self._settle)
        work = fenced(stored.value, command) if command.undo else stored.value
        saved = await self._repository.save(work.with_log(slot, intent), version=stored.version)
        if self._clock.now() - begun > self._settle:
            # So slow that the call could outlast its intent: somebody else may look meanwhile.
            await self._withdraw(saved, command, number)
            raise Later("the intent took too long to save")
        await self._settle_outcome(saved, command, cause, effect, number)

    async def _look(self, stored: Stored[W], command: C, cause: Envelope, effect: Effect[W, C], after: int) -> None:
        try:
            found = await self._in_time(effect.find(stored.value, command, provider_key(command, after)))
        except Refused as refusal:
            await self._refuse(stored, command, cause, refusal)
        except (NotSent, OutcomeUnknown) as error:
            self._leave_open(command, effect, error)
        else:
            too_late = expired(command, self._clock.now())
            if found is not None:
                await self._tidy_up(await self._conclude(stored, command, cause, found), command, effect)
            elif too_late is not None:
                await self._refuse(stored, command, cause, Refused(too_late.code, too_late.detail))
            elif after >= effect.calls:
                await self._refuse(stored, command, cause, Refused("not_done", f"{after} calls had no effect"))
            else:
                await self._call(stored, command, cause, effect, after + 1)

    async def _settle_outcome(
        self, stored: Stored[W], command: C, cause: Envelope, effect: Effect[W, C], number: int
    ) -> None:
        """Call and put the outcome on record; the call has been made, so a conflict must not repeat it."""
        until = stored.value.log(slot_of(command)).open_until or self._clock.now()
        try:
            done = await self._in_time(effect.call(stored.value, command, provider_key(command, number)))
        except Refused as refusal:
            refuse = partial(self._refuse_call, command=command, cause=cause, refusal=refusal, number=number)
            await self._on_record(stored, refuse, until)
        except Misconfigured:
            await self._on_record(stored, partial(self._withdraw, command=command, number=number), until)
            raise
        except NotSent as error:
            await self._on_record(stored, partial(self._withdraw, command=command, number=number), until)
            self._leave_open(command, effect, error)
        except OutcomeUnknown as error:
            unknown = partial(self._unknown, command=command, cause=cause, number=number, effect=effect)
            saved = await self._on_record(stored, unknown, until)
            if saved.value.log(slot_of(command)).untidy:
                raise Later("a call outlasted its intent", self._settle) from error
            self._leave_open(command, effect, error)
        else:
            conclude = partial(self._conclude, command=command, cause=cause, done=done, effect=effect)
            await self._tidy_up(await self._on_record(stored, conclude, until), command, effect)

    async def _tidy_up(self, stored: Stored[W], command: C, effect: Effect[W, C] | Repeatable[W, C]) -> None:
        """Take back what is too much; while that cannot be done, the message comes again.

        A conflict passes through: what others saved meanwhile may be another reason to tidy up.
        """
        slot = slot_of(command)
        if isinstance(effect, Repeatable) or effect.tidy is None or not stored.value.log(slot).untidy:
            return
        try:
            await self._in_time(effect.tidy(stored.value, command))
        except (NotSent, OutcomeUnknown) as error:
            raise Later(str(error), self._settle) from error
        await self._log(stored, slot, stored.value.log(slot).made_untidy(untidy=False))

    async def _in_time(self, outcome: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._call_timeout.total_seconds()):
                return await outcome
        except TimeoutError as error:
            raise OutcomeUnknown("no outcome in time") from error

    async def _fresh(
        self, document_id: str, take: Callable[[Stored[W]], Awaitable[T]], stored: Stored[W] | None = None
    ) -> T:
        """Take the document as it is now, again as often as others save first."""
        for _ in range(CONFLICTS_BEFORE_WAITING):
            found = stored or await self._repository.load(document_id) or Stored(self._new(document_id), 0)
            try:
                return await take(found)
            except Conflict:
                stored = None
        raise Later("the document is busy")

    async def _on_record(
        self, stored: Stored[W], save: Callable[[Stored[W]], Awaitable[Stored[W]]], until: datetime
    ) -> Stored[W]:
        """Save what only this process knows: until the intent ends nobody else looks, so a store away may come back."""
        first: Stored[W] | None = stored
        until, pause = max(until, self._clock.now() + self._settle), FIRST_PAUSE
        while True:
            try:
                return await self._fresh(stored.value.id, save, first)
            except (Unavailable, Later):
                if self._clock.now() >= until:
                    raise
            first = None  # the save may have taken place
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _leave_open(self, command: C, effect: Effect[W, C] | Repeatable[W, C], error: Exception) -> None:
        """Say nothing: whoever asked asks again. Coming back by itself too, every ask would add one that does.

        Only where the provider is left alone for a while one copy waits for its return, for asks would be in vain.
        """
        fields = {"purchase_id": command.purchase_id, "step": command.step, "error": str(error)}
        log.warning("outcome open", extra=fields)
        pause = error.again_in if isinstance(error, NotSent) else None
        if pause is not None and (not effect.asked_again or self._parking.takes(_name(command), pause)):
            raise Later(str(error), pause) from error
        if not effect.asked_again:
            raise Later(str(error), self._settle if isinstance(error, OutcomeUnknown) else NOT_SENT_PAUSE) from error

    async def _withdraw(self, stored: Stored[W], command: C, number: int) -> Stored[W]:
        before = stored.value.log(slot_of(command))
        if not before.is_in_hand(command, number):
            return stored
        return await self._log(stored, slot_of(command), before.withdrawn(number))

    async def _unknown(
        self, stored: Stored[W], command: C, cause: Envelope, number: int, effect: Effect[W, C]
    ) -> Stored[W]:
        """An undo that looked before this call ended looks once more."""
        slot = slot_of(command)
        before = stored.value.log(slot)
        undo = before.undo_to_repeat(command)
        after = before.unknown(self._clock.now() + self._settle)
        if undo is not None:
            return await self._save(stored, without_undo(stored.value.with_log(slot, after), undo), undo, cause)
        if before.is_in_hand(command, number):
            return await self._log(stored, slot, after)
        return stored if effect.tidy is None else await self._log(stored, slot, before.made_untidy())

    async def _log(self, stored: Stored[W], slot: str, after: StepLog) -> Stored[W]:
        return await self._repository.save(stored.value.with_log(slot, after), version=stored.version)

    async def _refuse_call(
        self, stored: Stored[W], command: C, cause: Envelope, refusal: Refused, number: int
    ) -> Stored[W]:
        """A refused call refuses the step, unless another call has been made since or an answer given."""
        if not stored.value.log(slot_of(command)).is_in_hand(command, number):
            return stored
        return await self._refuse(stored, command, cause, refusal)

    async def _refuse(self, stored: Stored[W], command: C, cause: Envelope, refusal: Refused) -> Stored[W]:
        """Answer "not done", and see to it that it stays so."""
        answer = StepRefused.to(command, code=refusal.code, detail=refusal.detail)
        slot = slot_of(command)
        after = stored.value.log(slot).refused(command, answer)
        return await self._save(stored, stored.value.with_log(slot, after), answer, cause)

    async def _conclude(
        self, stored: Stored[W], command: C, cause: Envelope, done: Done, effect: Effect[W, C] | None = None
    ) -> Stored[W]:
        """Put an effect on record, with its answer; behind a fence too, for whoever was told "refused" or "undone" must
        learn what is left to undo."""
        slot = slot_of(command)
        work = fenced(stored.value, command) if command.undo else stored.value
        before = work.log(slot)
        if before.took_effect(command):
            # This effect, put on record by whoever found it or by a save that seemed to fail; or one too many.
            if effect is None or effect.tidy is None or done.is_on_record(work, slot):
                return stored
            return await self._log(stored, slot, before.made_untidy())
        after = work.with_log(slot, before.concluded(command, done.answer, untidy=done.untidy), **done.changes)
        return await self._save(stored, after, done.answer, cause)

    async def _save(self, stored: Stored[W], work: W, message: Message, cause: Envelope) -> Stored[W]:
        entry = self._outbox.entry(message, cause)
        saved = await self._repository.save(work, version=stored.version, messages=[entry])
        await self._outbox.send(self._repository.collection, work.id, [entry])
        return saved


def _name(command: Command) -> str:
    return f"{slot_of(command)}/{command.attempt}"
