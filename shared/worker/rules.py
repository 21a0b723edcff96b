"""What a worker does about a command: a pure function from its document and a happening to the document and what next.

    happening            the log says                  save and say                   next
    -------------------  ----------------------------  -----------------------------  --------------
    arrived (an undo)    its step's call is open       -                              wait
    arrived              answered, this attempt        say it again                   tidy if untidy
    arrived              attempt at or below the       fence; refused `fenced`,       rest
                         fence, older than the log's,  `superseded`, `expired`
                         or expired and nothing begun
    arrived              taking back                   -                              tidy
    arrived              call open                     -                              wait
    arrived              call over, no answer          -                              look
    arrived              nothing, after a restore      -                              look after 0
    arrived              nothing                       intent (undo: the fence too)   call 1
    called n: done       not answered                  answer and changes             tidy if untidy
    called n: done       answered otherwise, or with   untidy                         tidy
                         less than there is
    called n: done       of an earlier attempt,        untidy                         tidy if answered
                         or taking back                                               or taking back
    called n: a part     n in hand                     taking back, untidy            tidy
    called n: a part     else                          untidy (refused: taking back)  tidy if answered
                                                                                     or taking back
    called n: refused    n in hand, tidy               fence; refused                 rest
    called n: refused    n in hand, untidy             taking back                    tidy
    called n: not sent,  n in hand                     number free                    ask again, fail
      misconfigured
    called n: unknown    an undo came                  drop the undo's log, say the   ask again
                                                       undo again
    called n: unknown    n in hand                     settle                         ask again
    called n: unknown    neither                       untidy                         wait
    lapsed n             n in hand                     number free                    wait
    looked after n       done, a part, refused         as called n
    looked after n       nothing                       the next intent; `expired`,    call n+1; rest
                                                       `not_done`
    looked after n       else                          -                              ask again, fail
    tidied               taking back, not answered     tidy; fence; refused           rest
    tidied               answered                      tidy                           rest
    not tidied           taking back, not answered     -                              ask again, fail
    not tidied           answered                      -                              wait, fail

"Taking back" is a refusal that is not answered before the provider holds nothing of the step: no document of use to
nobody is left, and no effect is put on record that another process is about to take back.

Nothing here awaits or knows a store, a bus, a provider. Whoever drives (`participant.py`) saves what comes out by
compare-and-set, says what is to be said, does what is next, and comes back with its outcome as the next happening.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic

from shared.contracts.messages import Message
from shared.contracts.steps import Command, StepRefused
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.worker.effect import Done, PartlyDone
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
    Outcome,
    Rest,
    Tidied,
    Tidy,
    Wait,
)
from shared.worker.work import StepLog, W, fenced, slot_of, without_undo

LAPSED_PAUSE = timedelta(seconds=1)


@dataclass(frozen=True)
class Situation(Generic[W]):
    """What a rule looks at."""

    work: W
    command: Command
    now: datetime
    policy: CallPolicy
    slot: str
    log: StepLog

    def in_hand(self, number: int) -> bool:
        return self.log.is_in_hand(self.command, number)

    def stay(self, then: Next) -> Move[W]:
        return Move(self.work, then=then)

    def keep(self, log: StepLog, then: Next) -> Move[W]:
        """The log as it is now."""
        return Move(self.work if log is self.log else self.work.with_log(self.slot, log), then=then)

    def free(self, number: int, then: Next) -> Move[W]:
        """The call had certainly no effect: its number, and so its key, may be used again."""
        return self.keep(self.log.withdrawn(number) if self.in_hand(number) else self.log, then)

    def refuse(self, code: str, detail: str) -> Move[W]:
        """Answer "not done", behind a fence, so that it stays so; what may be left of it is taken back first."""
        answer = StepRefused.to(self.command, code=code, detail=detail)
        if self.log.untidy and self.policy.tidies and self.log.attempt == self.command.attempt:
            return self.keep(self.log.taking_back(answer), Tidy())
        return Move(self.work.with_log(self.slot, self.log.refused(self.command, answer)), say=answer)

    def take_back(self, refusal: Refused) -> Move[W]:
        """Refuse a step that took effect in part, once that is taken back."""
        answer = StepRefused.to(self.command, code=refusal.code, detail=refusal.detail)
        return self.keep(self.log.taking_back(answer), Tidy())

    def call(self, number: int) -> Move[W]:
        """The intent goes on record before the call; an undo's leaves the fence as well."""
        intent = self.log.begun(self.command, number, self.now + self.policy.intent)
        work = fenced(self.work, self.command) if self.command.undo else self.work
        return Move(work.with_log(self.slot, intent), then=Call(number))

    def tidy(self, log: StepLog) -> Next:
        return Tidy() if log.untidy and self.policy.tidies else Rest()


