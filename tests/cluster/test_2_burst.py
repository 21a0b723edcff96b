"""From rest to a burst and back: each service by its own queue, and nothing is lost when pods are taken away."""

import asyncio
import os
from typing import Final, NamedTuple

import pytest

from services.cli.deploy.kubernetes.figures import MESSAGES_PER_REPLICA
from tests.cluster.figures import Page, plot
from tests.cluster.killing import SIGKILLED, kill
from tests.cluster.load import SETTLED, ClusterShop, Sale, a_second, carts, sold
from tests.cluster.samples import Queue, Samples, ages, sampled
from tests.cluster.stack import RESTING, STAYING, ClusterStack
from tests.eventually import eventually

BURST: Final = int(os.environ.get("BURST", "50"))
"""Purchases that begin at the same moment."""
REST_WITHIN: Final = 240.0
FIRST_WITHIN: Final = 3.0
"""Seconds from the queue that calls for the first replica more to its being wanted."""
FULL_WITHIN: Final = 10.0
"""Seconds from the queue that calls for the most replicas to their being wanted, of each service."""
IDLE_WITHIN: Final = 30.0
"""Seconds from the last message."""
BUSY: Final = 4.0
"""The page of figures sets what was measured beside these limits. The test ends at so many times each: it has two cores
that others use too, and an autoscaler that looks every half minute would still be found."""
LINE: Final = 10
"""Messages that ticketing has when one of its pods is killed."""
UNSEEN: Final = 2.0
"""Seconds between two looks of the autoscaler."""
TOLERANCE: Final = 1.1
"""It lets be what is longer by a tenth."""

SLOW: Final = [
    {"provider": "sabre", "operation": "createBooking", "mode": "slow", "seconds": 1.0},
    {"provider": "sabre", "operation": "fulfillFlightTickets", "mode": "slow", "seconds": 1.5},
    {"provider": "stripe", "operation": "authorize", "mode": "slow", "seconds": 1.0},
    {"provider": "stripe", "operation": "capture", "mode": "slow", "seconds": 1.0},
]
"""As providers are, and the sandbox by itself is not."""


class Course(NamedTuple):
    """Seconds of the samples: when the burst began, its last purchase was over, nothing was left to do, and everything
    was at rest again."""

    begun: float
    over: float
    quiet: float
    rested: float


def at_rest(samples: Samples) -> bool:
    return all(samples.wanted(name) == 0 for name in RESTING) and all(samples.wanted(name) == 1 for name in STAYING)


class Given(NamedTuple):
    """A service's autoscaler wanted so many replicas: so many seconds after the burst, and after its queue called for
    them."""

    service: str
    replicas: int
    at: float
    lag: float


def idle(samples: Samples) -> bool:
    """Nothing waits and nothing is in hand, mails included."""
    return not any(queue[-1].messages for queue in samples.queues.values())


@pytest.mark.timeout(900)
async def test_a_burst_is_met_and_forgotten_and_a_kill_9_while_a_pod_drains_loses_nothing(
    stack: ClusterStack, page: Page
) -> None:
    with sampled(stack.kubectl) as samples:
        async with ClusterShop(stack.url) as shop:
            await shop.all_misbehave(SLOW)
            await eventually(lambda: at_rest(samples), REST_WITHIN)
            opened = samples.now()
            full = await carts(shop, BURST)
            await eventually(lambda: at_rest(samples), REST_WITHIN)
            shopping = {name: samples.most(name, opened) for name in RESTING}
            begun = samples.now()
            buying = [asyncio.create_task(sold(member, cart)) for member, cart in full]
            await eventually(lambda: samples.queues["ticketing"][-1].messages >= LINE, REST_WITHIN)
            killed = await asyncio.to_thread(kill, stack.kubectl, "ticketing", "draining")
            sales = await asyncio.gather(*buying)
            over = samples.now()
            await eventually(lambda: idle(samples), REST_WITHIN)
            quiet = samples.now()
            await eventually(lambda: at_rest(samples), REST_WITHIN)
            course = Course(begun, over, quiet, samples.now())
            await shop.behave()
    tell(page, samples, course, sales)
    assert {sale.status for sale in sales} <= SETTLED
    assert shop.failures == []
    assert killed["exitCode"] == SIGKILLED
    stack.books_agree(BURST)
    assert shopping == dict.fromkeys(RESTING, 0), "who has nothing to do sleeps while customers fill their carts"
    assert samples.most("offers", begun) == 1, "nobody asked for offers"
    assert samples.most("ticketing", begun) > 1, "the slowest step's line was met by one replica alone"
    assert first(samples, begun).lag < BUSY * FIRST_WITHIN
    assert max(each.lag for each in fullest(samples, begun)) < BUSY * FULL_WITHIN
    assert course.rested - course.quiet < BUSY * IDLE_WITHIN


