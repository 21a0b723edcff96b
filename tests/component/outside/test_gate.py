"""How much a provider is asked of, and when it is left alone. Time passes only when a test says so."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import httpx
import pytest

from shared.kernel.errors import NotSent, OutcomeUnknown
from shared.outside import gate as gates
from shared.outside.gate import Gate, Terms
from shared.outside.line import Line, Request
from tests.eventually import eventually
from tests.kit.lines import Lines

TERMS = Terms(calls_at_once=50, calls_per_second=10_000.0, failures=3, pause=timedelta(seconds=10))
READ = Request("GET", "/x", operation="read")


class Hand:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def test_each_request_has_a_line_for_whoever_looks_closely(lines: Lines) -> None:
    acme = Acme()
    await acme.line.send(READ)
    (line,) = lines.of("provider asked")
    told = {name: line[name] for name in ("level", "service", "provider", "operation", "outcome")}
    assert told == {
        "level": "debug", "service": "shop", "provider": "acme", "operation": "read", "outcome": "answered"
    }  # fmt: skip


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    monkeypatch.setattr("circuitbreaker.monotonic", hand)
    monkeypatch.setattr(gates, "monotonic", hand)
    return hand


class Counted:
    def __init__(self) -> None:
        self.outcomes: list[str] = []
        self.told: list[bool] = []

    def called(self, service: str, provider: str, operation: str, outcome: str, seconds: float) -> None:
        assert (service, provider, operation) == ("shop", "acme", "read")
        assert seconds >= 0
        self.outcomes.append(outcome)

    def breaker(self, service: str, provider: str, *, is_open: bool) -> None:
        assert (service, provider) == ("shop", "acme")
        self.told.append(is_open)


class Acme:
    """A provider behind a gate: it answers with `status`, or breaks the line."""

    def __init__(self, terms: Terms = TERMS) -> None:
        self.status = 200
        self.headers: dict[str, str] = {}
        self.breaks: Callable[[], Exception] | None = None
        self.asked = 0
        self.under_way = 0
        self.most_under_way = 0
        self.let_go: asyncio.Event | None = None
        self.counted = Counted()
        self.gate = Gate("shop", "acme", terms, self.counted)
        client = httpx.AsyncClient(
            base_url="http://acme.test", transport=httpx.MockTransport(self._handle), trust_env=False
        )
        self.line = Line(client, timedelta(seconds=5), gate=self.gate)

    async def _handle(self, _: httpx.Request) -> httpx.Response:
        self.asked += 1
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await asyncio.sleep(0)  # as on a wire, others have their turn meanwhile
            if self.let_go is not None:
                await self.let_go.wait()
            if self.breaks is not None:
                raise self.breaks()
            return httpx.Response(self.status, json={}, headers=self.headers)
        finally:
            self.under_way -= 1

    async def ask(self, times: int = 1) -> None:
        for _ in range(times):
            with suppress(NotSent, OutcomeUnknown):
                await self.line.send(READ)

    async def parked_for(self) -> timedelta:
        """The pause that a request is parked for; it must not have gone out."""
        before = self.asked
        with pytest.raises(NotSent) as caught:
            await self.line.send(READ)
        assert self.asked == before
        assert caught.value.again_in is not None
        return caught.value.again_in


@pytest.mark.parametrize(
    "breaks",
    [lambda: httpx.ConnectError("x"), lambda: httpx.ReadTimeout("x"), lambda: httpx.RemoteProtocolError("x"), None],
)
async def test_failures_in_a_row_open_the_breaker_and_nothing_goes_out_any_more(
    hand: Hand, breaks: Callable[[], Exception] | None
) -> None:
    acme = Acme()
    acme.breaks, acme.status = breaks, 503
    await acme.ask(3)
    assert acme.asked == 3
    assert await acme.parked_for() == timedelta(seconds=10)
    hand.seconds += 6
    assert await acme.parked_for() == timedelta(seconds=4)
    assert acme.counted.told == [True]
    assert acme.counted.outcomes[-1] == "parked"


@pytest.mark.parametrize("status", [200, 301, 400, 401, 402, 403, 404, 409, 429])
async def test_refusals_are_signs_of_life(hand: Hand, status: int) -> None:
    acme = Acme()
    acme.status = status
    for _ in range(20):
        with suppress(Exception):
            await acme.line.send(READ)
    assert acme.asked == 20
    assert acme.counted.told == []


async def test_an_answer_between_failures_begins_the_count_anew(hand: Hand) -> None:
    acme = Acme()
    for status in (500, 500, 404, 500, 500, 200, 500, 500):
        acme.status = status
        with suppress(Exception):
            await acme.line.send(READ)
    assert acme.asked == 8


async def test_after_the_pause_one_request_probes_and_the_others_wait_for_it(hand: Hand) -> None:
    acme = Acme()
    acme.status = 500
    await acme.ask(3)
    hand.seconds += 11
    acme.status, acme.let_go = 200, asyncio.Event()
    probe = asyncio.create_task(acme.line.send(READ))
    await eventually(lambda: acme.under_way == 1)
    assert await acme.parked_for() == timedelta(seconds=1)
    acme.let_go.set()
    await probe
    await acme.ask(5)
    assert acme.asked == 3 + 1 + 5
    assert acme.counted.told == [True, False]


async def test_a_probe_that_fails_begins_another_pause(hand: Hand) -> None:
    acme = Acme()
    acme.status = 500
    await acme.ask(3)
    hand.seconds += 11
    await acme.ask()
    assert acme.asked == 4
    assert await acme.parked_for() == timedelta(seconds=10)


async def test_a_probe_that_is_given_up_leaves_the_way_to_the_next(hand: Hand) -> None:
    acme = Acme()
    acme.status = 500
    await acme.ask(3)
    hand.seconds += 11
    acme.status, acme.let_go = 200, asyncio.Event()
    probe = asyncio.create_task(acme.line.send(READ))
    await eventually(lambda: acme.under_way == 1)
    probe.cancel()
    with suppress(asyncio.CancelledError):
        await probe
    acme.let_go.set()
    await acme.ask()
    assert acme.asked == 5
    assert acme.counted.told == [True, False]


async def test_what_was_under_way_when_the_breaker_opened_is_unknown_and_never_without_effect(hand: Hand) -> None:
    acme = Acme()
    acme.let_go, acme.breaks = asyncio.Event(), lambda: httpx.ReadError("x")
    under_way = [asyncio.create_task(acme.line.send(READ)) for _ in range(10)]
    await eventually(lambda: acme.under_way == 10)
    acme.let_go.set()
    outcomes = await asyncio.gather(*under_way, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {OutcomeUnknown}
    await acme.parked_for()


async def test_a_pause_asked_for_is_kept_and_is_no_failure(hand: Hand) -> None:
    acme = Acme()
    acme.status, acme.headers = 429, {"Retry-After": "30"}
    await acme.ask()
    assert await acme.parked_for() == timedelta(seconds=30)
    hand.seconds += 30
    acme.status, acme.headers = 200, {}
    await acme.ask()
    assert acme.counted.outcomes == ["not_sent", "parked", "answered"]
    assert acme.counted.told == []


async def test_no_more_go_out_at_once_than_may_and_who_waits_too_long_is_parked() -> None:
    acme = Acme(Terms(calls_at_once=3, calls_per_second=1000.0, patience=timedelta(seconds=0.2)))
    acme.let_go = asyncio.Event()
    under_way = [asyncio.create_task(acme.line.send(READ)) for _ in range(3)]
    await eventually(lambda: acme.under_way == 3)
    await acme.parked_for()
    waiting = asyncio.create_task(acme.line.send(READ))
    await asyncio.sleep(0)
    acme.let_go.set()
    await asyncio.gather(*under_way, waiting)
    assert (acme.asked, acme.most_under_way) == (4, 3)


async def test_no_more_go_out_in_a_second_than_may() -> None:
    acme = Acme(Terms(calls_per_second=20.0, patience=timedelta(seconds=0.3)))
    outcomes = await asyncio.gather(*[acme.line.send(READ) for _ in range(60)], return_exceptions=True)
    parked = [each for each in outcomes if isinstance(each, NotSent)]
    assert all(each.again_in for each in parked)
    assert 20 <= acme.asked <= 32
    assert acme.asked + len(parked) == 60


@pytest.mark.parametrize("seed", range(40))
async def test_any_history_keeps_the_rules(hand: Hand, seed: int) -> None:
    """Open means that nothing goes out; a pause ends with one probe at a time; whatever went out is accounted for."""
    chance = random.Random(seed)
    acme = Acme(Terms(calls_at_once=4, calls_per_second=10_000.0, failures=3, pause=timedelta(seconds=10)))
    in_a_row, open_until, tasks = 0, 0.0, 0
    for _ in range(60):
        hand.seconds += chance.choice((0.0, 0.1, 3.0, 11.0))
        before = acme.asked
        acme.status = chance.choice((200, 404, 500, 500, 503))
        at_once = chance.randint(1, 4)
        tasks += at_once
        await asyncio.gather(*[acme.line.send(READ) for _ in range(at_once)], return_exceptions=True)
        went_out = acme.asked - before
        if hand.seconds < open_until:
            assert went_out == 0, "open"
        elif in_a_row >= 3:
            assert went_out == 1, "probing"
        else:
            assert went_out == at_once, "closed"
        if went_out and acme.status < 500:
            in_a_row, open_until = 0, 0.0
        elif went_out:
            in_a_row += went_out
            open_until = hand.seconds + 10 if in_a_row >= 3 else 0.0
    assert len(acme.counted.outcomes) == tasks
    assert acme.most_under_way <= 4
