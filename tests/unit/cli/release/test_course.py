"""What the gate does next: by hand where it matters, and over random answers."""

from dataclasses import replace
from random import Random

import pytest

from services.cli.release.gate import exits
from services.cli.release.gate.course import (
    LONGEST_WATCH,
    OVER,
    Ask,
    Course,
    End,
    GetGrant,
    Heard,
    Pause,
    Question,
    Redeem,
    Run,
    Terms,
    Watch,
    advance,
    begin,
)

DIGEST = "sha256:" + "a" * 64
TERMS = Terms(DIGEST, patience=100.0, reach=10.0)
SEEN: dict[str, object] = {"id": "r1", "state": "pending", "digest": DIGEST, "revision": 1}


def heard(to: Question, at: float, status: int, **body: object) -> Heard:
    return Heard(to, at, status, body, took=25.0)


def waiting() -> Course:
    """Asked at 0, pending at revision 1."""
    course, step = begin(TERMS, 0.0)
    course, step = advance(course, heard(Ask(), 0.0, 201, **SEEN))
    assert step == Watch(1, LONGEST_WATCH)
    return course


def granted() -> Course:
    course, step = advance(waiting(), heard(Watch(1, 25), 1.0, 200, **SEEN | {"state": "approved", "revision": 2}))
    assert step == GetGrant()
    return course


def test_it_begins_by_asking() -> None:
    assert begin(TERMS, 5.0)[1] == Ask()


def test_the_whole_way() -> None:
    course, step = advance(granted(), heard(GetGrant(), 2.0, 200, grant="g"))
    assert step == Redeem("g")
    assert advance(course, heard(Redeem("g"), 2.0, 200, execution="x"))[1] == Run("x")


@pytest.mark.parametrize("state", OVER)
def test_no_state_that_is_over_is_ever_run(state: str) -> None:
    _, step = advance(waiting(), heard(Watch(1, 25), 1.0, 200, **SEEN | {"state": state, "revision": 2}))
    assert isinstance(step, End)
    assert step.code == OVER[state][0]


@pytest.mark.parametrize(
    ("state", "more", "why"),
    [
        ("denied", {"closed_by": "p-sre", "closed_reason": "not tonight"}, "It was denied by p-sre: not tonight"),
        ("withdrawn", {"closed_by": "p-ana", "closed_reason": None}, "It was withdrawn by p-ana."),
        ("expired", {"closed_by": "", "closed_reason": None}, "It expired."),
    ],
)
def test_who_closed_it_and_why_is_told(state: str, more: dict[str, str | None], why: str) -> None:
    told = SEEN | {"state": state, "revision": 2} | more
    _, step = advance(waiting(), heard(Watch(1, 25), 1.0, 200, **told))
    assert isinstance(step, End)
    assert step.why == why


def test_a_long_poll_is_as_long_as_patience_and_no_longer() -> None:
    _, step = advance(waiting(), heard(Watch(1, 25), 90.0, 304))
    assert step == Watch(1, 10.0)
    _, step = advance(waiting(), heard(Watch(1, 25), 100.0, 304))
    assert isinstance(step, End)
    assert step.code == exits.EXPIRED


def test_who_answers_at_once_although_he_should_wait_is_not_asked_at_once() -> None:
    for answer in (heard(Watch(1, 25), 1.0, 304), heard(Watch(1, 25), 1.0, 200, **SEEN)):
        _, step = advance(waiting(), replace(answer, took=0.01))
        assert isinstance(step, Pause)


def test_absence_is_counted_from_the_last_answer() -> None:
    course = replace(waiting(), answered=20.0)
    assert advance(course, heard(Watch(1, 25), 30.0, 0))[1] == Pause(0.5, Watch(1, 25))
    _, step = advance(course, heard(Watch(1, 25), 30.1, 503, detail="closed for today"))
    assert isinstance(step, End)
    assert (step.code, "closed for today" in step.why) == (exits.AWAY, True)


def test_a_freeze_holds_the_grant_back_until_patience_is_over() -> None:
    course, step = advance(granted(), Heard(GetGrant(), 2.0, 409, {"code": "frozen"}, retry_after=3600))
    assert step == Pause(5.0, GetGrant())
    course, step = advance(course, Heard(GetGrant(), 97.0, 409, {"code": "frozen"}, retry_after=3600))
    assert step == Pause(3.0, GetGrant())
    _, step = advance(course, Heard(GetGrant(), 100.0, 409, {"code": "frozen"}, retry_after=3600))
    assert isinstance(step, End)
    assert step.code == exits.HELD


