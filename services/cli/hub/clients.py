"""`milesaga hub clients`: what several partners have that one may have, taken from one of them."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

from services.cli import printing
from services.cli.options import AsJson
from services.hub.cases.disputing import Disputed, Disputing, NotDisputed
from services.hub.service import SERVICE
from shared.bus.outbox import NotPublished, Outbox
from shared.contracts.messages import OutboxMessage
from shared.kernel.clock import SystemClock
from shared.kernel.ids import Uuid7Ids
from shared.runtime.host import STORES
from shared.runtime.settings import RuntimeSettings, WrongSettings, read
from shared.store import open_store
from shared.store.documents import Conflict, Unavailable


def clients(
    take: Annotated[
        str | None, typer.Option("--take", metavar="NAME", help="This client, or user of the broker, ..")
    ] = None,
    of: Annotated[str | None, typer.Option("--from", metavar="PARTNER", help=".. is this partner's no more.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show clients and users of the broker that several partners have, in the hub's store itself, on which the hub does
    not start; take one from a partner. Exit 1 while there are any."""
    if (take is None) != (of is None):
        raise typer.BadParameter("--take and --from go together")
    try:
        found = asyncio.run(_settled(read(RuntimeSettings), take, of))
    except WrongSettings as error:
        printing.complain(f"milesaga: {error}")
        raise typer.Exit(2) from error
    except NotDisputed as error:
        printing.complain(f"milesaga: {take!r} is not what {of} and another partner have")
        raise typer.Exit(1) from error
    except (Conflict, Unavailable) as error:
        printing.complain(f"milesaga: {error}")
        raise typer.Exit(1) from error
    if as_json:
        printing.tell({"disputed": {name: list(partners) for name, partners in found.items()}})
    elif not found:
        printing.say("Each client and each user of the broker is one partner's.")
    for name, partners in found.items() if not as_json else ():
        printing.say(printing.in_one_line(f"{name} is of {', '.join(partners)}"))
    raise typer.Exit(int(bool(found)))


async def _settled(settings: RuntimeSettings, take: str | None, of: str | None) -> Disputed:
    folder = settings.milesaga_home.absolute() / STORES
    opening = partial(open_store, SERVICE.name, folder, settings.mongodb_url, settings.mongodb_ca_file)
    clock = SystemClock()
    outbox = Outbox(f"milesaga/{SERVICE.name}", _Unsent(), clock, Uuid7Ids(clock))
    disputing = Disputing(opening, outbox, clock)
    if take is not None and of is not None:
        await disputing.take(take, of)
    return await disputing.disputed()


class _Unsent:
    """What is saved here waits for the hub, which sends it."""

    connected = False

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        raise NotPublished(f"{len(messages)} messages wait for the hub")
