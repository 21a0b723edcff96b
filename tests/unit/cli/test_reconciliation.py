"""Hand-written books: every way in which they may differ is found, and nothing else is."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from services.cli.audited import BOOKS
from services.cli.audited.book import Book, Finding
from services.cli.books import (
    Account,
    Amount,
    Booking,
    BothSides,
    Charge,
    Entry,
    Hold,
    IssuedDocument,
    Numbered,
    Purchase,
    RedeemedMiles,
    Total,
)
from services.cli.reconciliation import compare

TICKET, EMD = "0471234567890", "0471234567891"


def purchase(status: str = "completed", **fields: object) -> Purchase:
    bought = {
        "id": "p1",
        "member_id": "ana",
        "status": status,
        "total": Total(money=Amount(amount=259_990, currency="BRL"), miles=30_000),
        "tickets": (Numbered(number=TICKET),),
        "documents": (Numbered(number=EMD),),
        "locators": ("ABCDEF",),
    }
    undone = {"tickets": (), "documents": ()} if status != "completed" else {}
    return Purchase.model_validate(bought | undone | fields)


def charge(**fields: object) -> Charge:
    taken = {"reference": "p1", "authorized": 259_990, "captured": 259_990, "currency": "BRL"}
    return Charge.model_validate(taken | fields)


def document(number: str, status: str = "issued", reference: str = "p1") -> IssuedDocument:
    return IssuedDocument(number=number, reference=reference, status=status)


def booking(status: str = "ticketed", locator: str = "ABCDEF", reference: str = "p1") -> Booking:
    return Booking(locator=locator, reference=reference, status=status)


def entry(kind: str, miles: int, entry_id: str = "e1", reference: str = "p1", **fields: str) -> Entry:
    accounts = {"debit": "member:available", "credit": "programme:redeemed"} | fields
    return Entry(id=entry_id, member_id="ana", kind=kind, miles=miles, reference=reference, **accounts)


def told(redeemed: int, given_back: int = 0, reference: str = "p1") -> RedeemedMiles:
    return RedeemedMiles(member_id="ana", reference=reference, redeemed=redeemed, reversed=given_back)


def account(held: int = 0, available: int = 20_000, reference: str = "p1") -> Account:
    holds = (Hold(reference=reference, miles=held),) if held else ()
    return Account(member_id="ana", available=available, held=held, holds=holds)


def granted(miles: int = 50_000) -> Entry:
    return entry("accrual", miles, "e0", "", debit="programme:issued", credit="member:available")


def set_aside(miles: int) -> Entry:
    return entry("hold", -miles, "e9", debit="member:available", credit="member:held")


BOUGHT = BothSides(
    purchases=[purchase()],
    charges=[charge()],
    documents=[document(TICKET), document(EMD)],
    bookings=[booking()],
    redeemed=[told(30_000)],
    entries=[granted(), entry("redemption", -30_000)],
    accounts=[account()],
)
UNDONE = BothSides(
    purchases=[purchase("refused")],
    charges=[charge(captured=0, voided=259_990)],
    documents=[document(TICKET, "voided")],
    bookings=[booking("cancelled")],
    entries=[granted()],
    accounts=[account(available=50_000)],
)


def differences(books: BothSides) -> list[tuple[str, str]]:
    """Of purchases; the ledger itself has tests of its own below."""
    return [(finding.book, finding.found) for finding in compare(books).differences if finding.book != "ledger"]


def ledger_differences(books: BothSides) -> list[str]:
    return [finding.found for finding in compare(books).differences if finding.book == "ledger"]


@pytest.mark.parametrize("books", [BOUGHT, UNDONE, BothSides()])
def test_books_that_agree_show_no_difference(books: BothSides) -> None:
    result = compare(books)
    assert (result.differences, result.orphans, result.open) == ((), (), ())
    assert result.purchases == len(books.purchases)


@pytest.mark.parametrize(
    ("books", "book", "found"),
    [
        (replace(BOUGHT, charges=[]), "card", "0 captured"),
        (replace(BOUGHT, charges=[charge(captured=0)]), "card", "0 captured"),
        (replace(BOUGHT, charges=[charge(captured=0)]), "card", "259990 held"),
        (replace(BOUGHT, charges=[charge(), charge()]), "card", "519980 captured"),
        (replace(BOUGHT, charges=[charge(refunded=90)]), "card", "259900 captured"),
        (replace(BOUGHT, charges=[charge(), charge(captured=0)]), "card", "259990 held"),
        (replace(BOUGHT, charges=[charge(currency="USD")]), "card", "USD"),
        (replace(BOUGHT, documents=[document(TICKET)]), "documents", "not issued"),
        (replace(BOUGHT, documents=[document(TICKET), document(EMD, "voided")]), "documents", "not issued"),
        (
            replace(BOUGHT, documents=[*BOUGHT.documents, document("0471234567892")]),
            "documents",
            "also issued: 0471234567892",
        ),
        (replace(BOUGHT, purchases=[purchase(tickets=())]), "documents", "completed without tickets"),
        (replace(BOUGHT, bookings=[booking("cancelled")]), "booking", "not ticketed"),
        (replace(BOUGHT, bookings=[booking(), booking(locator="GHIJKL")]), "booking", "also ticketed: GHIJKL"),
        (replace(BOUGHT, entries=[], redeemed=[]), "miles", "0 redeemed"),
        (
            replace(BOUGHT, entries=[entry("redemption", -30_000), entry("redemption", -30_000, "e2")]),
            "miles",
            "60000 redeemed",
        ),
        (
            replace(BOUGHT, entries=[entry("redemption", -30_000), entry("reversal", 30_000, "e2")]),
            "miles",
            "0 redeemed",
        ),
        (replace(BOUGHT, redeemed=[]), "miles", "told: 0"),
        (replace(BOUGHT, accounts=[account(held=30_000)]), "miles", "30000 held"),
        (replace(BOUGHT, purchases=[purchase(total=None)]), "card", "completed without one"),
    ],
)
def test_a_completed_purchase_that_is_not_exactly_in_the_books_differs(books: BothSides, book: str, found: str) -> None:
    assert (book, found) in differences(books)


@pytest.mark.parametrize("status", ["refused", "cancelled"])
@pytest.mark.parametrize(
    ("changes", "book", "found"),
    [
        ({"charges": [charge(captured=0)]}, "card", "259990 held"),
        ({"charges": [charge()]}, "card", "259990 captured"),
        ({"charges": [charge(refunded=100)]}, "card", "259890 captured"),
        ({"documents": [document(TICKET)]}, "documents", f"issued: {TICKET}"),
        ({"bookings": [booking("open")]}, "booking", "ABCDEF is open"),
        ({"entries": [entry("redemption", -30_000)], "redeemed": [told(30_000)]}, "miles", "30000 redeemed"),
        ({"accounts": [account(held=30_000)]}, "miles", "30000 held"),
    ],
)
def test_an_undone_purchase_with_anything_in_force_differs(
    status: str, changes: dict[str, list[object]], book: str, found: str
) -> None:
    books = replace(UNDONE, purchases=[purchase(status)], **changes)  # type: ignore[arg-type]
    assert differences(books) == [(book, found)]


def test_what_was_taken_and_given_back_is_no_difference() -> None:
    books = replace(
        UNDONE,
        charges=[charge(refunded=259_990)],
        documents=[document(TICKET, "refunded"), document(EMD, "voided")],
        redeemed=[told(30_000, 30_000)],
        entries=[
            granted(),
            entry("redemption", -30_000),
            entry("reversal", 30_000, "e2", debit="programme:redeemed", credit="member:available"),
        ],
    )
    assert compare(books).differences == ()


@pytest.mark.parametrize("status", ["refused", "cancelled"])
def test_a_refund_that_is_on_our_record_and_failed_at_the_gateway_differs(status: str) -> None:
    """The card's bank sent it back: the gateway's book has the money as taken, ours has the purchase as undone."""
    books = replace(UNDONE, purchases=[purchase(status)], charges=[charge(refunded=0)])
    assert differences(books) == [("card", "259990 captured")]


@pytest.mark.parametrize("status", ["running", "waiting_for_customer", "needs_attention"])
def test_an_open_purchase_is_listed_and_may_be_half_done(status: str) -> None:
    books = BothSides(
        purchases=[purchase(status)],
        charges=[charge(captured=0)],
        documents=[document(TICKET), document(EMD)],
        bookings=[booking()],
        entries=[granted(), set_aside(30_000)],
        accounts=[account(held=30_000)],
    )
    result = compare(books)
    assert result.differences == result.orphans == ()
    assert [found.id for found in result.open] == ["p1"]


@pytest.mark.parametrize(
    ("changes", "book", "found"),
    [
        ({"charges": [charge(), charge(captured=0)]}, "card", "519980 captured or held"),
        ({"charges": [charge(currency="USD")]}, "card", "USD"),
        ({"accounts": [account(held=40_000)]}, "miles", "40000 redeemed or held"),
        ({"purchases": [purchase("running", tickets=(Numbered(number=TICKET),))]}, "documents", "unknown"),
        ({"purchases": [purchase("running", total=None)], "charges": [charge()]}, "card", "259990 captured"),
    ],
)
def test_an_open_purchase_beyond_what_is_certain_differs(
    changes: dict[str, list[object]], book: str, found: str
) -> None:
    books = replace(BothSides(purchases=[purchase("running")]), **changes)  # type: ignore[arg-type]
    assert differences(books) == [(book, found)]


@pytest.mark.parametrize(
    ("books", "book", "found"),
    [
        (BothSides(charges=[charge()]), "card", "259990 captured"),
        (BothSides(charges=[charge(captured=0)]), "card", "259990 held"),
        (BothSides(documents=[document(TICKET)]), "documents", f"issued: {TICKET}"),
        (BothSides(bookings=[booking()]), "booking", "ABCDEF is ticketed"),
        (BothSides(entries=[entry("redemption", -5)]), "miles", "5 redeemed"),
        (BothSides(accounts=[account(held=5)]), "miles", "5 held"),
    ],
)
def test_what_is_in_force_without_a_purchase_differs(books: BothSides, book: str, found: str) -> None:
    assert Finding("p1", book, "a purchase", found) in compare(books).differences


def test_what_is_over_without_a_purchase_is_nobodys_business() -> None:
    books = BothSides(
        charges=[charge(captured=0, voided=259_990), charge(refunded=259_990)],
        documents=[document(TICKET, "voided")],
        bookings=[booking("cancelled")],
    )
    result = compare(books)
    assert (result.differences, result.orphans) == ((), ())


@pytest.mark.parametrize(
    "books",
    [
        BothSides(bookings=[booking("open", "LOSTXX")]),
        replace(UNDONE, bookings=[*UNDONE.bookings, booking("open", "LOSTXX")]),
        replace(BOUGHT, bookings=[*BOUGHT.bookings, booking("open", "LOSTXX")]),
    ],
)
def test_an_open_booking_that_no_purchase_knows_is_an_orphan_and_no_difference(books: BothSides) -> None:
    result = compare(books)
    assert result.differences == ()
    assert [(orphan.reference, orphan.found) for orphan in result.orphans] == [("p1", "LOSTXX is open until its limit")]


def test_a_booking_of_a_running_purchase_is_no_orphan() -> None:
    books = BothSides(purchases=[purchase("running", locators=())], bookings=[booking("open")])
    assert compare(books).orphans == ()


ACCRUAL = {"debit": "programme:issued", "credit": "member:available"}


@pytest.mark.parametrize(
    ("entries", "accounts", "found"),
    [
        ([granted(), granted()], [account(available=100_000)], "e0 twice"),
        ([granted(), entry("accrual", 5, debit="x", credit="x")], [account(available=50_000)], "e1: 5 from x to x"),
        (
            [granted(), entry("accrual", -5, **ACCRUAL)],
            [account(available=50_005)],
            "e1: -5 from programme:issued to member:available",
        ),
        (
            [granted(), entry("accrual", 0, **ACCRUAL)],
            [account(available=50_000)],
            "e1: 0 from programme:issued to member:available",
        ),
        ([granted()], [account(available=49_999)], "49999 available"),
        ([granted()], [], "0 available"),
        ([granted(7)], [Account(member_id="ana", available=7, held=7)], "7 held"),
        ([granted(9), set_aside(7)], [Account(member_id="ana", available=2, held=7)], "0 in its holds"),
        ([set_aside(5)], [account(held=5, available=-5)], "-5 available, 5 held"),
    ],
)
def test_a_ledger_that_does_not_add_up_differs(entries: list[Entry], accounts: list[Account], found: str) -> None:
    assert found in ledger_differences(BothSides(entries=entries, accounts=accounts))


def test_a_ledger_that_adds_up_shows_no_difference() -> None:
    books = BothSides(
        purchases=[purchase("running")],
        entries=[granted(), set_aside(30_000)],
        accounts=[account(held=30_000)],
    )
    assert compare(books).differences == ()


def test_each_purchase_is_judged_by_its_own_rows() -> None:
    books = replace(
        BOUGHT,
        purchases=[purchase(), purchase("refused", id="p2")],
        charges=[charge(), charge(reference="p2", captured=0)],
    )
    assert [finding.reference for finding in compare(books).differences] == ["p2"]


class CourierBook(Book):
    """A further provider's book: one class and one entry."""

    def __init__(self, sides: BothSides) -> None:
        self._parcels = {parcel["reference"]: parcel["number"] for parcel in sides.outside.get("parcels", ())}

    def references(self) -> Iterable[str]:
        return self._parcels

    def in_force(self, reference: str, expected: str) -> list[Finding]:
        parcel = self._parcels.get(reference)
        return [Finding(reference, "courier", expected, f"{parcel} is sent")] if parcel else []


def test_a_further_book_is_compared_by_one_entry() -> None:
    refused = Purchase(id="p1", status="refused")
    parcels = [{"reference": "p1", "number": "P-1"}, {"reference": "p2", "number": "P-2"}]
    sides = BothSides(purchases=[refused], outside={"parcels": parcels})
    assert compare(sides).differences == ()
    assert compare(sides, (*BOOKS, CourierBook)).differences == (
        Finding("p1", "courier", "nothing in force", "P-1 is sent"),
        Finding("p2", "courier", "a purchase", "P-2 is sent"),
    )