def react(work: W, command: Command, happening: Happening, now: datetime, policy: CallPolicy) -> Move[W]:
    """The worker's whole behaviour: the same arguments always give the same move."""
    slot = slot_of(command)
    move = _react(Situation(work, command, now, policy, slot, work.log(slot)), happening)
    if move.work is not work:
        move.work.log(slot).check()
    return move


def _react(at: Situation[W], happening: Happening) -> Move[W]:
    match happening:
        case Arrived():
            return next(move for rule in ARRIVAL if (move := rule(at)) is not None)
        case Called(number, outcome):
            return _called(at, number, outcome)
        case Lapsed(number):
            return at.free(number, Wait("the call was not begun", LAPSED_PAUSE))
        case Looked(after, outcome):
            return _looked_in_vain(at, after) if outcome is None else _learned(at, outcome)
        case Acted(outcome):
            return _learned(at, outcome)
        case Tidied(failure):
            return _tidied(at, failure)


def _waits_for_its_step(at: Situation[W]) -> Move[W] | None:
    """An undo that overtakes its step's call would not see the effect it must take back."""
    if not at.command.undo:
        return None
    open_until = at.work.log(slot_of(at.command, undo=False)).open_until
    if open_until is None or at.now >= open_until:
        return None
    return at.stay(Wait("the step's own call is under way", open_until - at.now))


def _repeats_its_answer(at: Situation[W]) -> Move[W] | None:
    if at.log.answer is None or at.log.attempt != at.command.attempt:
        return None
    return Move(at.work, say=at.log.answer.message(), then=at.tidy(at.log))


def _takes_back(at: Situation[W]) -> Move[W] | None:
    return at.stay(Tidy()) if at.log.takes_back(at.command) else None


def _stops_at_the_fence(at: Situation[W]) -> Move[W] | None:
    if at.command.attempt > at.log.fenced_through:
        return None
    return at.refuse("fenced", "the step was undone before it came")


def _is_superseded(at: Situation[W]) -> Move[W] | None:
    if at.command.attempt >= at.log.attempt:
        return None
    return at.refuse("superseded", f"attempt {at.log.attempt} has begun")


def _waits_for_the_call(at: Situation[W]) -> Move[W] | None:
    if at.log.open_until is None or at.now >= at.log.open_until:
        return None
    return at.stay(Wait("a call is under way", at.log.open_until - at.now))


def _looks_first(at: Situation[W]) -> Move[W] | None:
    if at.command.attempt != at.log.attempt or at.log.calls == 0:
        return None
    return at.stay(Act() if at.policy.repeatable else Look(at.log.calls))


def _has_expired(at: Situation[W]) -> Move[W] | None:
    if at.command.expires_at is None or at.now <= at.command.expires_at:
        return None
    return at.refuse("expired", f"the command was good until {at.command.expires_at.isoformat()}")


def _begins(at: Situation[W]) -> Move[W]:
    if at.policy.repeatable:
        return at.stay(Act())
    return at.stay(Look(0)) if at.policy.looks_first else at.call(1)


Rule = Callable[[Situation[Any]], Move[Any] | None]

ARRIVAL: tuple[Rule, ...] = (
    _waits_for_its_step,
    _repeats_its_answer,
    _takes_back,
    _stops_at_the_fence,
    _is_superseded,
    _waits_for_the_call,
    _looks_first,
    _has_expired,
    _begins,
)
"""The first of these that has something to say decides what a command's arrival calls for."""


def _called(at: Situation[W], number: int, outcome: Outcome) -> Move[W]:
    match outcome:
        case Done():
            return _conclude(at, outcome, of_a_call=True)
        case PartlyDone():
            return at.take_back(outcome.refusal) if at.in_hand(number) else _too_much(at)
        case Refused():
            # It refuses the step, unless another call has been made since or an answer given.
            return at.refuse(outcome.code, outcome.detail) if at.in_hand(number) else at.stay(Rest())
        case NotSent() | Misconfigured():
            return at.free(number, _left_open(outcome))
        case OutcomeUnknown():
            return _unknown(at, number, outcome)


def _learned(at: Situation[W], outcome: Outcome) -> Move[W]:
    """What a look found out, or a step that may be repeated came to: no call's number is at stake."""
    match outcome:
        case Done():
            return _conclude(at, outcome)
        case PartlyDone():
            return at.take_back(outcome.refusal)
        case Refused():
            return at.refuse(outcome.code, outcome.detail)
        case NotSent() | Misconfigured() | OutcomeUnknown():
            return at.stay(_left_open(outcome))


