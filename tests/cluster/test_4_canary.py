"""A new version of the checkout: one that fails a fifth of its messages is taken back, one that is well takes over."""

import asyncio
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from tests.cluster.figures import Page, plot
from tests.cluster.kubectl import Json, Kubectl
from tests.cluster.load import SETTLED, ClusterShop, Sale, trade
from tests.cluster.node import BROKEN, NEXT
from tests.cluster.stack import ClusterStack
from tests.cluster.test_2_burst import SLOW
from tests.eventually import eventually, eventually_sync

SERVICE: Final = "checkout"
CUSTOMERS: Final = 10
LOOK: Final = 0.5
DECIDED_WITHIN: Final = 300.0
OBSERVED_WITHIN: Final = 30.0
HASH: Final = "rollouts-pod-template-hash"
IMAGE_AT: Final = "/spec/template/spec/containers/0/image"


class Versions:
    """How many pods of each version there are, second by second, and which purchases the new one began."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl
        self._read: dict[str, threading.Thread] = {}
        self._followers: list[subprocess.Popen[str]] = []
        self.stable = str(self.status()["stableRS"])
        self.pods: dict[str, list[tuple[float, float]]] = {"old": [], "new": []}
        self.begun: set[str] = set()

    def status(self) -> Json:
        """Of the Rollout as it is specified now: what is said of an earlier one is waited out."""
        return eventually_sync(self._status, OBSERVED_WITHIN)

    def _status(self) -> Json:
        found = self._kubectl.get(f"rollout/{SERVICE}")
        status: Json = found["status"]
        assert str(status["observedGeneration"]) == str(found["metadata"]["generation"])
        return status

    def replace(self, image: str) -> None:
        change = json.dumps([{"op": "replace", "path": IMAGE_AT, "value": image}])
        self._kubectl("patch", f"rollout/{SERVICE}", "--type=json", f"--patch={change}")

    def look(self, at: float) -> Json:
        """The Rollout's status; the pods are counted, and those of the new version are read from."""
        pods = self._kubectl.pods(SERVICE)
        new = [pod for pod in pods if pod["metadata"]["labels"][HASH] != self.stable]
        self.pods["old"].append((at, len(pods) - len(new)))
        self.pods["new"].append((at, len(new)))
        for pod in new:
            self._follow(pod)
        return self.status()

    def _follow(self, pod: Json) -> None:
        name = pod["metadata"]["name"]
        started = pod["status"].get("containerStatuses", [{}])[0].get("state", {}).get("running")
        if name in self._read or not started:
            return
        command = self._kubectl.command("logs", "--follow", name)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self._followers.append(process)
        self._read[name] = threading.Thread(target=self._note, args=(process,), daemon=True)
        self._read[name].start()

    def _note(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            said = json.loads(line) if line.startswith("{") else {}
            if said.get("cause") == "start":
                self.begun.add(said["purchase_id"])

    def close(self) -> None:
        """Every line of the pods that are gone has been read then."""
        for process in self._followers:
            process.terminate()
            process.wait()
        for thread in self._read.values():
            thread.join()


@contextmanager
def versions(kubectl: Kubectl) -> Iterator[Versions]:
    watched = Versions(kubectl)
    try:
        yield watched
    finally:
        watched.close()


@pytest.mark.timeout(900)
async def test_a_version_that_fails_a_fifth_of_its_messages_is_taken_back_and_its_purchases_go_on(
    stack: ClusterStack, page: Page
) -> None:
    loop = asyncio.get_running_loop()
    with versions(stack.kubectl) as watched:
        async with ClusterShop(stack.url) as shop:
            await shop.all_misbehave(SLOW)
            async with trade(shop, CUSTOMERS) as sales:
                began = loop.time()
                watched.replace(BROKEN)
                await eventually(lambda: _is_aborted(watched, loop.time() - began), DECIDED_WITHIN)
                decided = loop.time() - began
                await eventually(lambda: _is_whole(watched, loop.time() - began), DECIDED_WITHIN)
                gone = loop.time()
            await shop.behave()
    carried_on = [sale for sale in sales if sale.id in watched.begun and sale.ended > gone]
    reason = watched.status()["message"]
    page.tell(
        "A version that fails a fifth of its messages",
        f"A canary of the {SERVICE} while {CUSTOMERS} customers buy.",
        {
            "taken back after": f"{decided:.0f} s",
            "because": reason,
            "purchases that it began": len(watched.begun),
            "of those, carried to their end by the old version": len(carried_on),
        },
        {"canary-broken": plot("Pods of the checkout by version", watched.pods, [(decided, "taken back")])},
    )
    assert "error-rate" in reason
    assert watched.status()["stableRS"] == watched.stable
    _bought(shop, sales)
    assert {sale.id for sale in sales} >= watched.begun
    assert carried_on, "none of its purchases outlived it"
    stack.books_agree(len(sales))


@pytest.mark.timeout(900)
async def test_a_version_that_is_well_takes_over(stack: ClusterStack, page: Page) -> None:
    loop = asyncio.get_running_loop()
    with versions(stack.kubectl) as watched:
        async with ClusterShop(stack.url) as shop, trade(shop, CUSTOMERS) as sales:
            began = loop.time()
            watched.replace(NEXT)
            await eventually(lambda: _decided(watched, loop.time() - began), DECIDED_WITHIN)
            promoted = loop.time() - began
    assert watched.status()["phase"] == "Healthy", watched.status()["message"]
    page.tell(
        "A version that is well",
        "The same with an image that has no fault.",
        {"took over after": f"{promoted:.0f} s", "purchases meanwhile": len(sales)},
        {"canary-well": plot("Pods of the checkout by version", watched.pods, [(promoted, "promoted")])},
    )
    _bought(shop, sales)
    assert watched.begun, "the new version began no purchase"
    stack.books_agree(len(sales))


def _bought(shop: ClusterShop, sales: list[Sale]) -> None:
    assert shop.failures == []
    assert {sale.status for sale in sales} <= SETTLED


async def _looked(watched: Versions, at: float) -> Json:
    """Beside the customers, whom it must not stop."""
    await asyncio.sleep(LOOK)
    return await asyncio.to_thread(watched.look, at)


async def _is_aborted(watched: Versions, at: float) -> bool:
    return bool((await _looked(watched, at)).get("abort"))


async def _is_whole(watched: Versions, at: float) -> bool:
    """None of the new version's pods is left."""
    await _looked(watched, at)
    return watched.pods["new"][-1][1] == 0 and watched.pods["old"][-1][1] > 0


async def _decided(watched: Versions, at: float) -> bool:
    status = await _looked(watched, at)
    return bool(status.get("abort")) or (status["stableRS"] != watched.stable and status["phase"] == "Healthy")
