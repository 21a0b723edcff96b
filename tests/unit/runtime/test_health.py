"""When a process is ready, and which requests it takes."""

import asyncio

import pytest

from shared.runtime.health import ANSWERS_WITHIN, Health, Phase
from shared.web.problems import Problem


async def present() -> None:
    pass


async def absent() -> None:
    raise ConnectionError


async def silent() -> None:
    await asyncio.Event().wait()


async def test_what_is_away_is_named() -> None:
    health = Health()
    health.phase = Phase.SERVING
    health.watch({"broker": absent, "store of cart": present, "store of miles": absent})
    with pytest.raises(Problem) as caught:
        await health.check()
    assert (caught.value.status, caught.value.code) == (503, "not_ready")
    assert caught.value.detail == "No answer from: broker, store of miles."


async def test_what_new_work_does_not_need_is_told_and_decides_nothing() -> None:
    health = Health()
    health.phase = Phase.SERVING
    health.watch({"store of checkout": present}, {"broker": absent})
    assert await health.check() == {"store of checkout": "here", "broker": "away"}
    assert await health.away() == []


async def test_what_is_only_told_is_waited_for_no_longer_than_a_probe_waits() -> None:
    health = Health()
    health.phase = Phase.SERVING
    health.watch({"store of checkout": present}, {"broker": silent})
    async with asyncio.timeout(ANSWERS_WITHIN):
        assert (await health.check())["broker"] == "away"


async def test_a_store_that_takes_no_writes_keeps_new_work_out_whatever_the_broker_does() -> None:
    health = Health()
    health.phase = Phase.SERVING
    health.watch({"store of checkout": absent}, {"broker": present})
    with pytest.raises(Problem) as caught:
        await health.check()
    assert caught.value.detail == "No answer from: store of checkout."


async def test_a_process_is_ready_while_it_serves_and_neither_before_nor_after() -> None:
    health = Health()
    health.watch({"broker": present})
    for phase, code in ((Phase.STARTING, "starting"), (Phase.DRAINING, "draining")):
        health.phase = phase
        with pytest.raises(Problem) as caught:
            await health.check()
        assert (caught.value.status, caught.value.code) == (503, code)
    health.phase = Phase.SERVING
    await health.check()


def test_requests_wait_for_the_stores_and_writes_end_with_the_drain() -> None:
    health = Health()
    refusal = health.refusal("GET", "/v1/carts")
    assert refusal is not None
    assert refusal.code == "starting"
    assert health.refusal("GET", "/healthz") is None
    health.open = True
    assert health.refusal("POST", "/v1/checkouts") is None
    health.phase = Phase.DRAINING
    refusal = health.refusal("POST", "/v1/checkouts")
    assert refusal is not None
    assert refusal.code == "draining"
    assert health.refusal("GET", "/v1/checkouts/1/events") is None
    assert health.refusal("GET", "/internal/carts/1") is None
