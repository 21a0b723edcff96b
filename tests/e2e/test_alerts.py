"""Alerts by real faults: a stack, its real `/metrics`, a real Prometheus, and the rules that operators get.

A minute of the rules lasts a second here. Tried so: a provider that is silent, a purchase that needs attention, a dead
letter, a broker that is away. All other alerts are tried by histories alone (`tests/unit/deploy/alerts`).
"""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Final, TypeAlias

import pytest
from starlette.responses import Response

from services.cli.broker_node import PrivateBroker
from services.cli.client import Api, sandbox_token
from services.cli.release.access import ROOT, SCOPES
from tests.e2e.buses import Bus, a_rule
from tests.e2e.endpoints import Endpoint, Heard
from tests.e2e.partners import RECEIPT, Partner, receipt
from tests.e2e.shop import Shop
from tests.e2e.wires import channel_to, message
from tests.eventually import eventually
from tests.kit.broker import start_broker
from tests.kit.prometheus import Prometheus, hastened
from tests.kit.promql import dashboards, program, questions
from tests.kit.stack import Stack

WITHIN: Final = 60.0
"""Seconds; on an idle machine each alert fires and clears within ten."""
SHORT: Final = {
    "METRICS_SECONDS": "0.5",
    "CHECKOUT_ASKS": "2",
    "CHECKOUT_FIRST_ASK_SECONDS": "1",
    "CHECKOUT_LONGEST_PAUSE_SECONDS": "1",
    "PAYMENT_STRIPE_BREAKER_FAILURES": "1",
}
UNHAPPENED: Final = frozenset(
    (
        "Dead letters, by fault",
        "As they stand, by fault",
        "Firing",
        "Misconfigured",
        "Parked a minute",
        "Sent there a minute, by service",
        "Store: conflicts a minute",
        "Store: unavailable a minute",
        "Retried a minute, by tier",
        "Providers, by outcome",
        "Undecided, by bus, an hour",
        "Gated acts a minute, by action and outcome",
    )
)
"""Panels that may be empty: what they show need not have happened to the checkout, or has been put right."""

pytestmark = pytest.mark.long


