"""What several processes have in hand of a target, told by each and added up."""

import json
from datetime import UTC, datetime, timedelta

from services.delivery.domain.hands import MOST, NOTHING, WORD, InHand, heard, together, word

NOW = datetime(2027, 1, 20, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def said(hands: dict[str, InHand]) -> dict[str, object]:
    """As it comes out of a store."""
    found: dict[str, object] = json.loads(json.dumps({"at": "now", **word(hands)}))
    return found


def test_requests_are_added_up_and_the_oldest_copy_of_all_counts() -> None:
    one = {"fuel/bi": InHand(2, NOW - 3 * MINUTE), "fuel/crm": InHand(1, None)}
    two = {"fuel/bi": InHand(1, NOW - 9 * MINUTE), "fuel/till": InHand(0, NOW)}
    assert together(heard([said(one), said(two)])) == {
        "fuel/bi": InHand(3, NOW - 9 * MINUTE),
        "fuel/crm": InHand(1, None),
        "fuel/till": InHand(0, NOW),
    }


def test_nothing_is_said_of_what_has_nothing_in_hand_nor_by_a_process_of_a_release_before() -> None:
    assert word({"fuel/bi": NOTHING}) == {WORD: []}
    assert together(heard([{"at": "now", "opens": []}])) == {}


def test_of_many_targets_those_whose_copies_wait_longest_are_told() -> None:
    many = {f"fuel/t{each}": InHand(1, NOW - each * MINUTE if each else None) for each in range(MOST + 50)}
    (told,) = heard([said(many)])
    assert len(told) == MOST
    assert set(many) - set(told) == {f"fuel/t{each}" for each in range(50)}
