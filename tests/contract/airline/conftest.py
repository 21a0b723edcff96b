"""The airline's adapter against a GDS that shares no code with it, over real HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from services.ticketing.adapters.sabre import Credentials, SabreAirline, SabreLine, SabreOffice, Tokens
from shared.kernel.clock import SystemClock
from tests.component.sandbox.world import World

TIMEOUT = 2.0
"""Seconds; generous, so that a busy machine is not taken for a silent airline."""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        yield world


@pytest.fixture
async def airline(world: World) -> AsyncIterator[SabreAirline]:
    url = f"{world.url}/sandbox/sabre"
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT, trust_env=False) as client:
        tokens = Tokens(client, Credentials("V1:sandbox:MILE:EXT", SecretStr("sandbox")), SystemClock())
        yield SabreAirline(SabreLine(client, tokens), SabreOffice("498BF1", "BR"))
