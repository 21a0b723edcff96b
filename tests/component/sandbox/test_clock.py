"""The outside world on a day of its own."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jwt
import pytest

from services.sandbox.app import Sandbox
from services.sandbox.settings import SandboxSettings
from tests import days
from tests.kit.world import shop_request

THEN = datetime(2031, 5, 1, 12, 0, tzinfo=UTC)
LOGIN = {"grant_type": "client_credentials"}
CLIENT = {"grant_type": "client_credentials", "client_id": "portal", "client_secret": "sandbox"}


@pytest.mark.parametrize(("begins_at", "today"), [(THEN, THEN), (None, days.NOW)])
async def test_flights_are_sold_from_the_day_on_that_is_set_and_logins_stay_good_today(
    tmp_path: Path, fresh_home: Path, begins_at: datetime | None, today: datetime
) -> None:
    home = shutil.copytree(fresh_home, tmp_path / "home")
    settings = SandboxSettings(enabled=True, home=home, environment="test", begins_at=begins_at)
    sandbox = Sandbox(settings, days.now)
    await sandbox.start()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app), base_url="http://sandbox.test") as http:
        login = await http.post("/sandbox/sabre/v2/auth/token", data=LOGIN, auth=("agency", "secret"))
        bearer = {"Authorization": f"Bearer {login.json()['access_token']}"}
        found = []
        for ahead in (-1, 1, 360, 363):
            day = (today + timedelta(days=ahead)).date().isoformat()
            answer = await http.post(
                "/sandbox/sabre/v5/offers/shop", json=shop_request("GRU", "LIS", day), headers=bearer
            )
            found.append(answer.json()["groupedItineraryResponse"]["statistics"]["itineraryCount"] > 0)
        member = (await http.post("/sandbox/oauth/token", data=CLIENT)).json()["access_token"]
    await sandbox.stop()
    assert found == [False, True, True, False]
    issued = jwt.decode(member, options={"verify_signature": False})["iat"]
    assert 0 <= days.now().timestamp() - issued < 60
