"""How large a rule and its parts may be: every list, depth and cost has a bound, so that no rule can be a burden."""

from typing import Final

PATTERN_BYTES: Final = 4096
"""Of a pattern as compact JSON in UTF-8."""
PATTERN_DEPTH: Final = 10
"""Patterns inside each other; `$and`, `$or` and `$not` count as one each."""
TESTS: Final = 100
"""In one field's list, and values or patterns in any other list of a pattern."""
WILDCARDS: Final = 5
"""`*` in one wildcard."""
FAULTS: Final = 20
"""Told of one rule; whoever has more begins with these."""

TEMPLATE_BYTES: Final = 8192
"""Of a template as compact JSON in UTF-8."""
PLACES: Final = 100
"""In one template, each of which may stand for the whole event."""

TEXT_BYTES: Final = 262_144
"""Of a text that is read: the size of the largest event."""
DOCUMENT_DEPTH: Final = 64
"""Lists and objects inside each other in an event."""
LEAST_INTEGER: Final = -(2**63)
GREATEST_INTEGER: Final = 2**64 - 1

BUS_RULES: Final = 200
BUS_COST: Final = 5000
BUS_UNANCHORED: Final = 50
"""Rules of one bus that are tried on every event, since they name no exact value."""

STEPS: Final = 5_000_000
"""For one event, by all rules together: elements of lists times the cost of what is asked of each. It takes seconds at
the worst, and an event without a verdict, instead of a process that stands still."""
