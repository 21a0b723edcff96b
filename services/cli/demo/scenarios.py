"""The five scenes of the demonstration. Each checks what it claims, in the outside world's books too."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Final

from rich.console import Console
from rich.table import Table

from services.cli import view
from services.cli.client import Change, Json
from services.cli.demo.checks import Checks, Unexpected, soon
from services.cli.demo.portal import PEOPLE, Customer, OutsideWorld
from services.cli.demo.stack import Staged
from services.cli.printing import styled

MILES: Final = 50_000
USED: Final = 30_000
DONE: Final = {"done", "skipped"}
ISSUE: Final = "fulfillFlightTickets"
ISSUE_STEP: Final = "issue tickets"
SHOWN_WITHIN: Final = 20.0
ENDED_WITHIN: Final = 60.0
MAILED_WITHIN: Final = 60.0
"""Whoever tells customers may be at rest, and is woken by what there is to tell."""


class Scenes:
    """The scenes, played over one running stack."""

    def __init__(self, stack: Staged, out: Console) -> None:
        self._stack = stack
        self._out = out
        self._checks = Checks(out)
        self._outside = OutsideWorld(stack.url)

    def all(self) -> Sequence[tuple[str, Callable[[], None]]]:
        return (
            ("Two passengers fly from Sao Paulo to Lisbon, for 30,000 miles and the rest on a card", self.bought),
            ("The card is declined", self.card_declined),
            ("The airline refuses to issue the tickets (segment status UC)", self.tickets_refused),
            ("The tickets are issued, but the answer never comes", self.answer_lost),
            (f"{self._stack.crashing} while the airline issues the ticket", self.killed),
        )

    def bought(self) -> None:
        customer = Customer(self._stack.url, MILES)
        offer = customer.find_flight(adults=2)
        cart = customer.fill_cart(offer, 2, use_miles=USED, extras=True)
        checkout = self._buy(customer, cart)
        self._completed(checkout)
        self._checks.same("a ticket for each passenger", [0, 1], sorted(t["passenger"] for t in checkout["tickets"]))
        kinds = sorted(document["kind"] for document in checkout["documents"])
        self._checks.same("a document for the bag and one for the seat", ["bag", "seat"], kinds)
        self._checks.same("it cost what the cart said", cart["total"], checkout["total"])
        self._checks.same("30,000 of it in miles", USED, checkout["total"]["miles"])
        self._books_of_bought(checkout)
        after = customer.balance()
        earned = customer.miles_earned(checkout["id"])
        self._checks.same(
            "the miles are spent, none is held", MILES - USED + earned, after["available"] + after["held"]
        )
        self._checks.same("nothing is held any more", 0, after["held"])
        mails = soon("the receipt by e-mail", lambda: self._outside.mails_of(checkout["id"]), MAILED_WITHIN)
        self._receipt(checkout, offer, after, earned, mails[0])

    def card_declined(self) -> None:
        customer, checkout = self._simple_purchase("tok_declined")
        self._undone(customer, checkout, "card_declined")

    def tickets_refused(self) -> None:
        self._outside.misbehave(ISSUE, "refuse", code="UC")
        customer, checkout = self._simple_purchase("tok_visa")
        self._undone(customer, checkout, "segment_unavailable")
        books = self._outside.books_of(checkout["id"])
        charged = [(charge["captured"], charge["authorized"] - charge["voided"]) for charge in books["charges"]]
        self._checks.same("the card was authorised once, and is voided", [(0, 0)], charged)
        bookings = [booking["status"] for booking in books["bookings"]]
        self._checks.same("the booking is cancelled", ["cancelled"], bookings)

    def answer_lost(self) -> None:
        self._outside.misbehave(ISSUE, "timeout_after", seconds=1)
        _, checkout = self._simple_purchase("tok_visa")
        self._checks.same("the airline's answer was lost", 1, self._outside.misbehaved())
        self._completed(checkout)
        self._books_of_bought(checkout)
        self._checks.same("one ticket was issued, not two", 1, len(self._outside.books_of(checkout["id"])["tickets"]))

    def killed(self) -> None:
        self._outside.misbehave(ISSUE, "slow", seconds=2)
        customer = Customer(self._stack.url, MILES)
        cart = customer.fill_cart(customer.find_flight(adults=1), 1, use_miles=USED)
        begun = customer.buy(cart, "tok_visa")
        issuing = Event()
        with ThreadPoolExecutor(1) as background:
            crash = background.submit(self._crash_once_issued, begun["id"], issuing)
            checkout = self._follow(customer, begun, issuing)
            crash.result()
        self._completed(checkout)
        self._books_of_bought(checkout)
        self._checks.same("one ticket was issued, not two", 1, len(self._outside.books_of(checkout["id"])["tickets"]))

    def _crash_once_issued(self, reference: str, issuing: Event) -> None:
        """At this moment the airline has issued the ticket, and we do not know it yet."""
        if not issuing.wait(SHOWN_WITHIN):
            raise Unexpected(f"{ISSUE_STEP}: expected to be shown within {SHOWN_WITHIN:.0f} s")
        soon("the ticket in the airline's books", lambda: self._outside.books_of(reference)["tickets"])
        self._stack.crash()
        self._out.print(
            " ",
            styled(self._stack.crashing, "bold red"),
            "in the middle of the call; starting again on the same data",
        )
        self._out.print(f"  ready again after {self._stack.start():.1f} s")

    def _simple_purchase(self, card: str) -> tuple[Customer, Json]:
        customer = Customer(self._stack.url, MILES)
        cart = customer.fill_cart(customer.find_flight(adults=1), 1, use_miles=USED)
        return customer, self._buy(customer, cart, card)

    def _buy(self, customer: Customer, cart: Json, card: str = "tok_visa") -> Json:
        return self._follow(customer, customer.buy(cart, card))

    def _follow(self, customer: Customer, begun: Json, issuing: Event | None = None) -> Json:
        """Show it to its end; `issuing` is set once the tickets are seen to be asked for."""
        self._out.print(f"  purchase {begun['id']} of {customer.id}")
        changes = customer.api.changes(f"/v1/checkouts/{begun['id']}/events", within=ENDED_WITHIN)
        view.follow(self._out, _noticing(changes, issuing or Event()))
        return customer.api.get(f"/v1/checkouts/{begun['id']}")

    def _completed(self, checkout: Json) -> None:
        self._checks.same("the purchase is completed", "completed", checkout["status"])
        unfinished = [step["name"] for step in checkout["steps"] if step["status"] not in DONE]
        self._checks.same("every step is done", [], unfinished)

    def _books_of_bought(self, checkout: Json) -> None:
        books = self._outside.books_of(checkout["id"])
        captured = [charge["captured"] - charge["refunded"] for charge in books["charges"]]
        self._checks.same("the card was charged once, that much", [checkout["total"]["money"]["amount"]], captured)
        ours = {document["number"] for document in (*checkout["tickets"], *checkout["documents"])}
        theirs = {document["number"] for document in books["tickets"] if document["status"] == "issued"}
        self._checks.same("the airline issued exactly these documents", ours, theirs)

    def _undone(self, customer: Customer, checkout: Json, code: str) -> None:
        self._checks.same("the purchase is refused", "refused", checkout["status"])
        self._checks.same(f"because of {code}", code, (checkout["refusal"] or {}).get("code"))
        balance = customer.balance()
        self._checks.same("the miles are back", (MILES, 0), (balance["available"], balance["held"]))
        books = self._outside.books_of(checkout["id"])
        issued = [document["number"] for document in books["tickets"] if document["status"] == "issued"]
        self._checks.same("no ticket is in force", [], issued)
        taken = sum(charge["captured"] - charge["refunded"] for charge in books["charges"])
        self._checks.same("no money was taken", 0, taken)

    def _receipt(self, checkout: Json, offer: Json, after: Json, earned: int, mail: Json) -> None:
        names = [f"{person['given_name']} {person['surname']}" for person in PEOPLE]
        table = Table(title="receipt", show_header=False, title_justify="left", title_style="bold")
        for flight in offer["segments"]:
            times = f"{flight['departs_at'][:16]} to {flight['arrives_at'][:16]}"
            table.add_row("flight", f"{flight['carrier']} {flight['number']} {flight['from']}-{flight['to']} {times}")
        for ticket in checkout["tickets"]:
            table.add_row("ticket", f"{ticket['number']}  {names[ticket['passenger']]}")
        for document in checkout["documents"]:
            table.add_row(document["kind"], f"{document['number']}  {names[document['passenger']]}")
        table.add_row("locator", ", ".join(checkout["locators"]))
        table.add_row("total", view.total(checkout))
        table.add_row("miles", f"{MILES:,} before, {after['available']:,} after ({earned:,} earned)")
        table.add_row("e-mail", self._mail_file(mail))
        self._out.print(table)

    def _mail_file(self, mail: Json) -> str:
        """Where the sandbox's mailbox keeps it; what is named must be there."""
        place = self._stack.find_mail(Path(mail["file"]).name)
        self._checks.same("the receipt lies in the mailbox", True, place is not None)
        return place or ""


def _noticing(changes: Iterator[Change], issuing: Event) -> Iterator[Change]:
    """The changes as they come; the event is set when that of the ticket issue has been shown."""
    for change in changes:
        yield change
        if any(step["name"] == ISSUE_STEP and step["status"] == "running" for step in change.checkout["steps"]):
            issuing.set()