def test_a_window_is_awaited_to_the_second() -> None:
    _, step = advance(granted(), Heard(GetGrant(), 2.0, 409, {"code": "outside_window"}, retry_after=2))
    assert step == Pause(2, GetGrant())


def test_grants_that_are_void_for_ever_are_no_loop() -> None:
    course, step = granted(), GetGrant()
    for _ in range(100):
        course, last = advance(course, heard(GetGrant(), 2.0, 200, grant="g"))
        if isinstance(last, End):
            assert last.code == exits.CHANGED
            return
        course, after = advance(course, heard(Redeem("g"), 2.0, 409, code="grant_void"))
        assert after == Pause(0.5, step)
    pytest.fail("it asked a hundred times")


def test_an_approval_that_does_not_count_is_asked_about_only_after_something_new() -> None:
    course, step = advance(granted(), heard(GetGrant(), 2.0, 409, code="not_approved"))
    assert step == Pause(0.5, Watch(2, LONGEST_WATCH))
    same = SEEN | {"state": "approved", "revision": 2}
    course, step = advance(course, heard(Watch(2, 25), 30.0, 200, **same))
    assert step == Watch(2, LONGEST_WATCH)
    assert advance(course, heard(Watch(2, 25), 31.0, 200, **same | {"revision": 3}))[1] == GetGrant()


def test_a_token_that_is_refused_is_wrong_use_at_the_ask_and_an_absence_afterwards() -> None:
    _, step = advance(begin(TERMS, 0.0)[0], heard(Ask(), 0.0, 401, detail="no token"))
    assert isinstance(step, End)
    assert step.code == exits.WRONG
    assert isinstance(advance(waiting(), heard(Watch(1, 25), 1.0, 401))[1], Pause)


def test_where_another_ask_waits_for_the_same_the_ways_on_are_told() -> None:
    told = heard(Ask(), 0.0, 409, code="request_open", detail="r7 waits for the same", request="r7")
    _, step = advance(begin(TERMS, 0.0)[0], told)
    assert isinstance(step, End)
    assert step.code == exits.WRONG
    assert step.why == (
        "The request was refused (request_open): r7 waits for the same. "
        "--replaces r7 takes its place; the --key of its gate goes on with it."
    )


ODD: list[object] = [None, "", 0, 7, True, [], {}, "r1", "r2", "approved", "pending", "denied", DIGEST, "x", "g"]


def odd_answer(random: Random, to: Question, at: float) -> Heard:
    """Anything that a server, a proxy or a forger may say."""
    true: dict[str, object] = {
        "id": "r1",
        "state": random.choice([*OVER, "pending", "approved", "granted"]),
        "digest": DIGEST,
    }
    true |= {"revision": random.randint(0, 5), "grant": "g", "execution": "x"}
    body = {name: value if random.random() < 0.85 else random.choice(ODD) for name, value in true.items()}
    codes = ("frozen", "outside_window", "not_approved", "grant_void", "expired", "closed", "grant_used", "")
    status = random.choice([200, 200, 200, 201, 304, 409, 409, 0, 401, 404, 500, 302])
    body |= {"code": random.choice(codes)} if status == 409 else {}
    return Heard(to, at, status, body, random.choice([None, 0.0, 3.0]), took=random.choice([0.0, 30.0]))


@pytest.mark.parametrize("seed", range(300))
def test_whatever_is_answered_it_runs_only_what_was_redeemed_and_comes_to_an_end(seed: int) -> None:
    random, at = Random(seed), 0.0
    course, step = begin(TERMS, at)
    last: Heard | None = None
    for _ in range(2000):
        question: Question | Run | End
        if isinstance(step, Pause):
            at += step.seconds
            question = step.then
        else:
            question = step
        if isinstance(question, Run | End):
            break
        last = odd_answer(random, question, at)
        at += last.took if isinstance(question, Watch) else 0.01
        course, step = advance(course, replace(last, at=at))
    else:
        pytest.fail("it never came to an end")
    if isinstance(question, Run):
        assert last is not None
        assert isinstance(last.to, Redeem)
        assert (last.status, last.body["execution"]) == (200, question.execution)
        assert course.request == "r1"
    else:
        assert isinstance(question, End)
        assert question.code in range(91, 98)


@pytest.mark.parametrize(
    ("code", "passed"),
    [(0, 0), (7, 7), (89, 89), (90, 90), (91, 90), (97, 90), (98, 98), (127, 127), (-9, 137), (-15, 143)],
)
def test_the_commands_code_is_passed_on_unless_it_could_be_mistaken(code: int, passed: int) -> None:
    assert exits.passed_on(code) == passed
