"""`milesaga status`: one screen that says how the whole stands. Only reads."""

import asyncio
import logging
import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import aiormq
import typer
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import ChannelAccessRefused
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table

from services.cli import printing, view
from services.cli.absence import NO_STACK, not_its_own, nothing_at
from services.cli.client import Api, ApiError, Json, base_url, operator
from services.cli.options import AsJson
from services.cli.printing import styled
from services.house import HOUSE
from shared.bus.dead_letters import DeadLetter, DeadLetters
from shared.bus.measuring import Depth, depths
from shared.bus.topology import dead_queue, suspect_queue
from shared.runtime.addresses import broker_url
from shared.runtime.description import Description, queues
from shared.runtime.home import Home
from shared.runtime.settings import RuntimeSettings, WrongSettings, read

SUMMARY: Final = "/v1/operations/summary"
WITHIN: Final = 5.0
"""Seconds for the broker, and for each question to the API."""
PAUSE: Final = 2.0
LETTERS: Final = 100
"""Dead letters read of each service: enough to tell its faults."""
NOT_THERE: Final = frozenset({404, 502, 503, 504})


def status(
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Again every two seconds, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show services, broker, queues, purchases by status and dead letters by fault, with the oldest of each."""
    logging.getLogger().addHandler(logging.NullHandler())  # the drivers' own words would be in the way
    try:
        settings = read(RuntimeSettings)
        if not watch:
            _tell(look(settings), as_json=as_json)
        elif as_json:
            while True:
                printing.tell(look(settings), indent=None)
                time.sleep(PAUSE)
        else:
            _watch(settings)
    except WrongSettings as error:
        printing.complain(f"milesaga: {error}")
        raise typer.Exit(2) from error
    except ApiError as error:
        printing.complain(str(error))
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def look(settings: RuntimeSettings) -> Json:
    """How everything stands now. Raises `typer.Exit` where there is neither an API nor a broker."""
    api, broker = _api(), asyncio.run(_broker(settings))
    if api is None and broker is None:
        printing.complain(nothing_at(_place(settings)))
        raise typer.Exit(NO_STACK)
    waiting: dict[str, Depth] = broker["depths"] if broker else {}
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "api": {"ready": False} if api is None else api["ready"],
        "broker": {"here": broker is not None, "version": broker["version"] if broker else None},
        "services": [_service(each, waiting, api) for each in HOUSE],
        "purchases": api["purchases"] if api else [],
        "dead": broker["dead"] if broker else [],
    }


def _place(settings: RuntimeSettings) -> str:
    try:
        return base_url()
    except ApiError:
        return str(settings.milesaga_home)


def _api() -> Json | None:
    """What the API tells, None where nobody answers."""
    try:
        url = base_url()
        with Api(url) as anybody:
            try:
                ready = {"url": url, "ready": True, **anybody.get("/readyz")}
            except ApiError as error:
                if not error.problem:
                    return None
                ready = {"url": url, "ready": False, "detail": str(error)}
            answers = {each.name: _answers(anybody, each) for each in HOUSE if not each.bindings}
    except ApiError:
        return None
    with operator() as api:
        return {"ready": ready, "answers": answers, "purchases": api.get(SUMMARY)["statuses"]}


def _answers(api: Api, service: Description) -> bool:
    """Does somebody answer its paths? Without a token that is a refusal, which is as good."""
    try:
        api.get(service.answers_at or service.public[0])
    except ApiError as error:
        return error.status not in NOT_THERE and error.status != 0
    return True


async def _broker(settings: RuntimeSettings) -> dict[str, Any] | None:
    """What the broker tells, None where there is none or it does not answer."""
    try:
        async with asyncio.timeout(WITHIN):
            url = broker_url(settings, Home(settings.milesaga_home))
            connection = await aiormq.connect(url)
            try:
                names = [name for each in queues(HOUSE) for name in (each, suspect_queue(each), dead_queue(each))]
                waiting = await depths(connection, names)
                version = str(connection.server_properties.get("version", ""))
            finally:
                await connection.close()
        return {"depths": waiting, "version": version, "dead": await _faults(url, waiting)}
    except ChannelAccessRefused as error:
        printing.complain(not_its_own())
        raise typer.Exit(1) from error
    except (WrongSettings, AMQPError, OSError, TimeoutError):
        return None


async def _faults(url: str, waiting: dict[str, Depth]) -> list[Json]:
    """The dead letters by service and fault, the most numerous first."""
    letters: list[DeadLetter] = []
    stricken = [each for each in queues(HOUSE) if waiting.get(dead_queue(each), Depth(0, 0)).messages]
    if stricken:
        async with DeadLetters(url, queues(HOUSE)) as dead:
            letters = [letter for each in stricken for letter in await dead.letters(each, LETTERS)]
    by_fault: dict[tuple[str, str], list[DeadLetter]] = defaultdict(list)
    for letter in letters:
        by_fault[letter.service, letter.fingerprint or letter.reason].append(letter)
    return [
        {"service": service, "fault": fault, "count": len(them), "oldest_at": _oldest(them)}
        for (service, fault), them in sorted(by_fault.items(), key=lambda item: -len(item[1]))
    ]


def _oldest(letters: list[DeadLetter]) -> str | None:
    times = [each.first_failed_at for each in letters if each.first_failed_at]
    return min(times).isoformat() if times else None


def _service(service: Description, waiting: dict[str, Depth], api: Json | None) -> Json:
    """A service with a queue runs where somebody consumes it; one without, where its paths are answered."""
    none = Depth(0, 0)
    queue = waiting.get(service.name, none)
    return {
        "name": service.name,
        "runs": queue.consumers > 0 if service.bindings else bool(api and api["answers"].get(service.name)),
        "processes": queue.consumers if service.bindings else None,
        "waiting": queue.messages,
        "suspects": waiting.get(suspect_queue(service.name), none).messages,
        "dead": waiting.get(dead_queue(service.name), none).messages,
    }


def _tell(seen: Json, *, as_json: bool) -> None:
    if as_json:
        printing.tell(seen)
    else:
        printing.console().print(_screen(seen))


def _watch(settings: RuntimeSettings) -> None:
    with Live(console=printing.console(), screen=True, auto_refresh=False) as screen:
        while True:
            screen.update(_screen(look(settings)), refresh=True)
            time.sleep(PAUSE)


def _screen(seen: Json) -> RenderableType:
    return Group(_head(seen), _services(seen), _purchases(seen), _dead(seen))


def _head(seen: Json) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1))
    api, broker = seen["api"], seen["broker"]
    away = [name for name, said in api.items() if said == "away"]
    told = api.get("detail") or (f"ready, without {', '.join(away)}" if away else "ready")
    table.add_row("api", api.get("url", ""), _good(told, well=api["ready"] and not away) if api.get("url") else _gone())
    told = f"RabbitMQ {broker['version']}"
    table.add_row("broker", "", _good(told, well=True) if broker["here"] else _gone())
    table.add_row("at", "", view.moment(seen["at"]))
    return table


def _services(seen: Json) -> Table:
    table = Table("service", "", "consumers", "waiting", "suspects", "dead letters")
    for each in seen["services"]:
        stands = _good("runs", well=True) if each["runs"] else _gone()
        counts = (each["processes"], each["waiting"], each["suspects"], each["dead"])
        shown = [styled(str(count), "bold red" if count and place > 1 else "") for place, count in enumerate(counts)]
        table.add_row(each["name"], stands, "" if counts[0] is None else shown[0], *shown[1:])
    return table


def _purchases(seen: Json) -> Table:
    table = Table("purchases", "how many", "oldest")
    for each in seen["purchases"]:
        count = f"{each['count']}{' or more' if each['more'] else ''}"
        table.add_row(view.status(each["status"]), count, view.moment(each["oldest_at"]))
    return table


def _dead(seen: Json) -> RenderableType:
    if not seen["dead"]:
        return styled("no dead letters")
    table = Table("dead letters of", "fault", "how many", "oldest")
    for each in seen["dead"]:
        table.add_row(each["service"], each["fault"], str(each["count"]), view.moment(each["oldest_at"]))
    return table


def _good(text: str, *, well: bool) -> Any:
    return styled(text, "green" if well else "bold yellow")


def _gone() -> Any:
    return styled("away", "bold red")
