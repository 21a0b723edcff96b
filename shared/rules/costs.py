"""What the rules of one bus may take together; told before any event is there."""

from collections.abc import Sequence

from shared.rules.anchors import anchors_of
from shared.rules.limits import BUS_COST, BUS_RULES, BUS_UNANCHORED
from shared.rules.pattern import Pattern


class TooCostly(ValueError):
    """The rules of a bus are too many or take too long. `code` is for programs; `rule` the first that is too much."""

    def __init__(self, code: str, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.code = code
        self.rule = rule
        self.detail = detail


def cost_of(rules: Sequence[tuple[str, Pattern]]) -> int:
    """Of all rules of one bus, by name. Raises TooCostly: `too_many_rules`, `rule_too_costly`, `rule_without_anchor`.

    Linear in the rules' own size. It bounds the calls of tests that one event without lists can cause, whatever is in
    it; what lists may add is bounded for each event.
    """
    cost = unanchored = 0
    for number, (name, pattern) in enumerate(rules, start=1):
        cost += pattern.cost
        unanchored += not anchors_of(pattern)
        if number > BUS_RULES:
            raise TooCostly("too_many_rules", name, f"a bus has at most {BUS_RULES} rules")
        if cost > BUS_COST:
            detail = f"costs {pattern.cost}, {cost} with those before it; a bus has {BUS_COST}"
            raise TooCostly("rule_too_costly", name, detail)
        if unanchored > BUS_UNANCHORED:
            detail = f"names no exact value, as {BUS_UNANCHORED} rules before it; each is tried on every event"
            raise TooCostly("rule_without_anchor", name, detail)
    return cost
