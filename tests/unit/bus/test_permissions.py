"""What the broker's users may touch: services the families that they make, partners the targets that are theirs."""

import re

import pytest

from services.cli.rights import rights, rights_of
from services.house import HOUSE
from shared.bus.permissions import Rights, partner_rights, service_rights
from shared.contracts.archive import KeepPage, KeepRecords
from shared.contracts.delivery import ConfigureClients, ConfigureTargets
from shared.contracts.hub import RoutePage, TellTargets
from shared.contracts.messages import Message
from shared.contracts.payment import AuthorizeCard


def may(expression: str, name: str) -> bool:
    """As RabbitMQ matches: anywhere, so that an expression must hold itself at both ends."""
    return re.search(expression, name) is not None


@pytest.mark.parametrize(
    ("queue", "touched"),
    [
        ("hub", True),
        ("hub.dead", True),
        ("target.fuel.bi", True),
        ("target.fuel.bi.dead", True),
        ("target", False),
        ("targets.fuel", False),
        ("not.target.fuel.bi", False),
        ("hubs", False),
        ("archive", False),
        ("archive.target.x", False),
    ],
)
def test_a_service_makes_fills_and_reads_its_family_and_nothing_beside_it(queue: str, touched: bool) -> None:
    hub = service_rights("hub", [("commands", "hub.#")], ("target",))
    for expression in (hub.configure, hub.read, hub.write):
        assert may(expression, queue) is touched


@pytest.mark.parametrize(
    ("service", "may_say", "may_not"),
    [
        ("hub", {KeepPage, KeepRecords, RoutePage, ConfigureTargets, ConfigureClients}, {AuthorizeCard}),
        ("delivery", {KeepRecords, TellTargets}, {AuthorizeCard}),
        ("checkout", {AuthorizeCard, KeepPage}, set()),
        ("payment", set(), {KeepPage, RoutePage, ConfigureClients}),
    ],
)
def test_a_service_commands_whom_it_has_something_to_say_to(
    service: str, may_say: set[type[Message]], may_not: set[type[Message]]
) -> None:
    """A topic that the broker refuses is a message that stays in its outbox for ever."""
    (each,) = [each for each in HOUSE if each.name == service]
    written, _ = rights_of(each).topics["commands"]
    assert {contract for contract in may_say | may_not if may(written, contract.type)} == may_say


def test_of_the_house_the_hub_alone_makes_targets() -> None:
    made = rights(HOUSE)
    assert {name for name, each in made.items() if may(each.configure, "target.fuel.bi")} == {"hub"}
    assert {name for name, each in made.items() if may(each.read, "target.fuel.bi")} == {
        "hub",
        "delivery",
        "archive",
    }


PARTNER = partner_rights("coles", ["target.fuel.books"])


@pytest.mark.parametrize(
    ("queue", "reads"),
    [
        ("target.fuel.books", True),
        ("coles.own", True),
        ("events", True),
        ("target.fuel.books.dead", False),
        ("target.fuel.book", False),
        ("target.fuel.booksx", False),
        ("xtarget.fuel.books", False),
        ("targetxfuelxbooks", False),
        ("target.air.books", False),
        ("hub", False),
    ],
)
def test_a_partner_reads_its_targets_queue_and_no_other(queue: str, reads: bool) -> None:
    assert may(PARTNER.read, queue) is reads
    if queue.startswith("target") or queue == "hub":
        assert not may(PARTNER.write, queue)
        assert not may(PARTNER.configure, queue)


def test_without_targets_a_partner_has_what_it_had() -> None:
    rights: Rights = partner_rights("coles")
    assert rights.read == r"^(events|coles\..+)$"
