"""Every request to an endpoint can be verified by what its partner was given, and nothing else can."""

from collections.abc import Callable

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.sandbox.receiver.signatures import verified
from services.sandbox.receiver.terms import Terms
from tests.e2e.buses import ARRIVES, Bus, a_rule
from tests.e2e.endpoints import Endpoint, Heard
from tests.e2e.partners import Partner, receipt
from tests.e2e.shop import Shop
from tests.e2e.test_delivery import Json, applied, opened, secret_of, stands
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.sqlite_alone

ED25519 = {"signature": "ed25519"}


def is_of(secret: str, heard: Heard, body: bytes | None = None) -> bool:
    try:
        Webhook(secret).verify(heard.body if body is None else body, heard.headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def is_by(key: str, heard: Heard, body: bytes | None = None) -> bool:
    return verified(Terms(public_keys=(key,)), heard.headers, heard.body if body is None else body) is not None


def altered(body: bytes, place: int) -> bytes:
    return bytes([*body[:place], body[place] ^ 1, *body[place + 1 :]])


async def public_keys(bus: Bus, target: str = "hook") -> list[str]:
    answer = await bus.by.get(f"/v1/hub/targets/{bus.name}/{target}/keys")
    assert answer.status_code == 200, answer.text
    return [each["public_key"] for each in answer.json()["keys"]]


async def rotated(bus: Bus, overlap_hours: int) -> Json:
    answer = await bus.by.post(f"/v1/hub/targets/{bus.name}/hook/secret", json={"overlap_hours": overlap_hours})
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


class Sender:
    """Sends one event after the other, and shows the request that came of it."""

    def __init__(self, partner: Partner, endpoint: Endpoint) -> None:
        self._partner, self._endpoint, self._number = partner, endpoint, 0

    async def next(self) -> Heard:
        self._number += 1
        name = f"sent-{self._number}"
        await self._partner.send(receipt(name))

        def here() -> list[Heard]:
            return [each for each in self._endpoint.heard if f'"{name}"'.encode() in each.body]

        return (await eventually(here, ARRIVES))[0]

    async def signed_by(self, *keys: str, is_signed: Callable[[str, Heard], bool]) -> Heard:
        """The first one that each of them verifies: a rotation is in force everywhere after a second."""
        kept: list[Heard] = []

        async def so() -> bool:
            kept.append(await self.next())
            return all(is_signed(key, kept[-1]) for key in keys)

        await eventually(so, ARRIVES)
        return kept[-1]


async def test_two_secrets_verify_during_an_overlap_and_the_old_one_does_not_after_it(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    async with Endpoint() as endpoint:
        await applied(bus, endpoint)
        first = await secret_of(bus.by, bus)
        sender = Sender(partner, endpoint)
        heard = await sender.signed_by(first, is_signed=is_of)
        assert not any(is_of(first, heard, altered(heard.body, place)) for place in range(len(heard.body)))
        second = (await rotated(bus, 24))["secret"]
        both = await sender.signed_by(first, second, is_signed=is_of)
        assert len(both.headers["webhook-signature"].split(" ")) == 2
        third = (await rotated(bus, 0))["secret"]
        last = await sender.signed_by(third, is_signed=is_of)
        assert (is_of(first, last), is_of(second, last)) == (False, False)


async def test_an_endpoint_with_public_keys_verifies_by_them_also_while_they_change(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    async with Endpoint() as endpoint:
        await applied(bus, endpoint)
        (before,) = await public_keys(bus)
        await applied(bus, endpoint, **ED25519)
        sender = Sender(partner, endpoint)
        heard = await sender.signed_by(before, is_signed=is_by)
        assert heard.headers["webhook-signature"].startswith("v1a,")
        assert not any(is_by(before, heard, altered(heard.body, place)) for place in range(len(heard.body)))
        answer = await rotated(bus, 24)
        assert (answer["secret"], await public_keys(bus)) == (None, [answer["public_key"], before])
        both = await sender.signed_by(before, answer["public_key"], is_signed=is_by)
        assert [each[:4] for each in both.headers["webhook-signature"].split(" ")] == ["v1a,", "v1a,"]
        newest = (await rotated(bus, 0))["public_key"]
        assert await public_keys(bus) == [newest]
        last = await sender.signed_by(newest, is_signed=is_by)
        assert (is_by(before, last), is_by(answer["public_key"], last)) == (False, False)


async def test_the_sandboxs_receiver_takes_what_a_public_key_verifies_and_refuses_the_rest(
    shop: Shop, stack: Stack
) -> None:
    partner, bus = await opened(shop, stack)
    path = f"/sandbox/receiver/{bus.name}"
    hook = {"webhook": f"{stack.url}{path}", **ED25519}
    await bus.applied(a_rule(to=("hook",)), targets={"hook": hook})
    await stands(bus, "healthy")
    async with httpx.AsyncClient(base_url=stack.url, trust_env=False) as http:
        assert (await http.put(path, json={"public_keys": await public_keys(bus)})).status_code == 200
        await partner.send(receipt("one"), receipt("two"))

        async def both() -> Json:
            shown: Json = (await http.get(path)).json()
            assert (shown["webhooks"], shown["verified"]) == (2, 2), shown
            return shown

        await eventually(both, ARRIVES)
        (kept, _) = (await http.get(f"{path}/requests")).json()["requests"]
        assert kept["verified_by"] == "public key 1"
        signed = {name: kept["headers"][name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
        assert (await http.post(path, content=b"{}", headers=signed)).status_code == 401


async def test_public_keys_are_of_webhooks_and_for_their_partner(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    stranger = await Partner.made(shop)
    by = await Partner.client(shop, stranger.name, "hub:read hub:write")
    async with Endpoint() as endpoint:
        targets = {"hook": {"webhook": endpoint.url}, "books": {"queue": True}}
        await bus.applied(a_rule(to=tuple(targets)), targets=targets)
        await stands(bus, "healthy")
        assert (await by.get(f"/v1/hub/targets/{bus.name}/hook/keys")).status_code == 404
        assert (await partner.operator.get(f"/v1/hub/targets/{bus.name}/hook/keys")).status_code == 200
        assert (await bus.by.get(f"/v1/hub/targets/{bus.name}/none/keys")).status_code == 404
        no_webhook = await bus.by.get(f"/v1/hub/targets/{bus.name}/books/keys")
        assert (no_webhook.status_code, no_webhook.json()["code"]) == (409, "no_webhook")


@pytest.mark.parametrize("overlap", [-1, 169, "24", None])
async def test_an_overlap_that_is_none_is_named(shop: Shop, stack: Stack, overlap: object) -> None:
    _, bus = await opened(shop, stack)
    answer = await bus.by.post(f"/v1/hub/targets/{bus.name}/hook/secret", json={"overlap_hours": overlap})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/overlap_hours")
