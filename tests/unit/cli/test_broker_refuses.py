"""A partner's BROKER_URL, exported for the examples, in the terminal of an operator."""

from types import SimpleNamespace
from typing import Any

import aiormq
import pytest
import typer
from aiormq.exceptions import ChannelAccessRefused

from services.cli import dead, status
from shared.runtime.settings import RuntimeSettings


async def _refused(*_: object) -> None:
    raise ChannelAccessRefused("access to queue 'hub.dead' refused for user 'coles'")


def test_who_may_not_look_at_letters_is_told_of_the_variable(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), dead.reported():
        raise ChannelAccessRefused("access to queue 'hub.dead' refused for user 'coles'")
    assert "BROKER_URL" in capsys.readouterr().err


@pytest.mark.parametrize("asked", ["depths", "_faults"])
async def test_so_is_who_asks_how_it_stands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: str
) -> None:
    async def closed() -> None:
        pass

    async def connect(_: str) -> Any:
        return SimpleNamespace(server_properties={}, close=closed)

    async def none(*_: object) -> dict[str, Any]:
        return {}

    monkeypatch.setattr(aiormq, "connect", connect)
    monkeypatch.setattr(status, "depths", none)
    monkeypatch.setattr(status, asked, _refused)
    with pytest.raises(typer.Exit):
        await status._broker(RuntimeSettings(broker_url="amqp://coles:x@127.0.0.1:1/"))
    assert "BROKER_URL" in capsys.readouterr().err
