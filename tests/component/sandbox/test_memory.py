import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.sandbox.memory import Memory
from tests.eventually import eventually
from tests.kit.trips import direct, fulfilment, order, ticketed
from tests.kit.world import KEY, STRIPE, World, listening_socket


def entry(kind: str, miles: int, member: str = "ana", reference: str | None = "checkout-1") -> dict[str, object]:
    return {"id": "e", "at": "2026-01-01T00:00:00Z", "member_id": member, "kind": kind, "miles": miles} | {
        "reference": reference
    }


async def test_empty_books_have_every_heading(world: World) -> None:
    assert await world.books() == {
        "charges": [],
        "tickets": [],
        "miles": [],
        "messages": [],
        "bookings": [],
        "chat": [],
    }


async def test_miles_are_summed_per_member_and_purchase_over_all_pages(world: World) -> None:
    world.ledger.entries = [
        entry("accrual", 50_000, reference=None),
        entry("hold", -30_000),
        entry("redemption", -20_000),
        entry("redemption", -10_000),
        entry("redemption", -5_000, member="bia", reference="checkout-2"),
        entry("reversal", 4_000, member="bia", reference="checkout-2"),
        entry("expiry", -100, reference=None),
    ]
    assert (await world.books())["miles"] == [
        {"member_id": "ana", "reference": "checkout-1", "redeemed": 30_000, "reversed": 0},
        {"member_id": "bia", "reference": "checkout-2", "redeemed": 5_000, "reversed": 4_000},
    ]


async def test_cleared_books_forget_purchases_and_keep_faults_prices_and_members(world: World) -> None:
    await world.http.post("/sandbox/members", json={"member_id": "ana", "tier": "gold", "lots": []})
    await world.http.put("/sandbox/prices", json={"factor": 2})
    await ticketed(world)
    await world.intent("key-1")
    await world.fault({"provider": "stripe", "operation": "capture", "mode": "refuse"})
    assert (await world.http.delete("/sandbox/books")).status_code == 204
    assert await world.books() == {
        "charges": [],
        "tickets": [],
        "miles": [],
        "messages": [],
        "bookings": [],
        "chat": [],
    }
    assert (await world.get("/sandbox/prices"))["factor"] == 2
    assert len((await world.get("/sandbox/faults"))["rules"]) == 1
    assert len((await world.get("/sandbox/members"))["members"]) == 1


async def test_numbers_are_never_given_twice_not_even_after_clearing(world: World) -> None:
    await ticketed(world)
    before = await world.books()
    await world.http.delete("/sandbox/books")
    await ticketed(world)
    after = await world.books()
    assert before["tickets"][0]["number"] != after["tickets"][0]["number"]
    assert before["bookings"][0]["locator"] != after["bookings"][0]["locator"]


async def test_books_without_a_miles_service_are_unavailable(world: World) -> None:
    world.ledger.issuer = "https://another.example"  # it refuses the sandbox's tokens
    for response in (
        await world.http.get("/sandbox/books"),
        await world.http.post("/sandbox/members", json={"member_id": "ana", "tier": "gold", "lots": []}),
    ):
        assert (response.status_code, response.json()["code"]) == (503, "miles_unavailable")
    assert await world.get("/sandbox/members") == {"members": []}


async def test_work_that_fails_leaves_no_trace_and_spares_its_neighbours(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "books.sqlite")
    memory.open()

    async def note(name: str, *, fail: bool = False) -> None:
        def work(connection: object) -> None:
            connection.execute("INSERT INTO facts (name, value) VALUES (?, '')", (name,))  # type: ignore[attr-defined]
            if fail:
                raise LookupError(name)

        await memory.run(work)

    results = await asyncio.gather(
        *(note(str(number), fail=number % 3 == 0) for number in range(30)), return_exceptions=True
    )
    assert [isinstance(result, LookupError) for result in results] == [number % 3 == 0 for number in range(30)]
    kept = await memory.run(lambda connection: connection.execute("SELECT name FROM facts").fetchall())
    assert sorted(int(name) for (name,) in kept) == [number for number in range(30) if number % 3]
    await memory.close()
    with pytest.raises(RuntimeError, match="closed"):
        await note("late")


class Alone:
    """The sandbox as a process of its own, to be killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with listening_socket() as free:
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._launch()
        await eventually(self._answers, within=30)

    def _launch(self) -> None:
        command = [sys.executable, "-m", "uvicorn", "--factory", "services.sandbox.app:create_app"]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), "--log-level", "error"],
            env=os.environ | {"SANDBOX": "on", "MILESAGA_HOME": str(self.home), "PUBLIC_URL": self.url},
        )

    async def _answers(self) -> bool:
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{self.url}/sandbox/prices")).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Alone]:
    alone = Alone(tmp_path)
    yield alone
    alone.kill()


async def test_what_was_answered_survives_a_kill(alone: Alone) -> None:
    await alone.start()
    answered: list[str] = []

    async def pay(client: httpx.AsyncClient) -> None:
        while True:
            form = {"amount": "100", "currency": "brl", "payment_method": "tok_visa", "confirm": "true"}
            response = await client.post(f"{alone.url}{STRIPE}/payment_intents", data=form, headers=KEY)
            answered.append(response.json()["id"])

    async with httpx.AsyncClient() as client:
        payers = [asyncio.create_task(pay(client)) for _ in range(8)]
        await eventually(lambda: len(answered) >= 100, within=30)
        alone.kill()
        await asyncio.gather(*payers, return_exceptions=True)
    await alone.start()
    async with httpx.AsyncClient(base_url=alone.url, headers=KEY) as client:
        for id_ in answered:
            assert (await client.get(f"{STRIPE}/payment_intents/{id_}")).json()["status"] == "succeeded"


async def test_many_at_once_get_different_locators_and_documents(world: World) -> None:
    flights = await direct(world)
    answers = await asyncio.gather(*(world.trip("createBooking", order(flights)) for _ in range(20)))
    locators = {answer["confirmationId"] for answer in answers}
    assert len(locators) == 20
    await asyncio.gather(*(world.trip("fulfillFlightTickets", fulfilment(each)) for each in locators for _ in range(2)))
    numbers = [each["number"] for each in (await world.books())["tickets"]]
    assert len(numbers) == len(set(numbers)) == 20
