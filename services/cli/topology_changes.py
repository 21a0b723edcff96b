"""What `milesaga topology apply` does: planned first, from how the broker stands, then carried out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from aiormq.abc import AbstractConnection
from faststream.rabbit import RabbitQueue

from services.house import HOUSE
from shared.bus.comparing import Found, NotRecreated, State, compare, recreate
from shared.bus.declaring import declare
from shared.bus.moving import Mover, NotMoved, one_at_a_time
from shared.bus.topology import Topology
from shared.runtime.description import queues

LIFT_LIMIT: Final = (
    "until then RabbitMQ 4 drops its letters after 20 deliveries unless a policy lifts the limit: "
    """rabbitmqctl set_policy milesaga-dead '[.]dead$' '{"delivery-limit": -1}' --apply-to quorum_queues"""
)
"""A policy can be set at any time, beside a running service."""


Allowed = Callable[["Change"], bool]
"""May what differs be made anew?"""


class Kind(Enum):
    """What is done about one thing that is not as described."""

    MAKE = "make it"
    MOVE = "make it anew, and bring its messages back"
    BRING_BACK = "bring back what an interrupted apply left aside"
    RECREATE = "make it anew, unless something is bound to it"


@dataclass(frozen=True)
class Change:
    """One thing to be done on the broker. `service` is whose queue it is; None of a delay tier and of an exchange."""

    kind: Kind
    found: Found
    service: str | None = None

    @property
    def name(self) -> str:
        return f"{self.found.kind} {self.found.item.name}"

    @property
    def act(self) -> str:
        """What would be done, whatever lies in it at the moment."""
        return f"{self.name}: {self.kind.value}"

    @property
    def takes_away(self) -> bool:
        """Is something unmade that is there?"""
        return self.kind in {Kind.MOVE, Kind.RECREATE}

    def __str__(self) -> str:
        is_so = "an apply was interrupted" if self.kind is Kind.BRING_BACK else self.found.state.value
        reason = f" ({self.found.reason})" if self.found.reason else ""
        what = f"{self.kind.value}: {self.found.messages} messages" if self.found.messages else self.kind.value
        while_stopped = f", while {self.service} is stopped" if self.kind is Kind.MOVE and self.service else ""
        return f"{self.name}: {is_so}{reason}; to do: {what}{while_stopped}"

    def told(self) -> dict[str, Any]:
        return {
            "kind": self.found.kind,
            "name": self.found.item.name,
            "state": self.found.state.value,
            "reason": self.found.reason,
            "to_do": self.kind.name.lower(),
            "messages": self.found.messages,
            "stopped_meanwhile": self.service if self.kind is Kind.MOVE else None,
        }


async def planned(connection: AbstractConnection, described: Topology) -> list[Change]:
    """What is to be done, in its order: delay tiers first, which hand on to the queues of the services."""
    mover = Mover(connection, described)
    found = [await _change(mover, each) for each in await compare(connection, described)]
    changes = [each for each in found if each is not None]
    return sorted(changes, key=lambda each: (each.kind is not Kind.MAKE, each.service is not None))


async def _change(mover: Mover, found: Found) -> Change | None:
    item = found.item
    if not isinstance(item, RabbitQueue):
        kind = {State.MISSING: Kind.MAKE, State.DIFFERS: Kind.RECREATE}.get(found.state)
        return Change(kind, found) if kind is not None else None
    aside = await mover.aside(item)
    kind = _about_a_queue(found, interrupted=aside is not None)
    if kind is None:
        return None
    there = Found(item, found.state, found.reason, found.messages + (aside or 0), found.consumers)
    return Change(kind, there, _service_of(item.name))


async def carried_out(
    connection: AbstractConnection, described: Topology, changes: Sequence[Change], allowed: Allowed
) -> list[str]:
    """A sentence for each change. What differs is changed where that is allowed."""
    await declare(connection, described)  # bindings too, which nobody can list
    if not changes:
        return []
    said = []
    hands = _Hands(connection, described, queues_were_missing=any(map(_is_missing_queue, changes)))
    async with one_at_a_time(connection, tuple(queues(HOUSE))):
        for change in changes:
            try:
                said.append(await hands.carry_out(change, yes=allowed(change)))
            except (NotMoved, NotRecreated) as error:
                hint = f"; {LIFT_LIMIT}" if change.found.worn_by_looks else ""
                said.append(f"{change.name}: differs ({change.found.reason}) and stays: {error}{hint}")
    return said


class _Hands:
    """Carries out one change after another."""

    def __init__(self, connection: AbstractConnection, described: Topology, *, queues_were_missing: bool) -> None:
        self._connection = connection
        self._described = described
        self._mover = Mover(connection, described)
        self._queues_were_missing = queues_were_missing

    async def carry_out(self, change: Change, *, yes: bool) -> str:
        """What was done, as a sentence. Raises NotMoved, NotRecreated."""
        item = change.found.item
        if change.kind is Kind.MAKE:
            return f"{change.name}: made"
        if change.kind is Kind.BRING_BACK and isinstance(item, RabbitQueue):
            return f"{change.name}: {await self._mover.bring_back(item, change.service)} messages brought back"
        if not yes:
            hint = f"; {LIFT_LIMIT}" if change.found.worn_by_looks else ""
            return f"{change}, by --yes{hint}"
        if not isinstance(item, RabbitQueue):
            await recreate(self._connection, self._described, item)
            return f"{change.name}: made anew"
        if change.service is None and self._queues_were_missing:
            raise NotMoved("queues were missing until now, and it may keep messages for them: try again in 5 minutes")
        return f"{change.name}: made anew, {await self._mover.move(item, change.service)} messages brought back"


def _is_missing_queue(change: Change) -> bool:
    return change.kind is Kind.MAKE and change.service is not None


def _about_a_queue(found: Found, *, interrupted: bool) -> Kind | None:
    if found.state is State.DIFFERS:
        return Kind.MOVE
    if interrupted:
        return Kind.BRING_BACK
    return Kind.MAKE if found.state is State.MISSING else None


def _service_of(queue: str) -> str | None:
    service = queue.partition(".")[0]
    return service if service in queues(HOUSE) else None
