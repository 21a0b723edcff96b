"""The table at the head of the rules, row by row."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from shared.contracts.messages import Message
from shared.contracts.payment import CardAuthorized, VoidAuthorization
from shared.contracts.steps import Command, StepRefused, StepUndone
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown, Refused
from shared.kernel.values import changed
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
    Happening,
    Lapsed,
    Look,
    Looked,
    Next,
    Rest,
    Tidied,
    Tidy,
    Wait,
)
from shared.worker.rules import react
from shared.worker.work import Saying, StepLog, Work, slot_of
from tests.unit.worker.histories import AMOUNT, DO, SECOND, UNDO, authorize, void

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
SOON = NOW + 2 * SECOND
UNKNOWN, NOT_SENT, OURS = OutcomeUnknown("silence"), NotSent("no line"), Misconfigured("no printer")
DECLINED = Refused("card_declined", "no")
ONLY_A_PART = PartlyDone(DECLINED)


class Held(Work):
    schema_version: ClassVar[int] = 1
    effect: str = ""


def done(effect: str = "first", *, untidy: bool = False) -> Done:
    return Done(CardAuthorized.to(authorize(), amount=AMOUNT, masked=effect), {"effect": effect}, untidy=untidy)


def attempt(number: int) -> Command:
    return changed(authorize(), attempt=number)


ANSWERED = StepLog(attempt=1, calls=1, answer=Saying.of(done().answer))
REFUSED = StepLog(
    attempt=1,
    calls=1,
    fenced_through=1,
    answer=Saying.of(StepRefused.to(authorize(), code="card_declined", detail="no")),
)
SECOND_ANSWER = Saying.of(CardAuthorized.to(attempt(2), amount=AMOUNT, masked="second"))
IN_HAND = StepLog(attempt=1, calls=1, open_until=SOON)
OVER = StepLog(attempt=1, calls=1, open_until=NOW - SECOND)
UNTIDY = ANSWERED.made_untidy()
TAKING_BACK = IN_HAND.taking_back(StepRefused.to(authorize(), code="card_declined", detail="no"))
TAKEN_BACK = REFUSED.made_untidy()
FENCED = StepLog(fenced_through=1, fenced_by=Saying.of(void()))


def replace_log(log: StepLog, **changes: Any) -> StepLog:
    return changed(log, **changes)


@dataclass(frozen=True)
class Row:
    """`log` is the step's before, `after` what is saved of it (None: nothing), `says` a code or a type."""

    name: str
    happening: Happening
    log: StepLog
    then: Next
    after: dict[str, Any] | None = None
    says: str = ""
    command: Command = field(default_factory=authorize)
    policy: CallPolicy = DO
    of_step: StepLog | None = None
    """For an undo: the log of the step it undoes."""


def waits(seconds: float, reason: str) -> Wait:
    return Wait(reason, timedelta(seconds=seconds))


UNDER_WAY = "a call is under way"
LATE = authorize(NOW - SECOND)
INTENT_ENDS = NOW + 5 * SECOND

