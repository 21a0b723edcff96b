"""Events that come by the broker: our own, where a bus looks at them, and those of partners who have a user there.

Nobody is believed for what a message says: what comes by `events` was said by a service of ours, since nobody else may
publish there; what comes by `public` is the partner's whose user the broker has checked.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic_core import to_json

from services.hub.cases.in_force import InForce
from services.hub.cases.publishing import Publishing, RateLimited, Result, Taken
from services.hub.cases.registering import Registry
from services.hub.cases.trying import NEVER
from services.hub.domain.admission import LARGEST_EVENT, Admitted, Refusal
from services.hub.domain.bus import OUR_OWN
from services.hub.domain.listening import is_ours, of_our_own, of_partners
from services.hub.domain.partner import Partner
from shared.accepting.gathering import Overloaded
from shared.bus.arrival import Arrival
from shared.bus.retry import Unreadable
from shared.bus.standing import BrokerAway, StandingQueues
from shared.contracts.archive import ArchivedEvent
from shared.contracts.cloudevents import PREFIXES
from shared.kernel.clock import Clock
from shared.kernel.errors import Later
from shared.routing.bus import Bus
from shared.routing.buses import Buses
from shared.routing.copying import Original
from shared.rules.faults import Invalid
from shared.rules.limits import DOCUMENT_DEPTH
from shared.rules.looking import TooMuchWork
from shared.rules.reading import message_from_json
from shared.web.cloudevents import Received

EVENTS: Final = "events"
PUBLIC: Final = "public"
MOST_TOLD: Final = 300
"""Characters of why a message is none."""
SOON: Final = timedelta(seconds=1)
US: Final = Partner(id=OUR_OWN, clients=(), publishes=("*",), strict_types=False)


class Hearing:
    """Takes them, and has them come."""

    def __init__(
        self,
        queue: str,
        queues: StandingQueues,
        registry: Registry,
        publishing: Publishing,
        clock: Clock,
    ) -> None:
        """`queue` is the hub's."""
        self._queue = queue
        self._queues = queues
        self._registry = registry
        self._publishing = publishing
        self._clock = clock
        self._own: frozenset[str] = frozenset()

    async def hear_own(self, buses: Buses) -> None:
        """Have come what these buses may admit of our own events, and nothing else. Raises BrokerAway."""
        wanted = of_our_own(bus.terms for bus in buses.by_name.values())
        for pattern in sorted(wanted):
            await self._queues.bind(self._queue, EVENTS, pattern)
        for pattern in sorted(self._own - wanted):
            await self._queues.unbind(self._queue, EVENTS, pattern)
        self._own = wanted

    async def hear_partners(self) -> None:
        """Have come what partners say; at another time where the broker is away."""
        with suppress(BrokerAway):
            for pattern in sorted(of_partners(await self._registry.with_users())):
                await self._queues.bind(self._queue, PUBLIC, pattern)

    async def again(self) -> None:
        """Both once more: a queue that was made anew has lost its bindings."""
        await self.hear_partners()
        with suppress(BrokerAway):
            for pattern in sorted(self._own):
                await self._queues.bind(self._queue, EVENTS, pattern)

    async def take_own(self, arrival: Arrival, body: bytes, in_force: InForce) -> None:
        """An event of ours: accepted where a bus admits it, else passed over. Returns when its page is saved."""
        event = _event(arrival, body)
        async with in_force.using() as buses:
            wanted = any(self._admits(bus, event) for bus in buses.by_name.values())
        if wanted:
            known = await self._registry.known({arrival.routing_key})
            admitted = Admitted(event, to_json(event))
            kind = known.get(arrival.routing_key)
            await self._accept(US, admitted if kind is None else admitted.cleared(kind))

    async def take(self, arrival: Arrival, body: bytes) -> None:
        """An event of the partner whose user sent it; returns when its page is saved. What is a message of the house's
        own is not the hub's, and passed over. Raises Unreadable, Later."""
        if is_ours(arrival.routing_key):
            return
        partner = await self._registry.partner_with(arrival.sender) if arrival.sender else None
        if partner is None:
            raise Unreadable("unidentified: no user_id of a partner's that the broker has checked")
        try:
            await self._publishing.pay(partner, 1)
        except RateLimited as limited:
            raise Later("rate_limited", timedelta(seconds=limited.seconds)) from limited
        received = Received([_event(arrival, body)], [None], is_batch=False)
        (judged,) = await self._publishing.judged(received, partner, ("*",))
        if isinstance(judged, Refusal):
            self._publishing.tell(partner, [judged])
            expected = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in judged.faults)
            raise Unreadable(f"{judged.code}: {expected or judged.detail}"[:MOST_TOLD])
        await self._accept(partner, judged)

    async def _accept(self, partner: Partner, admitted: Admitted) -> None:
        try:
            (result,) = await self._publishing.accept(partner, [admitted], "amqp")
        except Overloaded as error:
            raise Later("overloaded", SOON) from error
        self._publishing.tell(partner, [result])
        _must_be_taken(result)

    def _admits(self, bus: Bus, event: dict[str, Any]) -> bool:
        told = ArchivedEvent(hubid=NEVER, at=self._clock.now(), partner=OUR_OWN, via="amqp", event=event)
        try:
            return bus.admits_it(Original(told))
        except TooMuchWork:
            return True  # the router tells of it


def _must_be_taken(result: Result) -> None:
    if isinstance(result, Taken):
        return
    if result.code == "in_flight":
        raise Later("in_flight", SOON)
    raise Unreadable(f"{result.code}: {result.detail}")


def _attribute(value: Any) -> Any:
    """What a header of AMQP says in CloudEvents' types. What none of these is stays as it is, and is refused as such: a
    table that was written as a text would be another event."""
    if isinstance(value, datetime):
        return value.isoformat()
    with suppress(UnicodeDecodeError):
        return value.decode() if isinstance(value, bytes | bytearray) else value
    return value


def _event(arrival: Arrival, body: bytes) -> dict[str, Any]:
    """CloudEvents' binary mode, its data JSON. Raises Unreadable."""
    event: dict[str, Any] = {}
    for header, value in arrival.headers.items():
        prefix = next((each for each in PREFIXES if header.startswith(each)), None)
        if prefix is None:
            continue
        if (name := header.removeprefix(prefix)) in event:
            raise Unreadable(f"its attribute {name[:100]!r} stands twice")
        event[name] = _attribute(value)
    if event.get("type") != arrival.routing_key:
        raise Unreadable(f"its type is not the routing key {arrival.routing_key[:100]!r} that it came under")
    if not event.get("id") or not event.get("source"):
        raise Unreadable("it has no id, or no source")
    if "data" in event or "data_base64" in event:
        raise Unreadable("data is no attribute")
    try:
        return event | ({"data": message_from_json(body, LARGEST_EVENT, DOCUMENT_DEPTH - 1)} if body else {})
    except Invalid as invalid:
        raise Unreadable(f"malformed_json: {invalid}"[:MOST_TOLD]) from invalid
