"""The airline's book: bookings, tickets and EMDs."""

from collections import defaultdict
from collections.abc import Iterable

from services.cli.audited.book import Book, Finding, listed
from services.cli.books import Booking, BothSides, IssuedDocument, Purchase, Total

DOCUMENTS, BOOKING = "documents", "booking"


class AirlineBook(Book):
    """`completed`: exactly the purchase's documents are issued, and its bookings ticketed."""

    def __init__(self, sides: BothSides) -> None:
        self._documents: dict[str, list[IssuedDocument]] = defaultdict(list)
        for document in sides.documents:
            self._documents[document.reference].append(document)
        self._bookings: dict[str, list[Booking]] = defaultdict(list)
        for booking in sides.bookings:
            self._bookings[booking.reference].append(booking)

    def references(self) -> Iterable[str]:
        return self._documents.keys() | self._bookings.keys()

    def in_force(self, reference: str, expected: str) -> list[Finding]:
        issued = self._issued(reference)
        return [Finding(reference, DOCUMENTS, expected, f"issued: {listed(issued)}")] if issued else []

    def of_completed(self, purchase: Purchase, total: Total) -> list[Finding]:
        found = []
        issued, ticketed = self._issued(purchase.id), self._booked(purchase.id, "ticketed")
        locators = frozenset(purchase.locators)
        if not purchase.tickets:
            found.append(Finding(purchase.id, DOCUMENTS, "at least one ticket", "completed without tickets"))
        if missing := purchase.numbers - issued:
            found.append(Finding(purchase.id, DOCUMENTS, f"issued: {listed(missing)}", "not issued"))
        if surplus := issued - purchase.numbers:
            also = f"also issued: {listed(surplus)}"
            found.append(Finding(purchase.id, DOCUMENTS, "nothing beyond the purchase", also))
        if missing := locators - ticketed:
            found.append(Finding(purchase.id, BOOKING, f"ticketed: {listed(missing)}", "not ticketed"))
        if surplus := ticketed - locators:
            found.append(Finding(purchase.id, BOOKING, "no other booking", f"also ticketed: {listed(surplus)}"))
        return found

    def of_undone(self, purchase: Purchase) -> list[Finding]:
        still = self._booked(purchase.id, "open") & frozenset(purchase.locators)
        return [Finding(purchase.id, BOOKING, "cancelled", f"{locator} is open") for locator in still]

    def of_open(self, purchase: Purchase) -> list[Finding]:
        known = frozenset(document.number for document in self._documents.get(purchase.id, ()))
        unknown = purchase.numbers - known
        expected = f"known to the airline: {listed(unknown)}"
        return [Finding(purchase.id, DOCUMENTS, expected, "unknown")] if unknown else []

    def without_purchase(self, reference: str) -> list[Finding]:
        ticketed = self._booked(reference, "ticketed")
        return [Finding(reference, BOOKING, "a purchase", f"{locator} is ticketed") for locator in ticketed]

    def orphans(self, reference: str, purchase: Purchase | None) -> list[Finding]:
        """Open bookings that nobody knows: their creation was never confirmed to us."""
        known = frozenset(purchase.locators) if purchase else frozenset[str]()
        lost = self._booked(reference, "open") - known
        return [Finding(reference, BOOKING, "a living purchase", f"{each} is open until its limit") for each in lost]

    def _issued(self, reference: str) -> frozenset[str]:
        return frozenset(each.number for each in self._documents.get(reference, ()) if each.status == "issued")

    def _booked(self, reference: str, status: str) -> frozenset[str]:
        return frozenset(each.locator for each in self._bookings.get(reference, ()) if each.status == status)
