"""Whoever asks an archive for replays."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from shared.contracts.archive import ArchivedEvent
from shared.contracts.copies import Copy
from shared.contracts.messages import OutboxMessage
from tests.component.archive.vault import HubInMind, Json, Vault
from tests.kit.clock import HandClock

REPLAYS = "/v1/hub/replays"


class Desk:
    """Asks one replica for replays of what a test has kept."""

    def __init__(self, vault: Vault, hub: HubInMind, clock: HandClock) -> None:
        self.vault, self.hub, self.clock = vault, hub, clock
        self.start = clock.now()
        self.queue = "target.fuel.bi"

    async def kept(self, *totals: int) -> Sequence[ArchivedEvent]:
        """A second after the other."""
        events: list[ArchivedEvent] = []
        for total in totals:
            events += await self.vault.keep(self.vault.event(total=total))
            self.clock.pass_by(seconds=1)
        self.clock.pass_by(minutes=1)
        return events

    def body(self, **more: Any) -> Json:
        end = self.clock.now() - timedelta(seconds=30)
        told = {"name": "again", "from": self.start.isoformat(), "to": end.isoformat(), "targets": ["fuel/bi"]}
        return {**told, "rate": 5_000, **more}

    async def make(self, **more: Any) -> Json:
        answer = await self.vault.ask("POST", REPLAYS, self.body(**more))
        assert answer.status_code == 202, answer.text
        shown: Json = answer.json()
        return shown

    async def patch(self, id_: str, **wanted: Any) -> Json:
        answer = await self.vault.ask("PATCH", f"{REPLAYS}/{id_}", wanted, headers={"If-Match": "*"})
        assert answer.status_code == 200, answer.text
        shown: Json = answer.json()
        return shown

    async def shown(self, id_: str) -> Json:
        return await self.vault.get(f"{REPLAYS}/{id_}")

    async def work(self) -> None:
        """Take up what is due, and go on until nothing is left to do."""
        await self.vault.once("replays")
        await self.vault.settled()

    async def replayed(self, **more: Any) -> Json:
        made = await self.make(**more)
        await self.work()
        return await self.shown(made["id"])

    def fill(self, waiting: int, queue: str = "") -> None:
        """So many messages wait in the target's queue, which nobody reads."""
        queue = queue or self.queue
        self.vault.runtime.standing.made.add(queue)
        self.vault.runtime.standing.waiting[queue] = waiting

    def sent(self) -> list[Copy]:
        entries = self.vault.runtime.recorder.entries
        return [Copy.of(each.headers, each.body) for each in entries if each.exchange == ""]


def let_queues_grow(vault: Vault) -> None:
    """What is published into a queue of which a test said how much waits there waits there too."""
    recorder, waiting = vault.runtime.recorder, vault.runtime.standing.waiting
    publish = recorder.publish

    async def published(messages: Sequence[OutboxMessage]) -> None:
        await publish(messages)
        for each in messages:
            if each.routing_key in waiting:
                waiting[each.routing_key] += 1

    recorder.publish = published  # type: ignore[method-assign]