ROWS = (
    Row(
        "an undo waits for its step's open call",
        Arrived(),
        StepLog(),
        waits(2, "the step's own call is under way"),
        command=void(),
        policy=UNDO,
        of_step=IN_HAND,
    ),
    Row(
        "an undo does not wait for a call that is over",
        Arrived(),
        StepLog(),
        Act(),
        command=void(),
        policy=UNDO,
        of_step=OVER,
    ),
    Row("an answer is said again", Arrived(), ANSWERED, Rest(), says=CardAuthorized.type),
    Row("a refusal is said again as it was", Arrived(), REFUSED, Rest(), says="card_declined"),
    Row("an untidy answer is said again and tidied", Arrived(), UNTIDY, Tidy(), says=CardAuthorized.type),
    Row(
        "an attempt behind the fence is refused",
        Arrived(),
        FENCED,
        Rest(),
        {"fenced_through": 1, "attempt": 1},
        "fenced",
    ),
    Row(
        "a later attempt passes the fence",
        Arrived(),
        FENCED,
        Call(1),
        {"attempt": 2, "calls": 1, "open_until": INTENT_ENDS},
        command=attempt(2),
    ),
    Row(
        "an attempt older than the log's is refused",
        Arrived(),
        StepLog(attempt=2, calls=1),
        Rest(),
        {"attempt": 2, "fenced_through": 1},
        "superseded",
    ),
    Row(
        "an expired command is refused",
        Arrived(),
        StepLog(),
        Rest(),
        {"fenced_through": 1, "attempt": 1},
        "expired",
        command=LATE,
    ),
    Row("what is being taken back is gone on with", Arrived(), TAKING_BACK, Tidy()),
    Row("also when the command has expired", Arrived(), TAKING_BACK, Tidy(), command=LATE),
    Row("an untidy refusal is said again and tidied", Arrived(), TAKEN_BACK, Tidy(), says="card_declined"),
    Row("an expired command whose call is over is looked after", Arrived(), OVER, Look(1), command=LATE),
    Row(
        "an expired command that took effect is answered",
        Arrived(),
        ANSWERED,
        Rest(),
        says=CardAuthorized.type,
        command=LATE,
    ),
    Row("a copy waits for the open call", Arrived(), IN_HAND, waits(2, UNDER_WAY)),
    Row("a call that is over is looked after", Arrived(), OVER, Look(1)),
    Row(
        "the first call leaves an intent",
        Arrived(),
        StepLog(),
        Call(1),
        {"attempt": 1, "calls": 1, "open_until": INTENT_ENDS},
    ),
    Row(
        "an effect is answered",
        Called(1, done()),
        IN_HAND,
        Rest(),
        {"answer": ANSWERED.answer, "open_until": None, "untidy": False},
        CardAuthorized.type,
    ),
    Row(
        "an effect of a second call is answered, and the first one's looked for",
        Called(2, done()),
        StepLog(attempt=1, calls=2, open_until=SOON),
        Tidy(),
        {"answer": ANSWERED.answer, "untidy": True},
        CardAuthorized.type,
    ),
    Row(
        "an effect behind the fence is answered",
        Called(1, done()),
        FENCED,
        Rest(),
        {"answer": ANSWERED.answer},
        CardAuthorized.type,
    ),
    Row(
        "an effect after a refusal is answered",
        Called(1, done()),
        REFUSED,
        Rest(),
        {"answer": ANSWERED.answer},
        CardAuthorized.type,
    ),
    Row("the effect on record is nothing new", Called(1, done()), ANSWERED, Rest()),
    Row(
        "another effect than the one on record is one too many",
        Called(1, done("second")),
        ANSWERED,
        Tidy(),
        {"untidy": True},
    ),
    Row(
        "the effect on record beside another is not all there is",
        Called(1, done(untidy=True)),
        ANSWERED,
        Tidy(),
        {"untidy": True},
    ),
    Row("without tidying it is let be", Called(1, done("second")), ANSWERED, Rest(), policy=replace(DO, tidies=False)),
    Row(
        "an effect of an earlier attempt leaves the later one's call alone",
        Called(1, done()),
        StepLog(attempt=2, calls=1, open_until=SOON),
        Rest(),
        {"attempt": 2, "calls": 1, "open_until": SOON, "answer": None, "untidy": True},
    ),
    Row(
        "an effect of an earlier attempt is one too many beside the later one's",
        Called(1, done()),
        StepLog(attempt=2, calls=1, answer=SECOND_ANSWER),
        Tidy(),
        {"attempt": 2, "answer": SECOND_ANSWER, "untidy": True},
    ),
    Row(
        "where nothing is tidied an effect of an earlier attempt is told",
        Called(1, done()),
        StepLog(attempt=2, calls=1, open_until=SOON),
        Rest(),
        says=CardAuthorized.type,
        policy=replace(DO, tidies=False),
    ),
    Row(
        "an effect that knows of others is tidied",
        Called(1, done(untidy=True)),
        IN_HAND,
        Tidy(),
        {"untidy": True},
        CardAuthorized.type,
    ),
    Row(
        "an effect of what is being taken back is taken back as well",
        Called(1, done()),
        TAKING_BACK,
        Tidy(),
        {"answer": None, "untidy": True},
    ),
    Row(
        "an effect of what was taken back is not answered",
        Called(1, done()),
        TAKEN_BACK.tidied(),
        Tidy(),
        {"answer": REFUSED.answer, "untidy": True},
    ),
    Row(
        "a part is taken back before it is refused",
        Called(1, ONLY_A_PART),
        IN_HAND,
        Tidy(),
        {"answer": None, "untidy": True, "open_until": None, "taken_back": REFUSED.answer},
    ),
    Row(
        "a part beside the effect on record is tidied",
        Called(1, ONLY_A_PART),
        ANSWERED,
        Tidy(),
        {"answer": ANSWERED.answer, "untidy": True, "taken_back": None},
    ),
    Row(
        "a part behind a refusal is taken back",
        Called(1, ONLY_A_PART),
        REFUSED,
        Tidy(),
        {"untidy": True, "taken_back": REFUSED.answer},
    ),
    Row("a part beside another is taken back", Called(1, ONLY_A_PART), TAKING_BACK, Tidy(), {"untidy": True}),
    Row(
        "a part beside a call under way is let be for now",
        Called(1, ONLY_A_PART),
        StepLog(attempt=1, calls=2, open_until=SOON),
        Rest(),
        {"answer": None, "untidy": True, "open_until": SOON},
    ),
    Row(
        "a refused call beside a part is refused when that is taken back",
        Called(1, DECLINED),
        replace_log(IN_HAND, untidy=True),
        Tidy(),
        {"answer": None, "taken_back": REFUSED.answer},
    ),
    Row("a refused call refuses nothing that is being taken back", Called(1, DECLINED), TAKING_BACK, Rest()),
    Row(
        "a refused call refuses the step",
        Called(1, DECLINED),
        IN_HAND,
        Rest(),
        {"fenced_through": 1, "open_until": None},
        "card_declined",
    ),
    Row(
        "a refused call that is not in hand refuses nothing",
        Called(1, DECLINED),
        StepLog(attempt=1, calls=2, open_until=SOON),
        Rest(),
    ),
    Row(
        "what was not sent frees its number",
        Called(1, NOT_SENT),
        IN_HAND,
        AskAgain(NOT_SENT),
        {"calls": 0, "open_until": None},
    ),
    Row(
        "what was not sent frees no other number", Called(1, NOT_SENT), StepLog(attempt=1, calls=2), AskAgain(NOT_SENT)
    ),
    Row("what was not sent behind an answer changes nothing", Called(1, NOT_SENT), ANSWERED, AskAgain(NOT_SENT)),
    Row("our own fault frees the number", Called(1, OURS), IN_HAND, Fail(OURS), {"calls": 0, "open_until": None}),
    Row(
        "an unknown call in hand is given time",
        Called(1, UNKNOWN),
        IN_HAND,
        AskAgain(UNKNOWN),
        {"open_until": NOW + SECOND},
    ),
    Row(
        "an unknown call that an undo has passed repeats the undo",
        Called(1, UNKNOWN),
        FENCED,
        AskAgain(UNKNOWN),
        {"open_until": NOW + SECOND},
        VoidAuthorization.type,
    ),
    Row(
        "an unknown call that is not in hand may be one too many",
        Called(1, UNKNOWN),
        ANSWERED,
        waits(1, "a call outlasted its intent"),
        {"untidy": True},
    ),
    Row(
        "where nothing is tidied it is let be",
        Called(1, UNKNOWN),
        ANSWERED,
        AskAgain(UNKNOWN),
        policy=replace(DO, tidies=False),
    ),
    Row(
        "a call not begun frees its number",
        Lapsed(1),
        IN_HAND,
        waits(1, "the call was not begun"),
        {"calls": 0, "open_until": None},
    ),
    Row(
        "a call not begun whose intent was not saved changes nothing",
        Lapsed(1),
        StepLog(),
        waits(1, "the call was not begun"),
    ),
    Row(
        "what a look found is answered",
        Looked(1, done()),
        OVER,
        Rest(),
        {"answer": ANSWERED.answer},
        CardAuthorized.type,
    ),
    Row(
        "a look in vain is followed by the next call",
        Looked(1, None),
        OVER,
        Call(2),
        {"calls": 2, "open_until": INTENT_ENDS},
    ),
    Row(
        "calls without effect are limited",
        Looked(3, None),
        StepLog(attempt=1, calls=3),
        Rest(),
        {"fenced_through": 1},
        "not_done",
    ),
    Row(
        "calls without a limit go on",
        Looked(1000, None),
        StepLog(attempt=1, calls=1000),
        Call(1001),
        {"calls": 1001, "open_until": INTENT_ENDS},
        policy=replace(DO, calls=None),
    ),
    Row(
        "an expired command is not called again",
        Looked(1, None),
        OVER,
        Rest(),
        {"fenced_through": 1},
        "expired",
        command=LATE,
    ),
    Row("a look may refuse", Looked(1, DECLINED), OVER, Rest(), {"fenced_through": 1}, "card_declined"),
    Row(
        "a part that a look found is taken back before it is refused",
        Looked(1, ONLY_A_PART),
        OVER,
        Tidy(),
        {"answer": None, "untidy": True, "taken_back": REFUSED.answer},
    ),
    Row("a look that fails changes nothing", Looked(1, UNKNOWN), OVER, AskAgain(UNKNOWN)),
    Row("a look that is our fault fails", Looked(1, OURS), OVER, Fail(OURS)),
    Row("what may be repeated is acted", Arrived(), StepLog(), Act(), command=void(), policy=UNDO),
    Row(
        "an act is answered",
        Acted(Done(StepUndone.to(void()))),
        StepLog(),
        Rest(),
        {"attempt": 1},
        StepUndone.type,
        command=void(),
        policy=UNDO,
    ),
    Row(
        "an act may refuse",
        Acted(DECLINED),
        StepLog(),
        Rest(),
        {"attempt": 1, "fenced_through": 0},
        "card_declined",
        command=void(),
        policy=UNDO,
    ),
    Row(
        "an act that fails is asked again", Acted(NOT_SENT), StepLog(), AskAgain(NOT_SENT), command=void(), policy=UNDO
    ),
    Row("tidied up is tidy", Tidied(None), UNTIDY, Rest(), {"untidy": False}),
    Row(
        "what is taken back is refused",
        Tidied(None),
        TAKING_BACK,
        Rest(),
        {"answer": REFUSED.answer, "untidy": False, "fenced_through": 1},
        "card_declined",
    ),
    Row("what is taken back later is only tidied", Tidied(None), TAKEN_BACK, Rest(), {"untidy": False}),
    Row("what could not be taken back is not refused", Tidied(NOT_SENT), TAKING_BACK, AskAgain(NOT_SENT)),
    Row("what cannot be taken back through our fault fails", Tidied(OURS), TAKING_BACK, Fail(OURS)),
    Row("what could not be tidied is tried again", Tidied(NOT_SENT), UNTIDY, waits(1, "no line")),
    Row("what cannot be tidied through our fault fails", Tidied(OURS), UNTIDY, Fail(OURS)),
)


