"""Tasks that are done again and again."""

import asyncio
import logging
import math
from collections.abc import Iterator

import pytest

from shared.runtime.every import Every
from shared.store.documents import Unavailable
from tests.eventually import eventually

FULL = 10


class Pages:
    """A task's pages: numbers are how much was done, exceptions are raised; the last one lasts for ever."""

    def __init__(self, *outcomes: int | Exception) -> None:
        self._outcomes: Iterator[int | Exception] = iter(outcomes)
        self.asked = 0
        self.over = asyncio.Event()

    async def page(self) -> int:
        self.asked += 1
        outcome = next(self._outcomes, None)
        if outcome is None:
            self.over.set()
            await asyncio.Event().wait()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome or 0


def every(pages: Pages, seconds: float, full: float = FULL) -> "asyncio.Task[None]":
    return asyncio.ensure_future(_run(Every(seconds, pages.page, full=full, name="sweeping")))


async def _run(task: Every) -> None:
    await task()


async def test_full_pages_follow_each_other_without_a_pause() -> None:
    pages = Pages(FULL, FULL + 1)
    task = every(pages, seconds=3600)
    await asyncio.wait_for(pages.over.wait(), 10)
    assert pages.asked == 3
    task.cancel()


async def test_a_page_that_is_not_full_is_followed_by_the_pause() -> None:
    pages = Pages(FULL, FULL - 1)
    task = every(pages, seconds=3600)
    await eventually(lambda: _is(pages.asked == 2))
    await asyncio.sleep(0)
    assert not pages.over.is_set()
    task.cancel()


async def test_a_task_that_knows_no_full_page_pauses_after_each() -> None:
    pages = Pages(10**9)
    task = every(pages, seconds=3600, full=math.inf)
    await eventually(lambda: _is(pages.asked == 1))
    await asyncio.sleep(0)
    assert not pages.over.is_set()
    task.cancel()


async def test_what_happens_meanwhile_ends_the_pause_and_what_happened_during_the_page_too() -> None:
    event = asyncio.Event()
    pages = Pages(0, 0)
    task = asyncio.ensure_future(_run(Every(3600, pages.page, name="chat", wake=lambda: event)))
    await eventually(lambda: _is(pages.asked == 1))
    assert not pages.over.is_set()
    event.set()
    await asyncio.wait_for(pages.over.wait(), 10)
    assert pages.asked == 3, "the event was set before the second page, so that no pause followed it"
    task.cancel()


async def test_a_store_that_is_away_is_waited_for_and_told_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.every.AWAY_PAUSE", 0.001)
    pages = Pages(Unavailable("x"), Unavailable("x"), 1, Unavailable("x"))
    with caplog.at_level(logging.WARNING):
        task = every(pages, seconds=0.001)
        await asyncio.wait_for(pages.over.wait(), 10)
    told = [record for record in caplog.records if record.message == "a task waits for the store"]
    assert [vars(record)["task"] for record in told] == ["sweeping", "sweeping"]
    task.cancel()


async def test_any_other_failure_is_the_processs_to_count() -> None:
    with pytest.raises(ZeroDivisionError):
        await every(Pages(1, ZeroDivisionError()), seconds=0.001)


def test_a_task_has_a_name() -> None:
    assert Every(1, Pages().page, full=1, name="expiry").__name__ == "expiry"


async def _is(found: bool) -> bool:
    return found
