"""What the broker's users may touch: services the families that they make, partners the targets that are theirs."""

import re

import pytest

from services.house import HOUSE
from shared.bus.permissions import Rights, partner_rights, service_rights


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
    rights = service_rights("hub", [("commands", "hub.#")], ("target",))
    for expression in (rights.configure, rights.read, rights.write):
        assert may(expression, queue) is touched


def test_of_the_house_the_hub_alone_makes_targets() -> None:
    made = {
        each.name: service_rights(each.name, each.bindings, each.families, each.listens, each.reads) for each in HOUSE
    }
    assert {name for name, rights in made.items() if may(rights.configure, "target.fuel.bi")} == {"hub"}
    assert {name for name, rights in made.items() if may(rights.read, "target.fuel.bi")} == {
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
