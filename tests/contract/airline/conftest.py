"""The airline's adapter against a GDS that shares no code with it, over real HTTP."""

import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.ticketing.adapters.sabre import TOKENS, SabreAirline, SabreLine, SabreOffice
from shared.outside.line import Line
from shared.outside.tokens import ClientCredentials
from shared.outside.transport import client
from tests import days
from tests.kit.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        yield world


@pytest.fixture
async def airline(world: World, patience: float) -> AsyncIterator[SabreAirline]:
    url = f"{world.url}/sandbox/sabre"
    async with client(url, patience, ssl.create_default_context()) as to_provider:
        line = Line(to_provider, timedelta(seconds=patience))
        credentials = ClientCredentials(line, TOKENS, "V1:sandbox:MILE:EXT", "sandbox", days.Clock())
        yield SabreAirline(SabreLine(line, credentials), SabreOffice("498BF1", "BR"))
