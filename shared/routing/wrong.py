"""What is wrong with a bus."""

from collections.abc import Iterable
from typing import Final

from shared.rules.faults import Fault

INVALID: Final = "invalid_request"


class WrongBus(ValueError):
    """The terms are no bus that can be in force. `faults` point into the file; `code` is for programs:
    `invalid_request`, `rule_too_costly`, `rule_without_anchor`; `rule` is the one that costs too much."""

    def __init__(self, faults: Iterable[Fault], code: str = INVALID, rule: str = "") -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(map(str, self.faults)))
        self.code = code
        self.rule = rule
