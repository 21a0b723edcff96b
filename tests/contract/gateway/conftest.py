"""The card gateway's adapter against a gateway that shares no code with it, over real HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from services.payment.adapters.stripe import StripeGateway
from shared.outside.line import Line
from tests.kit.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path) as world:
        yield world


@pytest.fixture
async def gateway(world: World, patience: float) -> AsyncIterator[StripeGateway]:
    url = f"{world.url}/sandbox/stripe"
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield StripeGateway(Line(client, timedelta(seconds=patience)), "sk_test_sandbox")
