"""Who may agree to a request, and whether enough of them have."""

from collections.abc import Iterable

from services.releases.domain.policy import Rule, Rules
from services.releases.domain.request import Request
from services.releases.domain.seats import Need, are_filled, filled, seats_of
from services.releases.domain.standing import Standing


def eligible(rule: Rule, concerned: Iterable[str], standing: Standing, rules: Rules) -> dict[str, frozenset[str]]:
    """Those who could take a seat, with the groups they are in: active, no robots, and none whom it concerns."""
    barred = frozenset(concerned)
    return {
        each.id: frozenset(each.groups)
        for each in rules.people.in_groups(rule.groups)
        if not each.robot and each.id not in barred and standing.is_active(each.id, rules)
    }


def enough(request: Request, approvals: Iterable[str], rule: Rule, standing: Standing, rules: Rules) -> bool:
    """Do those who agreed fill every seat, by the files and the people of now?"""
    return seated(request, approvals, rule, standing, rules) == seats_of(rule.need)


def seated(request: Request, approvals: Iterable[str], rule: Rule, standing: Standing, rules: Rules) -> int:
    """So many seats are filled by those who agreed."""
    able = eligible(rule, request.persons_concerned, standing, rules)
    return len(filled(rule.need, {person: able[person] for person in set(approvals) if person in able}))


def missing(rule: Rule, able: dict[str, frozenset[str]]) -> list[str]:
    """Sentences that say which groups have too few people; none where every seat can be filled."""
    if are_filled(rule.need, able):
        return []
    short = [
        _few(each, able) for each in rule.need if sum(each.group in groups for groups in able.values()) < each.count
    ]
    if short:
        return short
    seats = [each.group for each in rule.need for _ in range(each.count)]
    holders = filled(rule.need, able)
    empty = [group for number, group in enumerate(seats) if number not in holders]
    return [
        f"{len(able)} people ({', '.join(sorted(able))}) cannot fill {seats_of(rule.need)} seats: {', '.join(empty)}"
    ]


def _few(need: Need, able: dict[str, frozenset[str]]) -> str:
    names = sorted(person for person, groups in able.items() if need.group in groups)
    return f"{need.group} needs {need.count}, who may: {', '.join(names) or 'nobody'}"
