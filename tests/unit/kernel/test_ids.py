"""Ids are in the order of their making, also those of one millisecond."""

import uuid
from itertools import pairwise

from shared.kernel.ids import STEP, Uuid7Ids
from tests.kit.clock import HandClock


def test_ids_of_one_millisecond_are_in_their_order_and_good_uuids() -> None:
    clock = HandClock()
    ids = Uuid7Ids(clock)
    made = [ids.new() for _ in range(5_000)]
    clock.pass_by(seconds=1)
    made += [ids.new() for _ in range(10)]
    assert made == sorted(set(made))
    found = [uuid.UUID(each) for each in made]
    assert {(each.version, each.variant) for each in found} == {(7, uuid.RFC_4122)}
    assert len({each.int >> 80 for each in found}) == 2
    steps = {later.int - earlier.int for earlier, later in pairwise(found[:5_000])}
    assert len(steps) > 4_900, "the next one is guessed"
    assert max(steps) <= STEP + 1


def test_a_clock_that_is_set_back_is_believed() -> None:
    clock = HandClock()
    ids = Uuid7Ids(clock)
    later = uuid.UUID(ids.new()).int >> 80
    clock.pass_by(seconds=-10)
    assert uuid.UUID(ids.new()).int >> 80 == later - 10_000
