"""Seats are matched: whatever could be filled is."""

import random
from itertools import permutations

from services.releases.domain.seats import Need, are_filled, filled, seats_of

GROUPS = ("a", "b", "c")


def could_be(need: list[Need], people: dict[str, set[str]]) -> bool:
    """By trying everything."""
    seats = [each.group for each in need for _ in range(each.count)]
    return any(
        all(group in people[person] for group, person in zip(seats, order, strict=True))
        for order in permutations(people, len(seats))
    )


def test_as_many_as_can_be_filled_are_filled() -> None:
    for seed in range(3_000):
        chance = random.Random(seed)
        people = {f"p{n}": set(chance.sample(GROUPS, chance.randint(0, 3))) for n in range(chance.randint(0, 5))}
        need = [Need(group=chance.choice(GROUPS), count=chance.randint(1, 2)) for _ in range(chance.randint(1, 3))]
        assert are_filled(need, people) is could_be(need, people), f"seed {seed}"


def test_nobody_has_two_seats_and_each_fits() -> None:
    for seed in range(1_000):
        chance = random.Random(seed)
        people = {f"p{n}": set(chance.sample(GROUPS, chance.randint(0, 3))) for n in range(6)}
        need = [Need(group=group, count=2) for group in GROUPS]
        holders = filled(need, people)
        assert len(set(holders.values())) == len(holders) <= seats_of(need)
        assert all(GROUPS[seat // 2] in people[person] for seat, person in holders.items())


def test_overlapping_groups_are_filled_in_either_order() -> None:
    """A greedy reading would give bia the seat of a, and nobody could sit down for b."""
    need = [Need(group="a"), Need(group="b")]
    people = {"bia": {"a", "b"}, "caio": {"a"}}
    assert are_filled(need, people)
    assert are_filled(need[::-1], people)
