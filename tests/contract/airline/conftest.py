"""The airline's adapter against a GDS that shares no code with it, over real HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from services.ticketing.adapters.sabre import Credentials, SabreAirline, SabreLine, SabreOffice, Tokens
from tests import days
from tests.component.sandbox.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        yield world


@pytest.fixture
async def airline(world: World, patience: float) -> AsyncIterator[SabreAirline]:
    url = f"{world.url}/sandbox/sabre"
    async with httpx.AsyncClient(base_url=url, timeout=patience, trust_env=False) as client:
        tokens = Tokens(client, Credentials("V1:sandbox:MILE:EXT", SecretStr("sandbox")), days.Clock())
        yield SabreAirline(SabreLine(client, tokens), SabreOffice("498BF1", "BR"))
