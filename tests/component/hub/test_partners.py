"""A client, and a user of the broker, is one partner's: also of partners that are put at the same moment."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from services.hub.cases.registering import Registry
from tests.component.hub.counter import Counter


async def put(hub: Counter, name: str, **terms: Any) -> httpx.Response:
    return await hub.ask("PUT", f"/v1/hub/partners/{name}", {"clients": [f"{name}-tills"], "publishes": ["*"]} | terms)


async def test_a_client_of_another_partner_is_refused_by_its_place(hub: Counter) -> None:
    answer = await put(hub, "aldi", clients=["aldi-tills", "coles-tills"])
    assert (answer.status_code, answer.json()["code"]) == (409, "client_taken")
    assert answer.json()["errors"][0]["pointer"] == "/clients/1"


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        (lambda name: {"clients": [f"{name}-tills", "anybodys"]}, "/clients/1"),
        (lambda _: {"broker_user": "anybodys"}, "/broker_user"),
    ],
)
async def test_of_partners_that_want_one_client_at_once_one_has_it(
    hub: Counter,
    replica: Counter,
    terms: Callable[[str], dict[str, Any]],
    pointer: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All have looked, and found it free, before the first is saved."""
    names = [f"partner-{each}" for each in "abcdefgh"]
    everybody = asyncio.Barrier(len(names))
    save = Registry._save

    async def together(self: Registry, *args: Any) -> Any:
        await everybody.wait()
        return await save(self, *args)

    monkeypatch.setattr(Registry, "_save", together)
    asked = [put((hub, replica)[n % 2], name, **terms(name)) for n, name in enumerate(names)]
    answers = await asyncio.gather(*asked)
    assert sorted(each.status_code for each in answers) == [200] + [409] * (len(names) - 1)
    refused = [each.json() for each in answers if each.status_code == 409]
    assert {(each["code"], each["errors"][0]["pointer"]) for each in refused} == {("client_taken", pointer)}


@pytest.mark.parametrize("user", ["", "a\0b", "a\nb", "x" * 101])
async def test_a_user_of_the_broker_has_a_name_that_the_store_can_find(hub: Counter, user: str) -> None:
    answer = await put(hub, "aldi", broker_user=user)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/broker_user")
