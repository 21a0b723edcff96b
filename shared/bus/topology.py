"""The one description of exchanges, queues and bindings, in FastStream's own terms.

Four topic exchanges; one quorum queue per service, bound to what the service owns or listens to; beside it a queue for
suspects and one for the dead; and the delay tiers that all services share.

A work queue hands on what was delivered five times without an answer to `<service>.suspect`, which is consumed one at a
time: so a message that kills its process takes none of its prefetched neighbours along. The suspects' limit stands well
above the work queue's because RabbitMQ 4.3 goes on counting where the work queue stopped, while 3.10 starts anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from faststream.rabbit import ExchangeType, QueueType, RabbitExchange, RabbitQueue

from shared.contracts.copies import dead_target_queue, target_queue

Queues: TypeAlias = Mapping[str, Sequence[tuple[str, str]]]
"""What each service's queue is bound to: (exchange, pattern). Every version of a command comes to its owner, so that
a newer one than this process knows can wait there for a process that knows it."""

EXCHANGES = tuple(
    RabbitExchange(name, type=ExchangeType.TOPIC, durable=True, robust=False)
    for name in ("commands", "answers", "events", "public")
)

TIERS: Mapping[str, timedelta] = {
    "1s": timedelta(seconds=1),
    "5s": timedelta(seconds=5),
    "30s": timedelta(seconds=30),
    "2m": timedelta(minutes=2),
    "10m": timedelta(minutes=10),
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
}

WORK_DELIVERY_LIMIT = 5
SUSPECT_DELIVERY_LIMIT = 9

UNLIMITED = {"x-delivery-limit": -1}
"""RabbitMQ 4 drops a message after 20 deliveries unless told otherwise; RabbitMQ 3 has no limit, and knows no -1."""


@dataclass(frozen=True)
class Binding:
    """Messages that reach `exchange` under a key that fits `pattern` go to `queue`."""

    exchange: str
    pattern: str
    queue: str


@dataclass(frozen=True)
class Topology:
    """Everything that must be there before anybody publishes."""

    exchanges: tuple[RabbitExchange, ...]
    queues: tuple[RabbitQueue, ...]
    bindings: tuple[Binding, ...]


def suspect_queue(service: str) -> str:
    return f"{service}.suspect"


def dead_queue(service: str) -> str:
    return f"{service}.dead"


def turn_queue(service: str) -> str:
    """Not kept: whoever reads the dead letters has it meanwhile, so that others wait."""
    return f"{service}.dead.turn"


def tier_exchange(tier: str) -> str:
    return f"retry.{tier}"


def tier_of(exchange: str) -> str:
    """The tier whose exchange it is."""
    return exchange.removeprefix(tier_exchange(""))


def topology(queues: Queues, *, broker_major: int = 3) -> Topology:
    """The whole description; `broker_major` is RabbitMQ's major version."""
    exchanges, declared, bindings = list(EXCHANGES), list[RabbitQueue](), list[Binding]()
    for service, patterns in queues.items():
        declared += _service_queues(service, broker_major)
        bindings += [Binding(exchange, pattern, service) for exchange, pattern in patterns]
    for tier, delay in TIERS.items():
        name = tier_exchange(tier)
        exchanges.append(RabbitExchange(name, type=ExchangeType.FANOUT, durable=True, robust=False))
        # Without a dead-letter routing key an expired message keeps its own: the name of the queue it failed in.
        ttl = int(delay.total_seconds() * 1000)
        declared.append(_quorum(name, {"x-message-ttl": ttl, **_handed_on_safely(key=None)}))
        bindings.append(Binding(name, "", name))
    return Topology(tuple(exchanges), tuple(declared), tuple(bindings))


def target_queues(bus: str, target: str, *, broker_major: int = 3) -> list[RabbitQueue]:
    """Those of one target of a bus, made while the house runs. Nothing limits how much waits or how often it is tried:
    what a consumer rejects is laid among the dead, and nothing else is."""
    limits = UNLIMITED if broker_major >= 4 else {}  # noqa: PLR2004 - a version
    dead = dead_target_queue(bus, target)
    return [_quorum(target_queue(bus, target), {**limits, **_handed_on_safely(key=dead)}), _quorum(dead, limits)]


def _service_queues(service: str, broker_major: int) -> list[RabbitQueue]:
    limits = UNLIMITED if broker_major >= 4 else {}  # noqa: PLR2004 - a version
    return [
        _quorum(
            service,
            {"x-delivery-limit": WORK_DELIVERY_LIMIT, **_handed_on_safely(key=suspect_queue(service))},
        ),
        _quorum(
            suspect_queue(service),
            {"x-delivery-limit": SUSPECT_DELIVERY_LIMIT, **_handed_on_safely(key=dead_queue(service))},
        ),
        _quorum(dead_queue(service), limits),
    ]


def _handed_on_safely(*, key: str | None) -> dict[str, Any]:
    """Dead-lettering through the default exchange that loses nothing on the way."""
    arguments = {
        "x-dead-letter-exchange": "",
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    return arguments if key is None else {**arguments, "x-dead-letter-routing-key": key}


def _quorum(name: str, arguments: Any) -> RabbitQueue:
    return RabbitQueue(name, queue_type=QueueType.QUORUM, durable=True, robust=False, arguments=arguments)