def first(samples: Samples, begun: float) -> Given:
    """The first replica more of any service."""
    more = [given(samples, name, samples.at(name, begun).wanted + 1, begun) for name in grown(samples, begun)]
    return min(more, key=lambda each: each.at)


def fullest(samples: Samples, begun: float) -> list[Given]:
    """The most replicas of each service that was given more."""
    return [given(samples, name, samples.most(name, begun), begun) for name in grown(samples, begun)]


def grown(samples: Samples, begun: float) -> list[str]:
    return [name for name in sorted(samples.replicas) if samples.most(name, begun) > samples.at(name, begun).wanted]


def given(samples: Samples, name: str, replicas: int, begun: float) -> Given:
    at = next(each.at for each in samples.after(name, begun) if each.wanted >= replicas)
    seen = [each for each in samples.queues[name] if begun <= each.at < at]
    line = MESSAGES_PER_REPLICA * (replicas - 1) * TOLERANCE
    return Given(name, replicas, at - begun, at - called(seen, line, begun))


def called(queue: list[Queue], line: float, begun: float) -> float:
    """Since when a queue has been longer than that, but for moments in which nobody may have looked."""
    since, above = begun, -UNSEEN
    for each in queue:
        if each.messages > line:
            since = each.at if each.at - above > UNSEEN else since
            above = each.at
    return since


def tell(page: Page, samples: Samples, course: Course, sales: list[Sale]) -> None:
    begun, over, quiet, rested = course
    lead = begun - 5
    wanted, available, queue, age = {}, {}, {}, {}
    for name in sorted(samples.replicas):
        seen = [samples.at(name, lead)._replace(at=lead), *samples.after(name, lead)]
        wanted[name] = [*((each.at - lead, each.wanted) for each in seen), (rested - lead, seen[-1].wanted)]
        available[name] = [*((each.at - lead, each.available) for each in seen), (rested - lead, seen[-1].available)]
    for name, taken in sorted(samples.queues.items()):
        queue[name] = [(each.at - lead, each.messages) for each in taken if each.at >= lead]
        age[name] = [(at - lead, seconds) for at, seconds in ages(taken) if at >= lead]
    earliest, full = first(samples, begun), fullest(samples, begun)
    scaled = "; ".join(f"{each.service} {each.replicas} after {each.lag:.1f} s ({each.at:.1f} s)" for each in full)
    page.tell(
        "From rest to a burst and back",
        "Providers are as slow as they are in the world: 1 s a booking, 1.5 s a ticket, 1 s a card. A pod of ticketing"
        " is asked to drain, and killed by SIGKILL meanwhile. The limits are the autoscaler's, from the second in which"
        " a queue calls for replicas; what purchases take to come there, and pods to get ready, is told beside them.",
        {
            "purchases at once, where one is the measure": BURST,
            "first replica more wanted": f"of {earliest.service}, {earliest.lag:.1f} s after its queue called for it"
            f" (at most {FIRST_WITHIN:.0f}), {earliest.at:.1f} s after the burst began",
            "most replicas wanted, after the queue called for them (after the burst began)": scaled,
            "of those, the longest": f"{max(each.lag for each in full):.1f} s (at most {FULL_WITHIN:.0f})",
            "all purchases over after": f"{over - begun:.1f} s ({BURST / (over - begun):.1f} a second)",
            "refused, because a provider was silent for too long": sum(sale.status == "refused" for sale in sales),
            "all mails sent": f"{quiet - over:.1f} s after that",
            "at rest again": f"{rested - quiet:.1f} s after that (at most {IDLE_WITHIN:.0f})",
        },
        {
            "replicas": plot("Replicas that the autoscaler wants", wanted),
            "ready": plot("Replicas that are ready", available),
            "queues": plot("Messages that wait or are in hand", queue),
            "age": plot("Age of the oldest message, seconds", age),
            "purchases": plot("Purchases completed a second", {"all": a_second(sales, samples.begun + lead)}),
        },
    )