class Watched:
    """A stack over a broker of its own, and who watches it."""

    def __init__(self, stack: Stack, broker: PrivateBroker, prometheus: Prometheus) -> None:
        self.stack = stack
        self.broker = broker
        self.prometheus = prometheus
        self._known: set[Fault] = set()

    async def knows(self, fault: "Fault") -> None:
        """The fault has been, and is over."""
        if fault not in self._known:
            await fault(self)
            self._known.add(fault)

    async def fires(self, alert: str, **labels: str) -> None:
        await eventually(lambda: self.prometheus.firing(alert, **labels), WITHIN)

    async def clears(self, alert: str) -> None:
        await eventually(lambda: not self.prometheus.firing(alert), WITHIN)

    async def said(self, *arguments: str) -> str:
        done = await asyncio.to_thread(self.stack.command, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


Fault: TypeAlias = Callable[[Watched], Awaitable[None]]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    program("prometheus")  # before anything is started
    home = tmp_path_factory.mktemp("watched")
    with ExitStack() as opened:
        broker = start_broker(home / "broker")
        opened.callback(broker.kill)
        stack = Stack(home / "home", environment={**SHORT, "BROKER_URL": broker.url})
        opened.callback(stack.clean_up)
        prometheus = Prometheus(home / "prometheus", stack.start())
        opened.callback(prometheus.clean_up)
        prometheus.start()
        yield Watched(stack, broker, prometheus)


async def dead_letter(watched: Watched) -> None:
    async with channel_to(watched.broker.url) as channel:
        await channel.default_exchange.publish(message(b"not ours"), "cart")
    await watched.fires("MilesagaDeadLetters", service="cart", severity="warning")
    [letter] = json.loads(await watched.said("dead", "list", "--json"))["letters"]
    await watched.said("dead", "discard", letter["handle"], "--yes")
    await watched.clears("MilesagaDeadLetters")


async def silent_provider(watched: Watched) -> None:
    async with Shop(watched.stack.url) as shop:
        member = await shop.member()
        await shop.all_misbehave(
            [{"provider": "stripe", "operation": each, "mode": "error"} for each in ("authorize", "read")]
        )
        silent = await member.buy(await member.cart())
        await watched.fires("MilesagaProviderLeftAlone", service="payment", provider="stripe", severity="critical")
        await shop.behave()
        await member.ended(silent)
    await watched.clears("MilesagaProviderLeftAlone")


async def stuck_purchase(watched: Watched) -> None:
    async with Shop(watched.stack.url) as shop:
        member = await shop.member()
        await shop.all_misbehave(
            [
                {"provider": "sabre", "operation": each, "mode": "error"}
                for each in ("fulfillFlightTickets", "getBooking")
            ]
        )
        stuck = await member.buy(await member.cart(use_miles=30_000))
        await watched.fires("MilesagaPurchaseNeedsAttention", service="checkout", severity="critical")
        await shop.behave()
        await watched.said("purchases", "ask", stuck)
        assert (await member.ended(stuck))["status"] == "completed"
    await watched.clears("MilesagaPurchaseNeedsAttention")


async def absent_broker(watched: Watched) -> None:
    await asyncio.to_thread(watched.broker.stop)
    await watched.fires("MilesagaBrokerAway", severity="critical")
    await asyncio.to_thread(watched.broker.start)
    await watched.clears("MilesagaBrokerAway")


@pytest.mark.parametrize("fault", [dead_letter, silent_provider, stuck_purchase, absent_broker])
async def test_a_fault_is_told_while_it_lasts(watched: Watched, fault: Fault) -> None:
    await watched.knows(fault)


async def partners_events(shop: Shop, broker_url: str) -> None:
    """Events that rules, a shadow and nobody want, and one that is refused. The target that dashboards are asked of has
    its copy at the second try; the archive is asked for the events, and for what is not there."""
    partner = await Partner.made(shop)
    large = {"type": [RECEIPT], "data": {"total": {"amount": [{"numeric": [">=", 3000]}]}}}

    async def at_last(heard: Heard) -> Response:
        return Response(status_code=204 if heard.headers.get("milesaga-attempt") == "2" else 500)

    async with Endpoint(at_last) as endpoint:
        await Bus(partner, partner.operator, broker_url, "fuel").applied(
            a_rule(when=large, to=("bi",)),
            a_rule("shadow", when=large, to=("bi",), mode="shadow"),
            targets={"bi": {"webhook": endpoint.url}},
        )
        unwanted, wrong = receipt("small", data={"total": {"amount": 1}}), receipt("wrong", data={})
        assert (await partner.send(receipt("large"), unwanted)).status_code == 202
        assert (await partner.send(wrong)).status_code == 422
        await eventually(lambda: any(heard.status == 204 for heard in endpoint.heard), WITHIN)
    assert len(await partner.eventually_archived(2)) == 2
    assert (await partner.operator.get("/v1/hub/feed/none/own")).status_code == 404


def a_release_is_asked_for(url: str) -> None:
    """The chat shows it."""
    body = {"action": "deploy", "environment": "test", "target": "cart", "payload": {"argv": ["true"]}, "reason": "x"}
    with Api(url, sandbox_token(url, SCOPES, "deployer")) as api:
        made = api.send("POST", f"{ROOT}/requests", body, headers={"Idempotency-Key": uuid.uuid4().hex})
        assert api.get(f"{ROOT}/requests/{made['id']}")["state"] == "pending"


async def test_every_panel_of_the_dashboards_shows_what_happened(watched: Watched) -> None:
    """Labels that no series has are answered by nothing at all, and nobody would notice."""
    for fault in (dead_letter, silent_provider, stuck_purchase):
        await watched.knows(fault)
    async with Shop(watched.stack.url) as shop:
        member = await shop.member()
        assert (await member.ended(await member.buy(await member.cart(), "tok_declined")))["status"] == "refused"
        await partners_events(shop, watched.broker.url)
    await asyncio.to_thread(a_release_is_asked_for, watched.stack.url)
    asked = {(title, expr) for each in dashboards().values() for title, expr in questions(each)}

    def shown() -> bool:
        empty = {title for title, expr in asked if not watched.prometheus.answer(expr)}
        assert empty <= UNHAPPENED, sorted(empty - UNHAPPENED)
        return True

    await eventually(shown, WITHIN)


def test_rules_are_hastened_and_else_the_same() -> None:
    rule = "expr: rate(x[10m]) > 5 and y offset 1h\nfor: 5m # in 30m"
    assert hastened(rule) == "expr: rate(x[10s]) > 5 and y offset 1m\nfor: 5s # in 30s"