def _unknown(at: Situation[W], number: int, error: OutcomeUnknown) -> Move[W]:
    """Nobody looks before the provider had its time; an undo that looked too early looks once more."""
    settling = at.log.unknown(at.now + at.policy.settle)
    if (undo := _undo_to_repeat(at)) is not None:
        return Move(without_undo(at.work.with_log(at.slot, settling), undo), say=undo, then=AskAgain(error))
    if at.in_hand(number):
        return at.keep(settling, AskAgain(error))
    return _outlasted(at, error)


def _outlasted(at: Situation[W], error: OutcomeUnknown) -> Move[W]:
    """The step went on without this call, which may have had its effect: what is too much is looked for."""
    if not at.policy.tidies:
        return at.stay(AskAgain(error))
    return at.keep(at.log.made_untidy(), Wait("a call outlasted its intent", at.policy.settle))


def _too_much(at: Situation[W]) -> Move[W]:
    """An effect, or a part of one, that nobody waits to hear of. It must not set the log back, and while another call
    is under way nothing is taken back: it may be that call's, whose end tidies up."""
    over = at.log.answer is not None or at.log.taken_back is not None
    return at.keep(at.log.made_untidy(), Tidy() if over else Rest())


def _looked_in_vain(at: Situation[W], after: int) -> Move[W]:
    if (late := _has_expired(at)) is not None:
        return late
    if at.policy.calls is not None and after >= at.policy.calls:
        return at.refuse("not_done", f"{after} calls had no effect")
    return at.call(after + 1)


def _conclude(at: Situation[W], done: Done, *, of_a_call: bool = False) -> Move[W]:
    """Put an effect on record; behind a fence too, for whoever was told "refused" or "undone" must learn what is left
    to undo."""
    log = at.log
    if at.command.attempt < log.attempt:
        return _of_an_earlier_attempt(at, done)
    if log.takes_back(at.command):
        return _too_much(at)
    if log.took_effect(at.command):
        # This effect, put on record by whoever found it or by a save that seemed to fail; or one too many.
        log = log.made_untidy() if of_a_call and _is_surplus(at, done) else log
        return at.keep(log, at.tidy(log))
    after = log.concluded(at.command, done.answer, untidy=done.untidy or _may_have_a_second(at))
    work = fenced(at.work, at.command) if at.command.undo else at.work
    return Move(work.with_log(at.slot, after, **done.changes), say=done.answer, then=at.tidy(after))


def _of_an_earlier_attempt(at: Situation[W], done: Done) -> Move[W]:
    return _too_much(at) if at.policy.tidies else Move(at.work, say=done.answer)


def _tidied(at: Situation[W], failure: Refused | Failure | None) -> Move[W]:
    """While it cannot be taken back it is tried again: by whoever waits for an answer, else by the message."""
    pending = at.log.taken_back if at.log.answer is None and at.log.takes_back(at.command) else None
    match failure:
        case None if pending is not None:
            return _refused_at_last(at, pending.message())
        case None:
            return at.keep(at.log.tidied(), Rest())
        case Misconfigured():
            return at.stay(Fail(failure))
        case Refused() if pending is not None:
            return at.stay(AskAgain(OutcomeUnknown(f"a part is left: {failure}")))
        case NotSent() | OutcomeUnknown() if pending is not None:
            return at.stay(AskAgain(failure))
        case _:
            return at.stay(Wait(str(failure), at.policy.settle))


def _refused_at_last(at: Situation[W], refusal: Message) -> Move[W]:
    """Nothing is left of the step."""
    if not isinstance(refusal, StepRefused):
        raise TypeError(f"{refusal.type} refuses nothing")
    return Move(at.work.with_log(at.slot, at.log.tidied().refused(at.command, refusal)), say=refusal)


def _undo_to_repeat(at: Situation[W]) -> Message | None:
    """The undo that has been before this call's end."""
    return at.log.undo_to_repeat(at.command)


def _is_surplus(at: Situation[W], done: Done) -> bool:
    """Another effect than the one on record, or that and more."""
    return at.policy.tidies and (done.untidy or not done.is_on_record(at.work, at.slot))


def _may_have_a_second(at: Situation[W]) -> bool:
    """Of several calls another may have had its effect too, also one that a look found without, or of an attempt
    before."""
    return at.policy.tidies and (at.log.calls > 1 or at.command.attempt > 1)


def _left_open(failure: Failure) -> Next:
    """What comes of a call or a look that brought no answer."""
    return Fail(failure) if isinstance(failure, Misconfigured) else AskAgain(failure)
