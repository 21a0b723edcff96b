"""`milesaga topology`: exchanges, queues and bindings as described, beside those on the broker."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Final, TypeVar

import aiormq
import typer
from aiormq.abc import AbstractConnection
from faststream.rabbit import RabbitExchange, RabbitQueue
from rich.table import Column, Table

from services.cli import printing
from services.cli.administration import BrokerAdministration, NotAdministered
from services.cli.broker_node import BrokerError, PrivateBroker
from services.cli.dead import reported, stack_broker
from services.cli.options import AsJson
from services.cli.release import wishes
from services.cli.release.access import Person
from services.cli.release.agreed import Consent, Reason
from services.cli.topology_agreed import Allowed, agreed_changes
from services.cli.topology_bindings import LeftBinding, left_over, without
from services.cli.topology_changes import Change, carried_out, planned
from services.cli.users import BrokerUsers
from services.house import HOUSE
from shared.bus.comparing import Found, State, compare
from shared.bus.installation import InUse, release
from shared.bus.partners import WrongPartners
from shared.bus.topology import Binding, Topology, topology
from shared.runtime.description import queues
from shared.runtime.settings import RuntimeSettings, read

T = TypeVar("T")
Work = Callable[[AbstractConnection, Topology], Awaitable[T]]

OWN: Final = frozenset((each.name, exchange) for each in HOUSE for exchange in each.listens)
"""Queues and exchanges between which services bind by themselves."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Exchanges, queues, bindings: show them, bring the broker into line, or take it over from another stack.",
)

CONNECT_SECONDS = 10.0
NOTHING_TO_DO = "Nothing to do: the broker has what is described."


@app.command("show")
def show(as_json: AsJson = False) -> None:
    """Show the described topology and how it stands on the broker; nothing is changed. Exit 1 when they differ."""
    described, found = _on_broker(_compared)
    if as_json:
        printing.tell(_as_json(described, found))
    else:
        _print(described, found)
    raise typer.Exit(int(any(each.state is not State.PRESENT for each in found)))


@app.command("plan")
def plan(as_json: AsJson = False) -> None:
    """Tell what is missing, what differs, what is left over, and what `apply --yes` would do. Exit 1 when there is
    something to do."""

    async def work(connection: AbstractConnection, described: Topology) -> tuple[list[Change], list[LeftBinding]]:
        return await planned(connection, described), await left_over(connection, described, listed, OWN)

    listed, unseen = _bindings()
    changes, left = _on_broker(work)
    todo: list[Change | LeftBinding] = [*changes, *left]
    if as_json:
        printing.tell({"changes": [each.told() for each in todo], "bindings_unseen": unseen})
    else:
        printing.say("\n".join([*(map(str, todo) if todo else [NOTHING_TO_DO]), *_told(unseen)]))
    raise typer.Exit(int(bool(todo)))


@app.command("apply")
def apply(
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Also make anew what differs, with the messages in it, and unbind leftovers.")
    ] = False,
    reason: Reason = None,
    key: wishes.Key = None,
    patience: wishes.Patience = wishes.PATIENCE,
    reach: wishes.Reach = wishes.REACH,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Make what is missing. What differs is told, and with --yes made anew without losing a message; bindings that are
    left over from an older release are told, and with --yes removed: where acts are gated others must have agreed."""

    def work(allowed: Allowed) -> Work[tuple[Topology, list[Found], list[str]]]:
        async def carry_out(
            connection: AbstractConnection, described: Topology
        ) -> tuple[Topology, list[Found], list[str]]:
            changes = await planned(connection, described)
            said = await carried_out(connection, described, changes, allowed)
            left = await left_over(connection, described, listed, OWN)  # by now whatever takes their place is bound
            said += [await without(connection, each) if allowed(each) else f"{each}, by --yes" for each in left]
            return described, await compare(connection, described), said

        return carry_out

    async def wanted(connection: AbstractConnection, described: Topology) -> list[Change | LeftBinding]:
        return [*await planned(connection, described), *await left_over(connection, described, listed, OWN)]

    listed, unseen = _bindings()
    consent = Consent(reason, key, patience, reach, person)
    with agreed_changes(consent, lambda: _on_broker(wanted), yes=yes) as allowed:
        described, found, said = _on_broker(work(allowed))
    users = _users()
    if as_json:
        printing.tell({**_as_json(described, found), "done": said, "users": users, "bindings_unseen": unseen})
    else:
        printing.say("\n".join([*(said or [NOTHING_TO_DO]), *_told(unseen), *users]))
    raise typer.Exit(int(any(each.state is not State.PRESENT for each in found)))


@app.command("adopt")
def adopt(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let the stack that starts next have the queues, with what is in them, whatever stack had them before: for new
    stores beside an old broker. Refused while anybody consumes them."""
    settings = read(RuntimeSettings)

    async def work(connection: AbstractConnection, _: Topology) -> None:
        await release(connection, queues(HOUSE))

    with _node_of(settings):
        if not yes:
            typer.confirm("Messages of other stores may lie in the queues. Give them to the next stack?", abort=True)
        try:
            _on_broker(work)
        except InUse as error:
            printing.complain(f"milesaga: {error}")
            raise typer.Exit(1) from error
    done = "the queues belong to the stack that starts next"
    printing.tell({"done": done}, indent=None) if as_json else printing.say(done)


