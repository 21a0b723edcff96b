"""Do our books agree with the outside world's? A comparison of what both say, without I/O.

Certain for every purchase: `completed` means that the money captured and the miles redeemed are its total, that exactly
its documents are issued, and that nothing is held; `refused` and `cancelled` mean that nothing at all is in force. One
that is still open may be anywhere in between, but never beyond its total. What that means in each provider's book is
said there.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.cli.audited import BOOKS
from services.cli.audited.book import Book, Finding
from services.cli.audited.card import CARD
from services.cli.audited.events import findings
from services.cli.books import Account, BothSides, Entry, Purchase

UNDONE: Final = frozenset({"refused", "cancelled"})
ENDED: Final = UNDONE | {"completed"}
AVAILABLE: Final = "member:available"
HELD: Final = "member:held"
"""The two accounts of a member that entries name; the others are the programme's."""


@dataclass(frozen=True)
class Result:
    """What a comparison found. Orphans lapse by themselves; differences do not."""

    purchases: int = 0
    differences: tuple[Finding, ...] = ()
    orphans: tuple[Finding, ...] = ()
    open: tuple[Purchase, ...] = ()
    events: int = 0
    """Of partners, in the archive."""


def compare(sides: BothSides, books: Sequence[type[Book]] = BOOKS) -> Result:
    """Every purchase against every book, and everything in the books against the purchases."""
    differences = _ledger(sides.entries, sides.accounts)
    orphans: list[Finding] = []
    known = {purchase.id for purchase in sides.purchases}
    for book in (kind(sides) for kind in books):
        for purchase in sides.purchases:
            differences += _differences(purchase, book) + book.of_any(purchase)
            orphans += book.orphans(purchase.id, purchase) if purchase.status in ENDED else []
        for reference in set(book.references()) - known:
            differences += book.in_force(reference, "a purchase") + book.without_purchase(reference)
            orphans += book.orphans(reference, None)
    differences += [
        Finding(purchase.id, CARD, "a total", "completed without one")
        for purchase in sides.purchases
        if purchase.status == "completed" and purchase.total is None
    ]
    differences += findings(sides.events) if sides.events is not None else []
    return Result(
        purchases=len(sides.purchases),
        events=sides.events.count if sides.events is not None else 0,
        differences=tuple(sorted(set(differences))),
        orphans=tuple(sorted(set(orphans))),
        open=tuple(purchase for purchase in sides.purchases if purchase.status not in ENDED),
    )


def _differences(purchase: Purchase, book: Book) -> list[Finding]:
    if purchase.status == "completed":
        return book.of_completed(purchase, purchase.total) if purchase.total else []
    if purchase.status in UNDONE:
        return book.in_force(purchase.id, "nothing in force") + book.of_undone(purchase)
    priced = [] if purchase.total else book.in_force(purchase.id, "nothing before the cart is priced")
    return priced + book.of_open(purchase)


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
