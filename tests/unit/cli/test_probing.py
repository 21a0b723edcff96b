"""A look whether the private broker takes and gives."""

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import aiormq
import pytest

from services.cli import broker_node


def test_a_channel_that_is_still_being_left_is_no_error_of_a_probe_that_went_well(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kept: list[asyncio.Task[None]] = []
    left: list[bool] = []

    async def leaving() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError as error:
            left.append(True)
            raise RuntimeError("as aiormq answers a cancelled call") from error

    async def taken_and_given(_: object) -> None:
        kept.append(asyncio.create_task(leaving()))
        await asyncio.sleep(0)

    async def close() -> None:
        pass

    async def connect(_: str) -> Any:
        return SimpleNamespace(close=close)

    monkeypatch.setattr(broker_node, "_take_and_give", taken_and_given)
    monkeypatch.setattr(aiormq, "connect", connect)
    with caplog.at_level(logging.ERROR):
        assert broker_node._fault(SimpleNamespace(url="amqp://127.0.0.1:1/")) is None  # type: ignore[arg-type]
    assert left
    assert caplog.records == []