@contextmanager
def _node_of(settings: RuntimeSettings) -> Iterator[None]:
    """A private node runs as long as its stack, and the stack that may not have its queues does not run."""
    broker = PrivateBroker(settings.milesaga_home)
    if settings.broker_url is not None or not broker.folder.is_dir():
        yield
        return
    try:
        broker.start()
    except BrokerError as error:
        printing.complain(f"milesaga: {error}")
        raise typer.Exit(1) from error
    try:
        yield
    finally:
        broker.stop()


def _bindings() -> tuple[list[Binding], str]:
    """The broker's bindings, else why they are not seen: AMQP lists none, and not every broker has an API for them."""
    with reported():
        stack_broker(read(RuntimeSettings))
        try:
            administration = BrokerAdministration(read(RuntimeSettings))
            administration.must_answer()
            return administration.bindings(), ""
        except NotAdministered as error:
            return [], str(error)
    raise typer.Exit(1)


def _told(unseen: str) -> list[str]:
    return [f"bindings that are left over: not looked for: {unseen}"] if unseen else []


def _users() -> list[str]:
    """What became of the broker's users. Not every broker has an API for them, and a lone stack needs none."""
    with reported():
        users = BrokerUsers(read(RuntimeSettings))
        try:
            return [f"user {name}: as described" for name in users.apply()]
        except (NotAdministered, WrongPartners) as error:
            if users.asked_for:
                printing.complain(f"milesaga: {error}")
                raise typer.Exit(1) from error
            return [f"users: not made: {error}"]
    raise typer.Exit(1)


async def _compared(connection: AbstractConnection, described: Topology) -> tuple[Topology, list[Found]]:
    return described, await compare(connection, described)


def _on_broker(work: Work[T]) -> T:
    with reported():
        return asyncio.run(_connected(stack_broker(read(RuntimeSettings)), work))
    raise typer.Exit(1)


async def _connected(url: str, work: Work[T]) -> T:
    async with asyncio.timeout(CONNECT_SECONDS):
        connection = await aiormq.connect(url)
    try:
        version = str(connection.server_properties.get("version", "3"))
        return await work(connection, topology(queues(HOUSE), broker_major=int(version.split(".", 1)[0])))
    finally:
        await connection.close()


def _as_json(described: Topology, found: Sequence[Found]) -> dict[str, Any]:
    things = [
        {
            "kind": each.kind,
            "name": each.item.name,
            "type": _kind(each.item),
            "arguments": dict(each.item.arguments or {}),
            "state": each.state.value,
            "reason": each.reason,
            **({"messages": each.messages, "consumers": each.consumers} if each.kind == "queue" else {}),
        }
        for each in found
    ]
    bindings = [vars(binding) for binding in described.bindings]
    return {"exchanges_and_queues": things, "bindings": bindings}


def _kind(item: RabbitExchange | RabbitQueue) -> str:
    return item.type.value if isinstance(item, RabbitExchange) else "quorum"


def _print(described: Topology, found: Sequence[Found]) -> None:
    """Arguments are left to --json: six lines a queue say little to people."""
    bound: dict[str, list[str]] = {}
    for binding in described.bindings:
        bound.setdefault(binding.queue, []).append(f"{binding.exchange} {binding.pattern}".strip())
    table = Table("kind", Column("name", no_wrap=True), "type", "bound to", "messages", "consumers", "state")
    for each in found:
        counts = (str(each.messages), str(each.consumers)) if each.kind == "queue" else ("", "")
        bindings = "\n".join(bound.get(each.item.name, [])) if each.kind == "queue" else ""
        state = f"{each.state.value}\n{each.reason}".strip()
        table.add_row(each.kind, each.item.name, _kind(each.item), bindings, *counts, state)
    printing.console().print(table)
