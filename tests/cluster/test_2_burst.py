"""From rest to a burst and back: each service by its own queue, and nothing is lost when pods are taken away."""

import asyncio
import os
import time
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from services.cli.audit import audit
from services.cli.demo.portal import OutsideWorld
from tests.cluster.figures import folder, plot
from tests.cluster.kubectl import Kubectl, is_ready
from tests.cluster.load import ClusterShop, carts, ended
from tests.cluster.samples import Samples, sampled
from tests.cluster.stack import RESTING, STAYING, ClusterStack
from tests.eventually import eventually

BURST: Final = int(os.environ.get("BURST", "40"))
"""Purchases that begin at the same moment."""
REST_WITHIN: Final = 120.0


def at_rest(samples: Samples) -> bool:
    wanted = samples.last.wanted
    return all(wanted[name] == 0 for name in RESTING) and all(wanted[name] == 1 for name in STAYING)


@pytest.mark.timeout(900)
async def test_a_burst_is_met_and_forgotten_and_a_kill_9_while_pods_go_loses_nothing(
    stack: ClusterStack, tmp_path: Path
) -> None:
    with sampled(stack.kubectl) as samples:
        async with ClusterShop(stack.url) as shop:
            full = await carts(shop, BURST)
            await eventually(lambda: at_rest(samples), REST_WITHIN)
            begun = samples.now()
            ids = await asyncio.gather(*(member.buy(cart) for member, cart in full))
            ends = [asyncio.create_task(ended(member, id_)) for (member, _), id_ in zip(full, ids, strict=True)]
            killed = await asyncio.to_thread(kill_one, stack.kubectl)
            checkouts = await asyncio.gather(*ends)
            over = samples.now()
            await eventually(lambda: at_rest(samples), REST_WITHIN)
            rested = samples.now()
    refused = [each["id"] for each in checkouts if each["status"] == "refused"]
    tell(samples, Course(begun, over, rested, len(refused)), folder(tmp_path))
    assert {each["status"] for each in checkouts} <= {"completed", "refused"}, "a machine that is too slow may refuse"
    assert shop.failures == []
    assert killed
    assert audit(OutsideWorld(stack.url).api).differences == ()
    most = {name: max(each.wanted[name] for each in samples.all if each.at > begun) for name in RESTING}
    assert all(most.values()), f"not woken: {most}"
    assert most["ticketing"] > 1, "the slowest step's line was met by one replica alone"


def kill_one(kubectl: Kubectl) -> str:
    """A pod that has work in hand goes at once, as by kill -9."""
    deadline = time.monotonic() + REST_WITHIN
    while time.monotonic() < deadline:
        for pod in filter(is_ready, kubectl.pods("ticketing")):
            name = str(pod["metadata"]["name"])
            kubectl("delete", f"pod/{name}", "--grace-period=0", "--force", "--wait=false")
            return name
    return ""


def first(samples: Samples, begun: float, services: tuple[str, ...]) -> float:
    """Seconds from the burst to the first replica more."""
    before = {name: max(each.wanted[name] for each in samples.all if each.at <= begun) for name in services}
    later = [each.at for each in samples.all if any(each.wanted[name] > before[name] for name in services)]
    return min((at for at in later if at > begun), default=float("inf")) - begun


def fullest(samples: Samples, begun: float) -> float:
    """Seconds from the burst until no service was given more."""
    most = {name: max(each.wanted[name] for each in samples.all if each.at > begun) for name in samples.last.wanted}
    return (
        max(
            min(each.at for each in samples.all if each.at > begun and each.wanted[name] == most[name]) for name in most
        )
        - begun
    )


class Course(NamedTuple):
    """When the burst began, its last purchase was over, and everything was at rest again; how many were refused."""

    begun: float
    over: float
    rested: float
    refused: int


def tell(samples: Samples, course: Course, where: Path) -> None:
    """The page and its pictures."""
    begun, over, rested, refused = course
    seen = [each for each in samples.all if each.at >= begun - 5]
    names = sorted(seen[0].wanted)
    wanted = {name: [(each.at - begun + 5, each.wanted[name]) for each in seen] for name in names}
    messages = {name: [(each.at - begun + 5, each.messages.get(name, 0)) for each in seen] for name in names}
    (where / "kubernetes-replicas.svg").write_text(plot("Replicas wanted", wanted))
    (where / "kubernetes-queues.svg").write_text(plot("Messages waiting or in hand", messages))
    rows = {
        "purchases at once": f"{BURST}",
        "first new replica after": f"{first(samples, begun, tuple(names)):.1f} s",
        "full scale after": f"{fullest(samples, begun):.1f} s",
        "all purchases over after": f"{over - begun:.1f} s ({BURST / (over - begun):.1f} a second)",
        "refused, because a provider was silent for too long": f"{refused}",
        "at rest again": f"{rested - over:.1f} s after that",
        "load of the machine": f"{os.getloadavg()[0]:.0f} on {os.cpu_count()} cores",
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items())
    (where / "kubernetes-figures.md").write_text(PAGE.format(table=table))


PAGE: Final = """\
# A burst on a cluster

Made by `make k8s-test FIGURES=docs` on a cluster of one node. A ticketing pod is killed by `kill -9` while
purchases are under way; every purchase comes to its end, and the audit finds no difference.

| | |
|---|---|
{table}

![Replicas of each service](kubernetes-replicas.svg)

![Messages in each queue](kubernetes-queues.svg)
"""
