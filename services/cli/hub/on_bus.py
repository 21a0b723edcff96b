"""What a bus makes of an event, by its rules in force: the same that the router runs, run here."""

import time
from collections.abc import Callable
from typing import Final

from services.cli import printing
from services.cli.client import Json
from shared.contracts.archive import ArchivedEvent
from shared.routing.bus import SHADOW, Bus, Match, Routing
from shared.routing.copying import Original
from shared.routing.explaining import RuleExplained, State, explained
from shared.rules.looking import TooMuchWork

STATES: Final[dict[State, str]] = {
    "sends": "matches",
    "counts": "matches, and only counts",
    "left_out": "matches, and leaves it out by its share",
    "does_not_match": "does not match",
    "off": "is off",
}


class Watched:
    """A bus that may be changed meanwhile: it is asked for again after so many seconds, and a change is told."""

    def __init__(self, in_force: Callable[[], Bus], lasts: float, *, explains: bool) -> None:
        self._in_force = in_force
        self._lasts = lasts
        self._explains = explains
        self._bus = in_force()
        self._asked_at = time.monotonic()

    def owner_alone(self) -> str | None:
        """The partner whose events alone it looks at; None where an operator has opened it to others."""
        return None if self._bus.terms.publishers else self._bus.terms.partner

    def routing(self, event: ArchivedEvent) -> Json | None:
        """What is told of an event; None of one that does not come over this bus."""
        bus, original = self._newest(), Original(event)
        told: Json = {"bus": bus.name, "revision": bus.revision}
        try:
            if self._explains:
                return told | _explained(bus, event)
            return told | _routed(bus.matched(original)) if bus.admits_it(original) else None
        except TooMuchWork:
            return told | {"undecided": True}

    def _newest(self) -> Bus:
        if time.monotonic() - self._asked_at >= self._lasts:
            before, self._bus = self._bus.revision, self._in_force()
            self._asked_at = time.monotonic()
            if self._bus.revision != before:
                printing.complain(f"bus {self._bus.name}: revision {self._bus.revision} is in force")
        return self._bus


def lines_of(routing: Json) -> list[str]:
    """For people: what goes where, and a line for each clause that was asked to be explained."""
    if routing.get("undecided"):
        return ["too much work for its rules"]
    if "admitted" in routing and not routing["admitted"]:
        return [f"not admitted: {routing['why']}"]
    found = [_line(each) for each in routing["rules"] if each["state"] in {"sends", "counts"}]
    found += [f"{each['target']}: {each['reason']}" for each in routing["broken"]]
    return ["; ".join(found) or "no rule", *(_why(each) for each in routing["rules"] if "why" in each)]


def _line(rule: Json) -> str:
    return f"{rule['rule']}{' (shadow)' if rule['state'] == 'counts' else ''} -> {', '.join(rule['to'])}"


def _why(rule: Json) -> str:
    return f"    {rule['rule']} {STATES[rule['state']]}" + (f": {rule['why']}" if rule["why"] else "")


def _routed(routing: Routing) -> Json:
    return {
        "rules": [{"rule": each.rule, "to": list(each.to), "state": _state(each)} for each in routing.matches],
        "targets": [each.target for each in routing.copies],
        "broken": [{"target": each.copy.target, "reason": each.reason} for each in routing.broken],
    }


def _state(match: Match) -> State:
    return "counts" if match.mode == SHADOW else "sends"


def _explained(bus: Bus, event: ArchivedEvent) -> Json:
    """Raises TooMuchWork."""
    why = explained(bus, event)
    return _routed(bus.route(event)) | {
        "admitted": why.enabled and why.admits.holds,
        "why": str(why.admits) if why.enabled else "the bus is not enabled",
        "rules": [_rule(each) for each in why.rules],
    }


def _rule(rule: RuleExplained) -> Json:
    return {"rule": rule.rule, "to": list(rule.to), "state": rule.state, "why": str(rule.why) if rule.why else ""}
