"""The card gateway's adapter against a gateway that shares no code with it, over real HTTP."""

import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.payment.adapters.stripe import StripeGateway
from shared.outside.line import Line
from shared.outside.transport import client
from tests.kit.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        yield world


@pytest.fixture
async def gateway(world: World, patience: float) -> AsyncIterator[StripeGateway]:
    url = f"{world.url}/sandbox/stripe"
    async with client(url, patience, ssl.create_default_context()) as to_provider:
        yield StripeGateway(Line(to_provider, timedelta(seconds=patience)), "sk_test_sandbox")
