"""Whatever befalls the processes that carry out a step, in the end one effect is in force, or none."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.worker import rules
from shared.worker.moves import AskAgain, Move, Rest, Tidy
from shared.worker.work import StepLog
from tests.unit.worker.histories import history
from tests.unit.worker.test_rules import ROWS, Row, check_row

HISTORIES = 20_000
SHARES = 10
MOST_UNTIL_CAUGHT = 12_000


@pytest.mark.parametrize("share", range(SHARES))
def test_random_histories_end_with_one_effect_or_none(share: int) -> None:
    for seed in range(share * HISTORIES // SHARES, (share + 1) * HISTORIES // SHARES):
        try:
            history(seed)
        except Exception as wrong:  # noqa: BLE001 - a rule's own fault is to be told by its seed as well
            pytest.fail(f"history({seed}): {wrong!r}")


def never(*_: Any, **__: Any) -> None:
    return None


def no(*_: Any, **__: Any) -> bool:
    return False


def yes(*_: Any, **__: Any) -> bool:
    return True


def without(rule: Callable[..., Any]) -> tuple[object, str, Any]:
    return rules, "ARRIVAL", tuple(one for one in rules.ARRIVAL if one is not rule)


def unfenced(work: Any, _undo: Any) -> Any:
    return work


def set_back(at: Any, done: Any) -> Any:
    return Move(at.work.with_log(at.slot, at.log.concluded(at.command, done.answer, untidy=False), **done.changes))


TAKEN_OUT = {
    "an undo waits for its step's call": without(rules._waits_for_its_step),
    "an answer is repeated": without(rules._repeats_its_answer),
    "a fence holds": without(rules._stops_at_the_fence),
    "an older attempt is refused": without(rules._is_superseded),
    "an open call is waited for": without(rules._waits_for_the_call),
    "a look comes before the next call": without(rules._looks_first),
    "what is being taken back is gone on with": without(rules._takes_back),
    "what is too much is put on record": (rules, "_too_much", lambda at: at.stay(Rest())),
    "what is refused for a part is put on record first": (
        rules.Situation,
        "take_back",
        lambda at, refusal: at.refuse(refusal.code, refusal.detail),
    ),
    "effects of what is taken back are taken back": (StepLog, "takes_back", no),
    "nothing is taken back while another call is under way": (
        rules,
        "_too_much",
        lambda at: at.keep(at.log.made_untidy(), Tidy()),
    ),
    "a command expires": without(rules._has_expired),
    "an undo leaves a fence": (rules, "fenced", unfenced),
    "only a call in hand refuses or frees": (rules.Situation, "in_hand", yes),
    "an undo is repeated after a late unknown": (rules, "_undo_to_repeat", never),
    "a surplus effect is tidied up": (rules, "_is_surplus", no),
    "an earlier attempt sets no log back": (rules, "_of_an_earlier_attempt", set_back),
    "of several calls another may have its effect": (rules, "_may_have_a_second", no),
    "a call that outlasted its intent leaves the step untidy": (
        rules,
        "_outlasted",
        lambda at, error: at.stay(AskAgain(error)),
    ),
}


@pytest.mark.parametrize("name", TAKEN_OUT)
def test_each_rule_is_missed_when_it_is_taken_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*TAKEN_OUT[name])
    assert _missed_by_a_row() or _missed_by_a_history(), f"nothing notices that {name} does not hold any more"


def _missed_by_a_row() -> bool:
    return any(_fails(check_row, row) for row in ROWS)


def _missed_by_a_history() -> bool:
    return any(_fails(history, seed) for seed in range(MOST_UNTIL_CAUGHT))


def _fails(check: Callable[[Any], object], about: Row | int) -> bool:
    try:
        check(about)
    except Exception:  # noqa: BLE001 - however it fails, it is noticed
        return True
    return False
