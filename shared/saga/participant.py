"""How a worker carries out commands so that each takes effect once, or is undone.

One place for every service: a handler names the call to its provider and how to find out what became of it; intents,
fences, repeated answers and compare-and-set are done here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Generic, TypeVar

from shared.bus.dispatch import Handler
from shared.bus.outbox import Outbox
from shared.contracts.envelope import Answer, Command, Envelope, Message, StepRefused
from shared.kernel.clock import Clock
from shared.kernel.errors import Later, Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.kernel.locks import KeyedLocks
from shared.saga.work import (
    Call,
    Look,
    Refuse,
    Repeat,
    Saying,
    StepLog,
    Wait,
    Work,
    decide,
    expired,
    provider_key,
    slot_of,
)
from shared.store.documents import Conflict
from shared.store.repository import Repository, Stored

log = logging.getLogger(__name__)

W = TypeVar("W", bound=Work)
C = TypeVar("C", bound=Command)

CONFLICTS_BEFORE_WAITING = 10


@dataclass(frozen=True)
class Done:
    """A step that took effect: the answer, and the document's fields it changes."""

    answer: Answer
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Effect(Generic[W, C]):
    """A step that acts on the outside through a provider whose calls cannot simply be repeated.

    `call(work, command, key)` acts, with `key` as the provider's idempotency key. `find(work, command, key)` tells what
    the last call did: `Done`, or None when it certainly had no effect. Both raise `Refused` (final), `NotSent` (no
    effect, may be repeated; `Misconfigured` when that will not help), `OutcomeUnknown`. Anything else that `call`
    raises leaves the intent open: whoever comes next looks first.
    """

    call: Callable[[W, C, str], Awaitable[Done]]
    find: Callable[[W, C, str], Awaitable[Done | None]]
    calls: int = 3
    """After so many calls that had no effect the step is refused as `not_done`."""
    asked_again: bool = True
    """Somebody repeats the command when the outcome is unknown; otherwise the message itself comes back later."""


@dataclass(frozen=True)
class Repeatable(Generic[W, C]):
    """A step that may be carried out any number of times with the effect of one: it needs no intent.

    `act(work, command)` is called again when the document changed meanwhile.
    """

    act: Callable[[W, C], Awaitable[Done]]


