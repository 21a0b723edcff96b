"""Do our books agree with the outside world's? A comparison of what both say, without I/O.

Certain for every purchase: `completed` means that the money captured and the miles redeemed are its total, that exactly
its documents are issued, and that nothing is held; `refused` and `cancelled` mean that nothing at all is in force. One
that is still open may be anywhere in between, but never beyond its total.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.cli.books import Account, Amount, Booking, BothSides, Charge, Entry, IssuedDocument, Purchase

UNDONE: Final = frozenset({"refused", "cancelled"})
SPENT: Final = frozenset({"redemption", "reversal"})
AVAILABLE: Final = "member:available"
HELD: Final = "member:held"
"""The two accounts of a member that entries name; the others are the programme's."""


@dataclass(frozen=True, order=True)
class Finding:
    """One place where the books differ, or something that belongs to nobody."""

    reference: str
    """The purchase, or the account where it is about one."""
    book: str
    """`card`, `documents`, `booking`, `miles` or `ledger`."""
    expected: str
    found: str


@dataclass(frozen=True)
class Result:
    """What a comparison found. Orphans lapse by themselves; differences do not."""

    purchases: int = 0
    differences: tuple[Finding, ...] = ()
    orphans: tuple[Finding, ...] = ()
    open: tuple[Purchase, ...] = ()


@dataclass
class _Shelf:
    """Everything the books say about one purchase."""

    charges: list[Charge] = field(default_factory=list)
    documents: list[IssuedDocument] = field(default_factory=list)
    bookings: list[Booking] = field(default_factory=list)
    redeemed: int = 0
    told: int = 0
    held: int = 0

    @property
    def taken(self) -> int:
        return sum(charge.taken for charge in self.charges)

    @property
    def money_held(self) -> int:
        return sum(charge.held for charge in self.charges)

    @property
    def issued(self) -> frozenset[str]:
        return frozenset(document.number for document in self.documents if document.status == "issued")

    @property
    def ticketed(self) -> frozenset[str]:
        return frozenset(booking.locator for booking in self.bookings if booking.status == "ticketed")

    @property
    def reserved(self) -> frozenset[str]:
        return frozenset(booking.locator for booking in self.bookings if booking.status == "open")


def compare(books: BothSides) -> Result:
    """Every purchase against everything the books say of it, and everything in the books against the purchases."""
    shelves = _shelves(books)
    known = {purchase.id for purchase in books.purchases}
    differences: list[Finding] = []
    orphans: list[Finding] = []
    for purchase in books.purchases:
        shelf = shelves.get(purchase.id) or _Shelf()
        differences += _differences(purchase, shelf)
        orphans += _lost_bookings(purchase, shelf)
    for reference in sorted(shelves.keys() - known):
        differences += _without_purchase(reference, shelves[reference])
        orphans += _orphan_bookings(reference, shelves[reference].reserved)
    differences += _ledger(books.entries, books.accounts)
    return Result(
        purchases=len(books.purchases),
        differences=tuple(sorted(set(differences))),
        orphans=tuple(sorted(set(orphans))),
        open=tuple(purchase for purchase in books.purchases if purchase.status not in UNDONE | {"completed"}),
    )


def _shelves(books: BothSides) -> dict[str, _Shelf]:
    shelves: dict[str, _Shelf] = defaultdict(_Shelf)
    for charge in books.charges:
        shelves[charge.reference].charges.append(charge)
    for document in books.documents:
        shelves[document.reference].documents.append(document)
    for booking in books.bookings:
        shelves[booking.reference].bookings.append(booking)
    for told in books.redeemed:
        shelves[told.reference].told += told.redeemed - told.reversed
    for entry in books.entries:
        if entry.reference and entry.kind in SPENT:
            shelves[entry.reference].redeemed -= entry.miles
    for account in books.accounts:
        for hold in account.holds:
            shelves[hold.reference].held += hold.miles
    return dict(shelves)


def _differences(purchase: Purchase, shelf: _Shelf) -> list[Finding]:
    if purchase.status == "completed":
        found = _of_completed(purchase, shelf)
    elif purchase.status in UNDONE:
        found = _in_force(purchase.id, shelf, "nothing in force")
        found += [
            Finding(purchase.id, "booking", "cancelled", f"{locator} is open")
            for locator in shelf.reserved & frozenset(purchase.locators)
        ]
    else:
        found = _of_open(purchase, shelf)
    if shelf.told != shelf.redeemed:
        found.append(Finding(purchase.id, "miles", f"ledger: {shelf.redeemed} redeemed", f"told: {shelf.told}"))
    return found


def _of_completed(purchase: Purchase, shelf: _Shelf) -> list[Finding]:
    total = purchase.total
    if total is None:
        return [Finding(purchase.id, "card", "a total", "completed without one")]
    found = _money_of_completed(purchase.id, total.money, shelf)
    found += _documents_of_completed(purchase, shelf)
    if shelf.redeemed != total.miles:
        found.append(Finding(purchase.id, "miles", f"{total.miles} redeemed", f"{shelf.redeemed} redeemed"))
    if shelf.held:
        found.append(Finding(purchase.id, "miles", "nothing held", f"{shelf.held} held"))
    return found


def _money_of_completed(reference: str, money: Amount, shelf: _Shelf) -> list[Finding]:
    found = _foreign(reference, money, shelf)
    if shelf.taken != money.amount:
        found.append(Finding(reference, "card", f"{money.amount} captured", f"{shelf.taken} captured"))
    if shelf.money_held:
        found.append(Finding(reference, "card", "nothing held", f"{shelf.money_held} held"))
    return found


