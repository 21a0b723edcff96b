"""Whose a target is, before anything is shown or done."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

from fastapi import Path

from services.delivery.cases.looking import Looking, NotTold
from services.delivery.domain.target import KnownBus
from services.delivery.ports import Unopenable
from shared.contracts.buses import NAME
from shared.store.documents import After
from shared.store.repository import Stored
from shared.web.auth import Caller
from shared.web.problems import Problem, not_found, try_again

BusName = Annotated[str, Path(pattern=NAME, description="The bus.", examples=["fuel"])]
TargetName = Annotated[str, Path(pattern=NAME, description="The target.", examples=["coles-bi"])]
PATH = "/v1/hub/targets/{bus}/{target}"


async def own(looking: Looking, bus: str, caller: Caller, everything: str, target: str | None = None) -> KnownBus:
    """The bus, which has the target where one is named. Raises 404 where it is not the caller's."""
    known = await looking.bus(bus)
    if known is None or not await own_of(looking, [known], caller, everything):
        raise not_found("bus" if target is None else "target")
    if target is not None and target not in known.targets:
        raise not_found("target")
    return known


async def own_of(looking: Looking, buses: Sequence[KnownBus], caller: Caller, everything: str) -> Sequence[KnownBus]:
    """Those that are the caller's; all of them for whoever may see everything by that scope. Raises 503."""
    if everything in caller.scopes:
        return buses
    try:
        return await looking.own(caller.subject, buses)
    except NotTold as error:
        raise try_again("unavailable", "Whose clients a partner's are is not known here yet; try again") from error


async def own_listed(
    looking: Looking, caller: Caller, everything: str, after: After, limit: int
) -> list[Stored[KnownBus]]:
    """So many of the caller's, by their marks, that follow the place; all of them for whoever may see everything. The
    place of a page's last one is told by its cursor: so it is of them, too. Raises 503."""
    mine: list[Stored[KnownBus]] = []
    while len(mine) < limit:
        found = await looking.listed(after, limit)
        own = {bus.id for bus in await own_of(looking, [each.value for each in found], caller, everything)}
        mine += [each for each in found if each.value.id in own]
        if len(found) < limit:
            break
        after = found[-1].value.mark, found[-1].value.id
    return mine[:limit]


def only_webhooks(known: KnownBus, target: str) -> None:
    """Raises 409."""
    if known.targets[target].webhook is None:
        raise Problem(409, "no_webhook", "The target is no webhook")


@contextmanager
def openable() -> Iterator[None]:
    """Raises 503 where a webhook's keys cannot be opened: an operator has to give what they were sealed by."""
    try:
        yield
    except Unopenable as error:
        raise try_again("unopenable", "The webhook's keys cannot be opened: they were sealed by another key") from error
