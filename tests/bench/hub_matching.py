"""What it takes to match one event against many rules, by the index and by trying every rule in turn.

Receipts of 1.1 KB and rules as partners write them, both by seed: every rule names a type, and asks for amounts,
stores, categories of lines, prefixes. CPU time is counted, which a busy machine lengthens less than the clock's;
figures are void where the two ways do not find the same.
"""

import random
import time
from collections.abc import Callable
from statistics import median
from typing import Any, Final

from shared.rules.documents import document_of
from shared.rules.index import Index
from shared.rules.looking import Look
from shared.rules.matching import compiled
from shared.rules.parsing import parse
from tests.bench.children import Failed
from tests.bench.figures import Figure

SIZES: Final = ((1_000, 61), (10_000, 610))
"""Rules, and the types that they are of."""
ROUNDS: Final = 5
EVENTS: Final = 2_000
IN_TURN: Final = 20
"""Events of a round that every rule is tried on: the obvious way takes long."""
STORES: Final = 400
CATEGORIES: Final = ("grocery", "tobacco", "fuel", "giftcard", "liquor", "delivery", "pharmacy")
MOST_US: Final = 60
MOST_TIMES: Final = 1.5

Told = Callable[[str], Any]


class _Contest:
    """So many rules, by the index and in turn, on the same events."""

    def __init__(self, count: int, types: int) -> None:
        chance = random.Random(count)
        patterns = [parse(a_rule(chance, number % types)) for number in range(count)]
        self.name = f"match_{count}_rules"
        self.types = types
        self.events = [document_of(a_receipt(chance, chance.randrange(types)), "coles") for _ in range(EVENTS)]
        self.index = Index(enumerate(patterns))
        self._clauses = [compiled(pattern) for pattern in patterns]
        self.by_index: list[float] = []
        self.in_turn: list[float] = []

    def round(self) -> None:
        """Microseconds of CPU per event, either way. Raises Failed where they differ."""
        began = time.process_time()
        found = [self.index.match(event) for event in self.events]
        self.by_index.append((time.process_time() - began) / len(self.events) * 1e6)
        began = time.process_time()
        expected = [self._try_all(event) for event in self.events[:IN_TURN]]
        self.in_turn.append((time.process_time() - began) / IN_TURN * 1e6)
        if found[:IN_TURN] != expected:
            raise Failed(f"{self.name}: the index does not find what there is to be found")

    def _try_all(self, event: dict[str, Any]) -> list[int]:
        look = Look(event)
        return [number for number, clause in enumerate(self._clauses) if clause(event, look)]

    def figures(self, target: str) -> list[Figure]:
        tried = sum(len(self.index.candidates(event)) for event in self.events) / len(self.events)
        return [
            Figure(f"{self.name}_by_index", median(self.by_index), "us", tuple(self.by_index), target),
            Figure(f"{self.name}_in_turn", median(self.in_turn), "us", tuple(self.in_turn), "the obvious way"),
            Figure(f"{self.name}_tried", tried, "rules"),
        ]


def measure(told: Told, rounds: int = ROUNDS) -> list[Figure]:
    """Microseconds of CPU per event, the sizes in turns. `told` after each. Raises Failed where a match is missed."""
    small, large = contests = [_Contest(count, types) for count, types in SIZES]
    for _ in range(rounds):
        for contest in contests:
            contest.round()
            told(contest.name)
    growth = [more / less for more, less in zip(large.by_index, small.by_index, strict=True)]
    return [
        *small.figures(f"at most {MOST_US}, of {small.types} types"),
        *large.figures(f"of {large.types} types"),
        Figure("match_growth", median(growth), "", tuple(growth), f"at most {MOST_TIMES} for ten times the rules"),
    ]


def a_rule(chance: random.Random, number: int) -> dict[str, Any]:
    """Of a type; one or two conditions more."""
    data: dict[str, Any] = {}
    for condition in chance.sample(CONDITIONS, chance.choice((1, 1, 2))):
        data |= condition(chance)
    return {"type": [type_name(number)], "data": data}


def type_name(number: int) -> str:
    return f"retail.kind{number}.issued.v1"


def a_receipt(chance: random.Random, number: int) -> dict[str, Any]:
    """A CloudEvent of 1.1 KB."""
    lines = [
        {
            "sku": f"{chance.randrange(10**8):08}",
            "category": chance.choice(CATEGORIES),
            "amount": chance.randrange(5000),
        }
        for _ in range(14)
    ]
    store = f"{chance.randrange(STORES):04}"
    return {
        "specversion": "1.0",
        "id": f"{chance.randrange(10**12):012}",
        "source": f"/coles/{store}",
        "type": type_name(number),
        "time": "2027-01-01T09:30:00+11:00",
        "subject": f"member-{chance.randrange(10**6)}",
        "partitionkey": store,
        "data": {
            "receipt_id": f"{store}-{chance.randrange(10**9)}",
            "store": store,
            "member_ref": f"M{chance.randrange(10**8)}",
            "at": "2027-01-01T09:29:57+11:00",
            "total": {"amount": sum(line["amount"] for line in lines), "currency": "AUD"},
            "lines": lines,
        },
    }


CONDITIONS: Final[tuple[Callable[[random.Random], dict[str, Any]], ...]] = (
    lambda chance: {"total": {"amount": [{"numeric": [">=", chance.randrange(10_000, 40_000)]}]}},
    lambda chance: {"store": sorted({f"{chance.randrange(STORES):04}" for _ in range(5)})},
    lambda chance: {"store": [{"prefix": f"{chance.randrange(40):03}"}]},
    lambda chance: {"lines": {"category": [chance.choice(CATEGORIES)], "amount": [{"numeric": [">", 4_500]}]}},
    lambda _: {"member_ref": [{"exists": True}], "total": {"currency": [{"anything-but": ["NZD", "USD"]}]}},
    lambda chance: {"receipt_id": [{"wildcard": f"{chance.randrange(10)}*-*{chance.randrange(10)}"}]},
)
