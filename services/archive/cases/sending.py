"""The copies of a replay are sent, from its cursor on, as its document says."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.archive.cases.courtesy import Courtesy
from services.archive.cases.pacing import FULL, Pace, take
from services.archive.cases.reading import Reading, Span
from services.archive.cases.replaying import Replaying
from services.archive.domain.jobs import Lost
from services.archive.domain.lanes import Given
from services.archive.domain.replay import STOPS, Replay, Sent, advanced, ended
from services.archive.domain.selecting import Chosen, Selection
from shared.bus.outbox import Publisher, Unroutable
from shared.bus.standing import StandingQueues
from shared.contracts.archive import ArchivedEvent
from shared.contracts.copies import dead_target_queue, target_queue
from shared.contracts.hubids import least_of
from shared.kernel.clock import Clock, running_seconds
from shared.segments.lines import Line
from shared.segments.merging import once

CHUNK: Final = 100
"""Events that are read and matched at a time, in a thread."""
SAVES: Final = 1.0
"""Seconds between two notes of how far it is: what a crash repeats, at most."""
LOOKS: Final = 0.25
"""Seconds between two looks for what is asked of it."""
PAUSE: Final = 0.05
ASKS: Final = 10.0
"""Seconds between two questions whether a target that holds it up is still there."""
DEAD: Final = dead_target_queue("", "").removeprefix(target_queue("", ""))
"""Ends the names of queues of dead letters."""


@dataclass
class Sender:
    """What reads and sends, of one replica. `copies` were sent by this process, over all replays."""

    replaying: Replaying
    reading: Reading
    publisher: Publisher
    queues: StandingQueues
    clock: Clock
    holder: str
    courtesy: Courtesy
    copies: int = 0

    async def chosen(self, replay: Replay, selection: Selection) -> Iterator[Chosen]:
        """What is left of it, in the order of acceptance. Whoever goes on with the iterator blocks."""
        span = Span(max(least_of(replay.start), replay.cursor), least_of(replay.end))
        lines = await self.reading.lines(span, selection.may_be_in)

        def events() -> Iterator[Chosen]:
            line: Line
            given: Given = replay.given
            for line in once(lines):
                if line.id != replay.cursor:
                    chosen = selection.of(ArchivedEvent.model_validate_json(line.text), self.clock.now(), given)
                    given = chosen.given
                    yield chosen

        return events()

    async def room(self, queues: Sequence[str]) -> dict[str, int]:
        """How many messages they take before they hold too many. Dead letters hold up nothing, and a queue that is not
        there is made when it is missed. Raises BrokerAway."""
        found = await self.queues.standing([queue for queue in queues if not queue.endswith(DEAD)])
        known = {queue: max(0, FULL - depth.messages) for queue, depth in found.items()}
        return {queue: known.get(queue, FULL) for queue in queues}

    async def publish(self, batch: Sequence[Chosen], replay: Replay) -> None:
        """Return when all are confirmed. A queue that somebody deleted is made again, where its target is still there.
        Raises NotPublished, BrokerAway, and what `Replaying.buses` raises."""
        messages = [message for each in batch for _, message in each.messages]
        try:
            await self.publisher.publish(messages)
        except Unroutable:
            await self.replaying.buses(replay.targets, replay.owner)
            targets = dict.fromkeys(target for each in batch for target, _ in each.messages)
            parted = [each.partition("/") for each in targets]
            await self.queues.make_targets([(bus, name) for bus, _, name in parted])
            await self.publisher.publish(messages)
        self.copies += len(messages)


class Run:
    """One replay, while this replica holds it. All before the cursor was confirmed by the broker."""

    def __init__(self, sender: Sender, replay: Replay, selection: Selection) -> None:
        self._sender = sender
        self._replay = replay
        self._selection = selection
        self._pace = Pace()
        self._courtesy = sender.courtesy
        self._rooms: dict[str, int] = {}
        self._cursor = replay.cursor
        self._given: Given = replay.given
        self._copies = self._broken = 0
        self._waits_for, self._waits_since = replay.waits_for, replay.waits_since
        self._saved = self._looked = self._asked = running_seconds()

    async def go_on(self) -> None:
        """Until it is done. Raises Lost where it is not to go on, and what reading and sending raise."""
        found = await self._sender.chosen(self._replay, self._selection)
        pending: deque[Chosen] = deque()
        while True:
            await self._obey()
            if not pending:
                pending.extend(await self._sender.reading.threads.at_leisure(found, CHUNK))
            if not pending:
                break
            batch = await self._next(pending)
            if not batch:
                await asyncio.sleep(PAUSE)
                continue
            began = running_seconds()
            if sends := any(each.messages for each in batch):
                await self._sender.publish(batch, self._replay)
            sending = running_seconds() - began
            self._note(batch)  # before the rest: whoever is stopped in it has sent them
            if sends:
                await asyncio.sleep(self._courtesy.rest(sending=sending))
        await self._change(self._done)

    async def stop(self) -> None:
        """Note how far it came: the process ends. Raises Lost."""
        await self._change(self._progress)

    async def _next(self, pending: deque[Chosen]) -> list[Chosen]:
        """What may be sent now; nothing, where it is to wait."""
        room = min(self._pace.room(self._replay.rate), self._courtesy.most)
        batch = take(pending, room, self._rooms)
        if not batch and room > 0:
            queues = dict.fromkeys(message.routing_key for each in pending for _, message in each.messages)
            self._rooms = await self._sender.room(list(queues))
            batch = take(pending, room, self._rooms)
            await self._held_up(pending if not batch else ())
        return batch

    async def _held_up(self, pending: Iterable[Chosen]) -> None:
        """Note which target has no room for what comes next, where one has none. It may have been taken away since, so
        that nobody empties its queue. Raises what `Replaying.buses` raises."""
        full = (
            target
            for each in pending
            for target, message in each.messages
            if self._rooms.get(message.routing_key, 0) <= 0
        )
        target = next(full, "")
        if target != self._waits_for:
            self._waits_for, self._waits_since = target, self._sender.clock.now() if target else None
        if target and running_seconds() - self._asked >= ASKS:
            self._asked = running_seconds()
            await self._sender.replaying.buses(self._replay.targets, self._replay.owner)

    def _note(self, batch: Sequence[Chosen]) -> None:
        for each in batch:
            self._copies += len(each.messages)
            self._broken += each.broken
            for _, message in each.messages:
                self._rooms[message.routing_key] = self._rooms.get(message.routing_key, 0) - 1
            self._pace.spend(len(each.messages))
        self._cursor, self._given = batch[-1].event.hubid, batch[-1].given
        self._waits_for, self._waits_since = "", None

    async def _obey(self) -> None:
        """Save now and then, look more often; stop where that is asked, or where nothing could be saved for long."""
        now = running_seconds()
        if now - self._saved >= SAVES:
            await self._change(self._progress)
        elif now - self._looked >= LOOKS:
            self._looked = now
            stored = await self._sender.replaying.replays.load(self._replay.id)
            if stored is None:
                raise Lost
            if stored.value.state != "running" or stored.value.holder != self._sender.holder:
                await self._change(self._progress)
            self._replay = stored.value
        if running_seconds() - self._saved > STOPS:
            raise Lost

    async def _change(self, edit: Callable[[Replay], Replay]) -> None:
        begun = running_seconds()
        stored = await self._sender.replaying.change(self._replay.id, edit)
        self._saved = self._looked = begun
        self._copies = self._broken = 0
        self._replay = stored.value
        if self._replay.state != "running":
            raise Lost

    def _progress(self, replay: Replay) -> Replay:
        now = self._sender.clock.now()
        waits = self._waits_for, self._waits_since
        sent = Sent(self._cursor, self._given, self._copies, self._broken, *waits)
        return advanced(replay, self._sender.holder, now, sent)

    def _done(self, replay: Replay) -> Replay:
        after = self._progress(replay)
        return ended(after, self._sender.holder, "done", self._sender.clock.now()) if after.holder else after
