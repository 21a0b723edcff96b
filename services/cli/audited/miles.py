"""The loyalty programme's book: what its ledger says of a purchase, and what the world was told."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from services.cli.audited.book import Book, Finding
from services.cli.books import BothSides, Purchase, Total

MILES = "miles"
SPENT: Final = frozenset({"redemption", "reversal"})


class MilesBook(Book):
    """`completed`: exactly the total is redeemed and nothing is held; what was told is what the ledger says."""

    def __init__(self, sides: BothSides) -> None:
        self._redeemed: dict[str, int] = defaultdict(int)
        self._held: dict[str, int] = defaultdict(int)
        self._told: dict[str, int] = defaultdict(int)
        for entry in sides.entries:
            if entry.reference and entry.kind in SPENT:
                self._redeemed[entry.reference] -= entry.miles
        for account in sides.accounts:
            for hold in account.holds:
                self._held[hold.reference] += hold.miles
        for told in sides.redeemed:
            self._told[told.reference] += told.redeemed - told.reversed

    def references(self) -> Iterable[str]:
        return self._redeemed.keys() | self._held.keys() | self._told.keys()

    def in_force(self, reference: str, expected: str) -> list[Finding]:
        facts = ((self._redeemed.get(reference, 0), "redeemed"), (self._held.get(reference, 0), "held"))
        return [Finding(reference, MILES, expected, f"{miles} {what}") for miles, what in facts if miles]

    def of_completed(self, purchase: Purchase, total: Total) -> list[Finding]:
        found = []
        redeemed, held = self._redeemed.get(purchase.id, 0), self._held.get(purchase.id, 0)
        if redeemed != total.miles:
            found.append(Finding(purchase.id, MILES, f"{total.miles} redeemed", f"{redeemed} redeemed"))
        if held:
            found.append(Finding(purchase.id, MILES, "nothing held", f"{held} held"))
        return found

    def of_open(self, purchase: Purchase) -> list[Finding]:
        miles = self._redeemed.get(purchase.id, 0) + self._held.get(purchase.id, 0)
        if purchase.total is None or miles <= purchase.total.miles:
            return []
        return [Finding(purchase.id, MILES, f"at most {purchase.total.miles}", f"{miles} redeemed or held")]

    def of_any(self, purchase: Purchase) -> list[Finding]:
        redeemed, told = self._redeemed.get(purchase.id, 0), self._told.get(purchase.id, 0)
        if told == redeemed:
            return []
        return [Finding(purchase.id, MILES, f"ledger: {redeemed} redeemed", f"told: {told}")]