def check_row(row: Row) -> None:
    slot = slot_of(row.command)
    steps = {slot: row.log} if row.log != StepLog() else {}
    if row.of_step is not None:
        steps[slot_of(row.command, undo=False)] = row.of_step
    before = Held(id="p", steps=steps, effect="first" if row.log.took_effect(row.command) else "")
    move = react(before, row.command, row.happening, NOW, row.policy)
    assert move.then == row.then
    if row.after is None:
        assert move.work is before
    else:
        log = move.work.log(slot)
        assert {name: getattr(log, name) for name in row.after} == row.after
    assert _told(move.say) == row.says


def _told(said: Message | None) -> str:
    match said:
        case None:
            return ""
        case StepRefused(code=code):
            return code
        case _:
            return said.type


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_table(row: Row) -> None:
    check_row(row)


def test_an_undo_that_acts_leaves_a_fence_before_its_step() -> None:
    undo = void(2)
    move = react(Held(id="p"), undo, Acted(Done(StepUndone.to(undo))), NOW, UNDO)
    assert move.work.log(slot_of(undo, undo=False)).fenced_through == 2


def test_a_log_that_contradicts_itself_is_noticed() -> None:
    with pytest.raises(AssertionError, match="the attempt"):
        Held(id="p", steps={"s": changed(ANSWERED, attempt=2)}).check()