def _documents_of_completed(purchase: Purchase, shelf: _Shelf) -> list[Finding]:
    found = []
    if not purchase.tickets:
        found.append(Finding(purchase.id, "documents", "at least one ticket", "completed without tickets"))
    if missing := purchase.numbers - shelf.issued:
        found.append(Finding(purchase.id, "documents", f"issued: {_list(missing)}", "not issued"))
    if surplus := shelf.issued - purchase.numbers:
        found.append(Finding(purchase.id, "documents", "nothing beyond the purchase", f"also issued: {_list(surplus)}"))
    if missing := frozenset(purchase.locators) - shelf.ticketed:
        found.append(Finding(purchase.id, "booking", f"ticketed: {_list(missing)}", "not ticketed"))
    if surplus := shelf.ticketed - frozenset(purchase.locators):
        found.append(Finding(purchase.id, "booking", "no other booking", f"also ticketed: {_list(surplus)}"))
    return found


def _in_force(reference: str, shelf: _Shelf, expected: str) -> list[Finding]:
    """Whatever a purchase that ended without effect, or that does not exist, has in force all the same."""
    facts = (
        ("card", shelf.taken, f"{shelf.taken} captured"),
        ("card", shelf.money_held, f"{shelf.money_held} held"),
        ("documents", len(shelf.issued), f"issued: {_list(shelf.issued)}"),
        ("miles", shelf.redeemed, f"{shelf.redeemed} redeemed"),
        ("miles", shelf.held, f"{shelf.held} held"),
    )
    return [Finding(reference, book, expected, what) for book, in_force, what in facts if in_force]


def _of_open(purchase: Purchase, shelf: _Shelf) -> list[Finding]:
    """What is certain while a purchase is under way: nothing is beyond its total, its documents exist."""
    known = frozenset(document.number for document in shelf.documents)
    found = []
    if unknown := purchase.numbers - known:
        found.append(Finding(purchase.id, "documents", f"known to the airline: {_list(unknown)}", "unknown"))
    total = purchase.total
    if total is None:
        return found + _in_force(purchase.id, shelf, "nothing before the cart is priced")
    found += _foreign(purchase.id, total.money, shelf)
    money = shelf.taken + shelf.money_held
    if money > total.money.amount:
        found.append(Finding(purchase.id, "card", f"at most {total.money.amount}", f"{money} captured or held"))
    miles = shelf.redeemed + shelf.held
    if miles > total.miles:
        found.append(Finding(purchase.id, "miles", f"at most {total.miles}", f"{miles} redeemed or held"))
    return found


def _foreign(reference: str, money: Amount, shelf: _Shelf) -> list[Finding]:
    wrong = {charge.currency for charge in shelf.charges if charge.taken or charge.held} - {money.currency}
    return [Finding(reference, "card", money.currency, currency) for currency in sorted(wrong)]


def _without_purchase(reference: str, shelf: _Shelf) -> list[Finding]:
    found = _in_force(reference, shelf, "a purchase")
    found += [Finding(reference, "booking", "a purchase", f"{locator} is ticketed") for locator in shelf.ticketed]
    return found


def _lost_bookings(purchase: Purchase, shelf: _Shelf) -> list[Finding]:
    """Open bookings that an ended purchase does not know: their creation was never confirmed to us."""
    if purchase.status not in UNDONE | {"completed"}:
        return []
    return _orphan_bookings(purchase.id, shelf.reserved - frozenset(purchase.locators))


def _orphan_bookings(reference: str, locators: Iterable[str]) -> list[Finding]:
    return [
        Finding(reference, "booking", "a living purchase", f"{locator} is open until its limit") for locator in locators
    ]


def _ledger(entries: Sequence[Entry], accounts: Sequence[Account]) -> list[Finding]:
    """Does each entry move miles between two accounts, once, and does each account hold what its entries say?"""
    found = []
    seen: set[str] = set()
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for entry in entries:
        if entry.id in seen:
            found.append(Finding(entry.member_id, "ledger", "each entry once", f"{entry.id} twice"))
        if not _balances(entry):
            moved = f"{entry.id}: {entry.miles} from {entry.debit} to {entry.credit}"
            found.append(Finding(entry.member_id, "ledger", "miles from one account to another", moved))
        seen.add(entry.id)
        sums[entry.member_id, entry.debit] -= abs(entry.miles)
        sums[entry.member_id, entry.credit] += abs(entry.miles)
    listed = {account.member_id: account for account in accounts}
    for member_id in listed.keys() | {entry.member_id for entry in entries}:
        account = listed.get(member_id) or Account(member_id=member_id, available=0, held=0)
        found += _account(account, sums[member_id, AVAILABLE], sums[member_id, HELD])
    return found


def _balances(entry: Entry) -> bool:
    """Two accounts, and the sign that the member's own account gives it."""
    sign = {entry.credit: 1, entry.debit: -1}.get(AVAILABLE, 0)
    return entry.debit != entry.credit and entry.miles != 0 and (sign == 0 or entry.miles * sign > 0)


def _account(account: Account, available: int, held: int) -> list[Finding]:
    in_holds = sum(hold.miles for hold in account.holds)
    facts = (
        (account.available == available, f"{available} available by its entries", f"{account.available} available"),
        (account.held == held, f"{held} held by its entries", f"{account.held} held"),
        (account.held == in_holds, f"{account.held} held", f"{in_holds} in its holds"),
        (min(available, held) >= 0, "no negative balance", f"{available} available, {held} held"),
    )
    return [Finding(account.member_id, "ledger", expected, found) for holds, expected, found in facts if not holds]


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
