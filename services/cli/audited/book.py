"""What a provider's book must be able to say for the audit."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.cli.books import BothSides, Purchase, Total


@dataclass(frozen=True, order=True)
class Finding:
    """One place where the books differ, or something that belongs to nobody."""

    reference: str
    """The purchase, or the account where it is about one."""
    book: str
    """`card`, `documents`, `booking`, `miles` or `ledger`; a further provider's book has its own name."""
    expected: str
    found: str


class Book:
    """One provider's rows beside our purchases. What a book has nothing to say about is no finding."""

    def __init__(self, sides: BothSides) -> None:
        """`sides` has the rows of both; `sides.outside` those of the outside world as they are told, by name."""

    def references(self) -> Iterable[str]:
        """Every purchase that a row names."""
        return ()

    def in_force(self, reference: str, expected: str) -> list[Finding]:
        """Whatever a purchase that ended without effect, or does not exist, has in force all the same."""
        return []

    def of_completed(self, purchase: Purchase, total: Total) -> list[Finding]:
        """What is certain when everything was bought."""
        return []

    def of_undone(self, purchase: Purchase) -> list[Finding]:
        """What is certain when everything was undone, beyond that nothing is in force."""
        return []

    def of_open(self, purchase: Purchase) -> list[Finding]:
        """What is certain while a purchase is under way: nothing is beyond its total."""
        return []

    def of_any(self, purchase: Purchase) -> list[Finding]:
        """What holds whatever became of the purchase."""
        return []

    def without_purchase(self, reference: str) -> list[Finding]:
        """What nobody bought, beyond what is in force."""
        return []

    def orphans(self, reference: str, purchase: Purchase | None) -> list[Finding]:
        """What belongs to nobody and lapses by itself; `purchase` has ended, or there is none."""
        return []


def listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
