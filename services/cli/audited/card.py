"""The card gateway's book."""

from collections import defaultdict
from collections.abc import Iterable

from services.cli.audited.book import Book, Finding
from services.cli.books import Amount, BothSides, Charge, Purchase, Total

CARD = "card"


class CardBook(Book):
    """`completed`: exactly the total is captured and nothing is held."""

    def __init__(self, sides: BothSides) -> None:
        self._charges: dict[str, list[Charge]] = defaultdict(list)
        for charge in sides.charges:
            self._charges[charge.reference].append(charge)

    def references(self) -> Iterable[str]:
        return self._charges.keys()

    def in_force(self, reference: str, expected: str) -> list[Finding]:
        facts = ((self._taken(reference), "captured"), (self._held(reference), "held"))
        return [Finding(reference, CARD, expected, f"{amount} {what}") for amount, what in facts if amount]

    def of_completed(self, purchase: Purchase, total: Total) -> list[Finding]:
        found = self._foreign(purchase.id, total.money)
        taken, held = self._taken(purchase.id), self._held(purchase.id)
        if taken != total.money.amount:
            found.append(Finding(purchase.id, CARD, f"{total.money.amount} captured", f"{taken} captured"))
        if held:
            found.append(Finding(purchase.id, CARD, "nothing held", f"{held} held"))
        return found

    def of_open(self, purchase: Purchase) -> list[Finding]:
        if purchase.total is None:
            return []
        money = purchase.total.money
        found = self._foreign(purchase.id, money)
        secured = self._taken(purchase.id) + self._held(purchase.id)
        if secured > money.amount:
            found.append(Finding(purchase.id, CARD, f"at most {money.amount}", f"{secured} captured or held"))
        return found

    def _taken(self, reference: str) -> int:
        return sum(charge.taken for charge in self._charges.get(reference, ()))

    def _held(self, reference: str) -> int:
        return sum(charge.held for charge in self._charges.get(reference, ()))

    def _foreign(self, reference: str, money: Amount) -> list[Finding]:
        charges = self._charges.get(reference, ())
        wrong = {charge.currency for charge in charges if charge.taken or charge.held} - {money.currency}
        return [Finding(reference, CARD, money.currency, currency) for currency in sorted(wrong)]
