"""What a worker loses, and how it comes back: its broker, its store, its memory."""

import asyncio
import time
from typing import Final

import pytest

from tests.cluster.figures import Page
from tests.cluster.killing import kill, ready_one
from tests.cluster.kubectl import Json, Kubectl, is_ready, restarts
from tests.cluster.load import SETTLED, ClusterShop, trade
from tests.cluster.stack import ClusterStack
from tests.eventually import eventually, eventually_sync

WORKER: Final = "payment"
"""It answers no requests, so it needs both to be ready."""
CUSTOMERS: Final = 4
WITHIN: Final = 180.0
LEAD: Final = 5


@pytest.mark.timeout(600)
@pytest.mark.parametrize("lost", ["rabbitmq", "mongodb"])
def test_a_worker_without_it_is_not_ready_and_comes_back_by_itself(stack: ClusterStack, page: Page, lost: str) -> None:
    kubectl = stack.kubectl
    pod = ready_one(kubectl, WORKER)
    begun = time.monotonic()
    kubectl("scale", f"statefulset/{lost}", "--replicas=0")
    try:
        eventually_sync(lambda: not is_ready(_again(kubectl, pod)), WITHIN)
        noticed = time.monotonic() - begun
    finally:
        kubectl("scale", f"statefulset/{lost}", "--replicas=1")
    eventually_sync(lambda: stack.ready(lost), WITHIN)
    begun = time.monotonic()
    eventually_sync(lambda: is_ready(_again(kubectl, pod)), WITHIN)
    came = time.monotonic() - begun
    page.tell(
        f"A worker without {lost}",
        f"A pod of {WORKER}; {lost} is scaled to nothing, and back.",
        {"not ready after": f"{noticed:.1f} s", f"ready after {lost} is": f"{came:.1f} s"},
    )
    assert restarts(_again(kubectl, pod)) == restarts(pod), "it was restarted"
    stack.start()
    stack.books_agree(0)


@pytest.mark.timeout(600)
async def test_a_pod_over_its_memory_limit_is_killed_and_nothing_is_lost(stack: ClusterStack, page: Page) -> None:
    async with ClusterShop(stack.url) as shop, trade(shop, CUSTOMERS) as sales:
        await eventually(lambda: len(sales) >= LEAD, WITHIN)
        last = await asyncio.to_thread(kill, stack.kubectl, WORKER)
        before = len(sales)
        await eventually(lambda: len(sales) >= before + LEAD, WITHIN)
    page.tell(
        "A pod over its memory limit",
        f"One of {WORKER}, while {CUSTOMERS} customers buy.",
        {"ended as": last["reason"], "started again": "by the kubelet", "purchases": len(sales)},
    )
    assert last["reason"] == "OOMKilled"
    assert shop.failures == []
    assert {sale.status for sale in sales} <= SETTLED
    stack.books_agree(len(sales))


def _again(kubectl: Kubectl, pod: Json) -> Json:
    """The same pod as it is now: another one of its name would be another one."""
    found = kubectl.get(f"pod/{pod['metadata']['name']}")
    assert found["metadata"]["uid"] == pod["metadata"]["uid"]
    return found
