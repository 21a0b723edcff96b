"""Everything is restarted, one after another, while customers buy and deployers wait for those who approve."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import pytest

from services.house import HOUSE
from tests.cluster.figures import Page, plot
from tests.cluster.kubectl import Kubectl, is_ready
from tests.cluster.load import SETTLED, ClusterShop, a_second, trade
from tests.cluster.releasing import Staff, all_went_well, releases
from tests.cluster.stack import ClusterStack
from tests.eventually import eventually, eventually_sync

CUSTOMERS: Final = 4
RESTARTED_WITHIN: Final = 300.0
LEAD: Final = 5
"""Purchases, and deployments, before the first restart and after each."""


@pytest.mark.timeout(900)
async def test_customers_buy_and_gates_open_while_services_broker_and_store_are_restarted(
    stack: ClusterStack, page: Page
) -> None:
    kubectl = stack.kubectl
    loop = asyncio.get_running_loop()
    begun = loop.time()
    marks: list[tuple[float, str]] = []
    took: dict[str, float] = {}
    staff = Staff(stack.url)
    async with releases(staff) as gates, ClusterShop(stack.url) as shop, trade(shop, CUSTOMERS) as sales:
        await more(sales)
        await more(gates.ran)
        for name, restart in RESTARTS.items():
            marks.append((loop.time() - begun, name))
            await asyncio.to_thread(restart, kubectl)
            took[name] = loop.time() - begun - marks[-1][0]
            await more(sales)
            await more(gates.ran)
    refused = sum(sale.status == "refused" for sale in sales)
    page.tell(
        "A rolling restart of everything",
        f"{CUSTOMERS} customers buy again and again meanwhile, and deployments are asked for, approved by two people,"
        " and run. Who asks what is away is told so by a 503 with `Retry-After`, and asks again; nothing else is"
        " allowed.",
        {f"{name} restarted in": f"{seconds:.0f} s" for name, seconds in took.items()}
        | {
            "purchases": len(sales),
            "refused, because a step was silent for too long": refused,
            "requests that were put off": len(shop.put_off),
            "requests that failed": len(shop.failures),
            "gates that opened": len(gates.ran),
        },
        {"restarts": plot("Purchases completed a second", {"all": a_second(sales, begun)}, marks)},
    )
    assert shop.failures == []
    assert {sale.status for sale in sales} <= SETTLED
    stack.books_agree(len(sales))
    all_went_well(gates)
    assert staff.log_holds() == len(gates.ran)


async def more(done: Sequence[object]) -> None:
    """Customers go on buying, deployers deploying."""
    enough = len(done) + LEAD
    await eventually(lambda: len(done) >= enough, RESTARTED_WITHIN)


def restart_services(kubectl: Kubectl) -> None:
    """As `kubectl argo rollouts restart` does it, of all of them at once."""
    now = datetime.now(UTC).replace(microsecond=0)
    for each in HOUSE:
        kubectl.patch(f"rollout/{each.name}", {"spec": {"restartAt": now.isoformat().replace("+00:00", "Z")}})
    eventually_sync(lambda: all(_is_new(kubectl, each.name, now) for each in HOUSE), RESTARTED_WITHIN)


def _is_new(kubectl: Kubectl, service: str, since: datetime) -> bool:
    """All of its pods are, as many as it wants, and they are ready."""
    wanted = kubectl.get(f"rollout/{service}")["spec"].get("replicas", 1)
    pods = kubectl.pods(service)
    begun = [datetime.fromisoformat(pod["metadata"]["creationTimestamp"]) for pod in pods]
    return len(pods) >= wanted and all(map(is_ready, pods)) and all(at >= since for at in begun)


def restart_set(name: str) -> Callable[[Kubectl], None]:
    def restart(kubectl: Kubectl) -> None:
        kubectl("rollout", "restart", f"statefulset/{name}")
        kubectl("rollout", "status", f"statefulset/{name}", within=RESTARTED_WITHIN)

    return restart


RESTARTS: Final[dict[str, Callable[[Kubectl], None]]] = {
    "services": restart_services,
    "broker": restart_set("rabbitmq"),
    "store": restart_set("mongodb"),
}