class Participant(Generic[W]):
    """Carries out commands on one service's documents."""

    def __init__(
        self,
        repository: Repository[W],
        outbox: Outbox,
        clock: Clock,
        *,
        new: Callable[[str], W],
        call_timeout: timedelta,
        settle: timedelta,
    ) -> None:
        """`new` makes the document of an id seen for the first time.

        A call that takes longer than `call_timeout` is given up, its outcome unknown; `settle` is the time given to
        the provider to finish what it may still be doing after that.
        """
        self._repository = repository
        self._outbox = outbox
        self._clock = clock
        self._new = new
        self._call_timeout = call_timeout
        self._settle = settle
        self._locks = KeyedLocks()

    def handler(
        self, effect: Effect[W, C] | Repeatable[W, C], *, key: Callable[[C], str] = lambda command: command.purchase_id
    ) -> Handler:
        """The handler of a command. `key` tells the id of the document it works on."""

        async def handle(command: C, envelope: Envelope) -> None:
            async with self._locks.of(key(command)):
                await self._carry_out(command, envelope, effect, key(command))

        return handle

    async def _carry_out(
        self, command: C, cause: Envelope, effect: Effect[W, C] | Repeatable[W, C], document_id: str
    ) -> None:
        for _ in range(CONFLICTS_BEFORE_WAITING):
            stored = await self._repository.load(document_id)
            stored = stored or Stored(self._new(document_id), 0)
            try:
                await self._take(stored, command, cause, effect)
            except Conflict:
                continue
            return
        raise Later("the document is busy")

    async def _take(
        self, stored: Stored[W], command: C, cause: Envelope, effect: Effect[W, C] | Repeatable[W, C]
    ) -> None:
        self._let_a_call_end_before_its_undo(stored.value, command)
        decision = decide(stored.value.log(slot_of(command)), command, self._clock.now())
        match decision:
            case Repeat(answer):
                await self._outbox.say(answer, cause)
            case Wait(until):
                raise Later("a call is under way", until - self._clock.now())
            case Refuse(code, detail):
                await self._refuse(stored, command, cause, Refused(code, detail))
            case Call() if isinstance(effect, Repeatable):
                await self._act(stored, command, cause, effect)
            case Call(number) if isinstance(effect, Effect):
                await self._call(stored, command, cause, effect, number)
            case Look(after) if isinstance(effect, Effect):
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
            done = await effect.act(stored.value, command)
        except Refused as refusal:
            await self._refuse(stored, command, cause, refusal)
        except Misconfigured:
            raise
        except (NotSent, OutcomeUnknown) as error:
            raise Later(str(error)) from error
        else:
            await self._conclude(stored, command, cause, done)

    async def _call(self, stored: Stored[W], command: C, cause: Envelope, effect: Effect[W, C], number: int) -> None:
        begun = self._clock.now()
        slot = slot_of(command)
        intent = stored.value.log(slot).model_copy(
            update={
                "attempt": command.attempt,
                "calls": number,
                "open_until": begun + self._call_timeout + self._settle,
                "answer": None,
            }
        )
        work = _fence(stored.value, command) if command.undo else stored.value
        saved = await self._repository.save(work.with_log(slot, intent), version=stored.version)
        if self._clock.now() - begun > self._settle:
            # So slow that the call could outlast its intent: somebody else may look meanwhile.
            await self._close_intent(saved, command, number, unsent=True)
            raise Later("the intent took too long to save")
        await self._settle_outcome(saved, command, cause, effect, number)

    async def _look(self, stored: Stored[W], command: C, cause: Envelope, effect: Effect[W, C], after: int) -> None:
        try:
            found = await effect.find(stored.value, command, provider_key(command, after))
        except Refused as refusal:
            await self._refuse(stored, command, cause, refusal)
        except Misconfigured:
            raise
        except (NotSent, OutcomeUnknown) as error:
            self._stay_silent(command, effect, error)
        else:
            too_late = expired(command, self._clock.now())
            if found is not None:
                await self._conclude(stored, command, cause, found)
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
        try:
            async with asyncio.timeout(self._call_timeout.total_seconds()):
                done = await effect.call(stored.value, command, provider_key(command, number))
        except Refused as refusal:
            refuse = partial(self._refuse_call, command=command, cause=cause, refusal=refusal, number=number)
            await self._on_record(stored, refuse)
        except NotSent as error:
            await self._on_record(stored, partial(self._close_intent, command=command, number=number, unsent=True))
            if isinstance(error, Misconfigured):
                raise
            raise Later(str(error)) from error
        except (OutcomeUnknown, TimeoutError) as error:
            await self._on_record(stored, partial(self._close_intent, command=command, number=number, unsent=False))
            self._stay_silent(command, effect, error)
        else:
            await self._on_record(stored, partial(self._conclude, command=command, cause=cause, done=done))

    async def _on_record(self, stored: Stored[W], save: Callable[[Stored[W]], Awaitable[None]]) -> None:
        """Save, reloading as often as others save first."""
        for _ in range(CONFLICTS_BEFORE_WAITING):
            try:
                await save(stored)
            except Conflict:
                stored = await self._repository.load(stored.value.id) or stored
            else:
                return
        raise Later("the document is busy")

    def _stay_silent(self, command: C, effect: Effect[W, C], error: Exception) -> None:
        fields = {"purchase_id": command.purchase_id, "step": command.step, "error": str(error)}
        log.warning("outcome unknown", extra=fields)
        if not effect.asked_again:
            raise Later(str(error), self._settle) from error

    async def _close_intent(self, stored: Stored[W], command: C, number: int, *, unsent: bool) -> None:
        before = stored.value.log(slot_of(command))
        if not _is_in_hand(before, command, number):
            return
        after = before.model_copy(
            update={"open_until": None, "calls": number - 1}
            if unsent
            else {"open_until": self._clock.now() + self._settle}
        )
        await self._repository.save(stored.value.with_log(slot_of(command), after), version=stored.version)

    async def _refuse_call(self, stored: Stored[W], command: C, cause: Envelope, refusal: Refused, number: int) -> None:
        """A refused call refuses the step, unless another call has been made since or an answer given."""
        if _is_in_hand(stored.value.log(slot_of(command)), command, number):
            await self._refuse(stored, command, cause, refusal)

    async def _refuse(self, stored: Stored[W], command: C, cause: Envelope, refusal: Refused) -> None:
        """Answer "not done", and see to it that it stays so."""
        answer = StepRefused.to(command, code=refusal.code, detail=refusal.detail)
        slot = slot_of(command)
        before = stored.value.log(slot)
        update: dict[str, Any] = {"fenced_through": max(before.fenced_through, command.attempt)}
        if command.attempt >= before.attempt:
            update |= {"attempt": command.attempt, "open_until": None, "answer": Saying.of(answer)}
        if command.undo:
            del update["fenced_through"]  # a refused undo may be asked for again, as a new attempt
        await self._save(stored, stored.value.with_log(slot, before.model_copy(update=update)), answer, cause)

    async def _conclude(self, stored: Stored[W], command: C, cause: Envelope, done: Done) -> None:
        """Put an effect on record, with its answer; an effect behind a fence has its undo said again."""
        slot = slot_of(command)
        work = _fence(stored.value, command) if command.undo else stored.value
        before = work.log(slot)
        if _took_effect(before, command):
            return  # somebody else found this effect first, put it on record, and answered
        concluded = StepLog(
            attempt=command.attempt,
            calls=before.calls,
            answer=Saying.of(done.answer),
            fenced_through=before.fenced_through,
            fenced_by=before.fenced_by,
        )
        after = work.with_log(slot, concluded, **done.changes)
        if before.fenced_through >= command.attempt and before.fenced_by is not None:
            undo = before.fenced_by.message()
            await self._save(stored, _forget_undo(after, undo), undo, cause)
            return
        await self._save(stored, after, done.answer, cause)

    async def _save(self, stored: Stored[W], work: W, message: Message, cause: Envelope) -> None:
        entry = self._outbox.entry(message, cause)
        await self._repository.save(work, version=stored.version, messages=[entry])
        await self._outbox.send(self._repository.collection, work.id, [entry])


def _fence(work: W, undo: Command) -> W:
    """Refuse the step for good, this attempt of it and every earlier one."""
    slot = slot_of(undo, undo=False)
    before = work.log(slot)
    if before.fenced_through >= undo.attempt and before.fenced_by is not None:
        return work
    fenced = {"fenced_through": max(before.fenced_through, undo.attempt), "fenced_by": Saying.of(undo)}
    return work.with_log(slot, before.model_copy(update=fenced))


def _is_in_hand(log: StepLog, command: Command, number: int) -> bool:
    """Is this call the newest, and its outcome still open?"""
    return log.answer is None and (log.attempt, log.calls) == (command.attempt, number)


def _took_effect(log: StepLog, command: Command) -> bool:
    return log.answer is not None and log.attempt == command.attempt and log.answer.type != StepRefused.type


def _forget_undo(work: W, undo: Message) -> W:
    """Let a step's undo be carried out once more; calls stay counted, so that no provider sees a key twice."""
    if not isinstance(undo, Command):
        return work
    slot = slot_of(undo)
    return work.with_log(slot, StepLog(attempt=undo.attempt, calls=work.log(slot).calls))
