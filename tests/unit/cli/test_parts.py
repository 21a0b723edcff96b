"""Which services share a process."""

import os

import pytest

from services.cli.parts import WORTH, Orders, Part, by_cores, divided
from services.house import HOUSE
from shared.runtime.description import Description, house

PUBLIC = ("offers", "cart", "checkout", "miles", "hub", "archive", "delivery", "releases")
WORKERS = ("ticketing", "payment", "notifications")


def test_one_process_has_everything() -> None:
    assert divided(HOUSE, 1, sandbox=True) == (Part(tuple(each.name for each in HOUSE), sandbox=True),)


def test_two_processes_are_what_clients_reach_and_the_workers_and_no_store_is_opened_by_both() -> None:
    assert divided(HOUSE, 2, sandbox=True) == (Part(PUBLIC, sandbox=True), Part(WORKERS))


def test_from_three_on_all_but_the_first_have_what_scales_by_its_queue() -> None:
    first, *others = divided(HOUSE, 4, sandbox=True)
    assert first == Part(PUBLIC, sandbox=True)
    assert others == [Part(("checkout", "ticketing", "payment", "miles", "notifications", "archive", "delivery"))] * 3


def test_without_a_sandbox_no_process_has_one() -> None:
    assert not any(part.sandbox for processes in (1, 2, 3) for part in divided(HOUSE, processes, sandbox=False))


@pytest.mark.parametrize("processes", range(1, 6))
def test_every_service_runs_and_what_is_public_answers_in_the_first(processes: int) -> None:
    first, *others = divided(HOUSE, processes, sandbox=True)
    assert {name for part in (first, *others) for name in part.services} == {each.name for each in HOUSE}
    assert {each.name for each in HOUSE if each.public} <= set(first.services)


def test_a_house_in_which_clients_reach_every_service_is_not_divided() -> None:
    shop = house(Description("shop", bindings=(("commands", "shop.#"),), public=("/v1/shops",)))
    assert divided(shop, 2, sandbox=True) == (Part(("shop",), sandbox=True),)


def test_there_are_no_more_processes_by_default_than_cores_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert by_cores() == 1
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert by_cores() == WORTH


def test_orders_are_read_as_they_were_written() -> None:
    orders = Orders(1, Part(("cart",), sandbox=True), parent=17, listener=4, others={"2": "http://127.0.0.1:9"})
    assert Orders.read(orders.written()) == orders
