"""Events come in: judged whole, paid for, accepted by a page."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic_core import to_json

from services.hub.cases.counting import mark_of
from services.hub.cases.registering import Registry
from services.hub.domain.admission import Admitted, Refusal, judge
from services.hub.domain.pages import RECENT
from services.hub.domain.partner import Partner
from shared.accepting.allowance import Allowances
from shared.accepting.gathering import Gathering
from shared.accepting.steps import Accepted, Outcome, Refused, Unit, Wanted
from shared.bus.outbox import Outbox
from shared.contracts.archive import LARGEST_PART, KeepPage, Page
from shared.contracts.hub import RoutePage
from shared.contracts.messages import OutboxMessage
from shared.contracts.positions import Position
from shared.kernel.clock import Clock
from shared.kernel.ids import Ids
from shared.kernel.meter import HubMeter
from shared.kernel.turns import Turns
from shared.web.cloudevents import Received


class RateLimited(Exception):
    """The partner sends more than it may; nothing was accepted."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"wait {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an entry that was accepted, now or before."""

    id: str
    status: Literal["accepted", "duplicate"]


Result = Taken | Refusal
Way = Literal["http", "amqp"]


class PageSpeaker:
    """Says a page to the router and to the archive, in as many messages as its size and its classes of keeping need. An
    entry is its class, a line's end, and the text of the `ArchivedEvent` up to its position."""

    def __init__(self, outbox: Outbox, meter: HubMeter) -> None:
        self._outbox = outbox
        self._meter = meter

    def messages(self, page: str, entries: Sequence[tuple[bytes, Position | None]]) -> list[OutboxMessage]:
        self._meter.paged(len(entries))
        placed = [_placed(entry, position) for entry, position in entries]
        parts = [(keep, part) for keep, texts in _by_class(placed).items() for part in _parts(texts)]
        said: list[OutboxMessage] = []
        for number, (keep, part) in enumerate(parts, start=1):
            bare: dict[str, Any] = {"page": page, "part": number, "parts": len(parts), "keep": keep, "events": ()}
            body = _with_events(Page(**bare), part)
            said += [self._outbox.entry(contract(**bare), body=body) for contract in (RoutePage, KeepPage)]
        return said


def _with_events(bare: Page, part: Sequence[bytes]) -> bytes:
    """Either message's JSON text, into which the events' own goes as it is, each on a line: making models of them costs
    a tenth of all that accepting does, and the archive keeps the lines."""
    head = bare.model_dump_json(exclude={"events"}).encode()
    return head.removesuffix(b"}") + b',"events":[\n' + b",\n".join(part) + b"\n]}"


def _placed(entry: bytes, position: Position | None) -> bytes:
    return entry + b',"position":' + (b"null" if position is None else position.model_dump_json().encode()) + b"}"


def _by_class(entries: Sequence[bytes]) -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = {}
    for entry in entries:
        keep, _, text = entry.partition(b"\n")
        found.setdefault(keep.decode(), []).append(text)
    return found


def _parts(entries: Sequence[bytes]) -> list[list[bytes]]:
    parts: list[list[bytes]] = [[]]
    size = 0
    for entry in entries:
        if parts[-1] and size + len(entry) > LARGEST_PART:
            parts.append([])
            size = 0
        parts[-1].append(entry)
        size += len(entry)
    return parts


class Publishing:
    """What a partner's request becomes."""

    def __init__(
        self,
        registry: Registry,
        gathering: Gathering,
        allowances: Allowances,
        clock: Clock,
        ids: Ids,
        *,
        meter: HubMeter,
    ) -> None:
        self._meter = meter
        self._registry = registry
        self._gathering = gathering
        self._allowances = allowances
        self._clock = clock
        self._ids = ids

    async def judged(self, received: Received, partner: Partner, globs: tuple[str, ...]) -> list[Admitted | Refusal]:
        """Each entry by itself; nothing is written."""
        kinds = {str(entry.get("type")) for entry in received.entries if isinstance(entry, dict)}
        known = await self._registry.known(kinds)
        turns = Turns()
        judged = []
        for place, (entry, text) in enumerate(zip(received.entries, received.texts, strict=True)):
            judged.append(judge(entry, received.at(place), partner, globs, known, text=text))
            await turns.give()
        return judged

    async def pay(self, partner: Partner, events: int) -> None:
        """Raises RateLimited."""
        if events and (seconds := await self._allowances.spend(partner.id, events, partner.terms)):
            self._meter.came(partner.id, "rate_limited", events)
            raise RateLimited(seconds)

    def ask(self, partner: Partner) -> None:
        """Before anything is read: may one event more be sent, as far as this replica knows? It costs nothing. Raises
        RateLimited."""
        if seconds := self._allowances.known_wait(partner.id, 1):
            self._meter.came(partner.id, "rate_limited", 1)
            raise RateLimited(seconds)

    async def accept(self, partner: Partner, admitted: Sequence[Admitted], via: Way = "http") -> list[Result]:
        """All together or none. Raises Overloaded, Unavailable."""
        if not admitted:
            return []
        now = self._clock.now()
        wanted: dict[str, Wanted] = {}
        entries: dict[str, bytes] = {}
        for each in admitted:
            mark = mark_of(partner.id, each.keep)
            thing = Wanted(_key(partner, each), each.digest, self._ids.new(), partner.life, mark, each.lane)
            first = wanted.setdefault(thing.key, thing)
            if first.digest != thing.digest:
                refused: Outcome = Refused(thing.key, "reused")
                return [_result(refused, thing.key) for _ in admitted]
            if first is thing:
                entries[thing.id] = _entry(thing.id, now, partner, each, via)
                RECENT.add(each.text, each.event)
        outcome = await self._gathering.accept(Unit(tuple(wanted.values())), entries)
        return _told(outcome, [_key(partner, each) for each in admitted])

    def tell(self, partner: Partner, results: Sequence[Result | Admitted]) -> None:
        """Count what became of events; an admitted one was not accepted, since others of its batch were refused."""
        for outcome, count in Counter(_outcome(each) for each in results).items():
            self._meter.came(partner.id, outcome, count)

    async def accept_each(self, partner: Partner, judged: Sequence[Admitted | Refusal]) -> list[Result]:
        """Each by itself; what is refused already stays so. Raises Overloaded, Unavailable."""

        async def one(each: Admitted | Refusal) -> Result:
            return each if isinstance(each, Refusal) else (await self.accept(partner, [each]))[0]

        return list(await asyncio.gather(*map(one, judged)))


def _outcome(result: Result | Admitted) -> str:
    return result.status if isinstance(result, Taken) else "refused"


def _told(outcome: Outcome, keys: Sequence[str]) -> list[Result]:
    """One that stands twice in a request is a duplicate the second time."""
    seen: set[str] = set()
    results: list[Result] = []
    for key in keys:
        result = _result(outcome, key)
        results.append(Taken(result.id, "duplicate") if isinstance(result, Taken) and key in seen else result)
        seen.add(key)
    return results


def _result(outcome: Outcome, key: str) -> Result:
    if isinstance(outcome, Accepted):
        return Taken(*outcome.ids[key])
    event = outcome.key.partition(":")[2]
    if outcome.reason == "reused":
        detail = f"The id {event[:100]} belongs to another event of this partner"
        return Refusal(409, "event_id_reused", detail, event=event)
    detail = f"The event {event[:100]} is being accepted by another request"
    return Refusal(409, "in_flight", detail, event=event)


def _key(partner: Partner, admitted: Admitted) -> str:
    return f"{partner.id}:{admitted.event['id']}"


def _entry(hubid: str, at: datetime, partner: Partner, admitted: Admitted, via: Way) -> bytes:
    told = to_json({"hubid": hubid, "at": at, "partner": partner.id, "via": via})
    return admitted.keep.encode() + b"\n" + told.removesuffix(b"}") + b',"event":' + admitted.text
