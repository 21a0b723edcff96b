"""N of M with AND over groups: each person takes one seat, and it is found out who can take which.

Whoever is given the first seat that he fits into may keep another from the only one that is left for him. So seats are
matched (Kuhn's augmenting paths): as many are filled as can be.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from services.releases.domain.people import GROUP, Strict


class Need(Strict):
    """So many people of a group."""

    group: Annotated[str, Field(pattern=GROUP)]
    count: Annotated[int, Field(ge=1, le=20)] = 1


def filled(need: Sequence[Need], people: Mapping[str, Collection[str]]) -> dict[int, str]:
    """Which seats are filled by whom, as many as can be: `people` are the groups by person, seats count over `need`."""
    seats = [each.group for each in need for _ in range(each.count)]
    holders = dict[int, str]()
    for person in sorted(people):
        _seated(person, seats, people, holders, set())
    return holders


def seats_of(need: Sequence[Need]) -> int:
    return sum(each.count for each in need)


def are_filled(need: Sequence[Need], people: Mapping[str, Collection[str]]) -> bool:
    return len(filled(need, people)) == seats_of(need)


def _seated(
    person: str,
    seats: Sequence[str],
    people: Mapping[str, Collection[str]],
    holders: dict[int, str],
    tried: set[int],
) -> bool:
    """Is there a seat for the person, others moving to seats that suit them as well?"""
    for number, group in enumerate(seats):
        if number in tried or group not in people[person]:
            continue
        tried.add(number)
        if number not in holders or _seated(holders[number], seats, people, holders, tried):
            holders[number] = person
            return True
    return False
