"""`milesaga dead`: messages that no service could handle, read and settled on the broker itself."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

import typer
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import ChannelAccessRefused
from rich.table import Table

from services.cli import printing
from services.cli.absence import NO_STACK, not_its_own, nothing_at
from services.cli.dead_agreed import ALL, agreed_letters, single_letter
from services.cli.dead_shown import body, summary, table, whose
from services.cli.options import AsJson
from services.cli.release import wishes
from services.cli.release.access import Person
from services.cli.release.agreed import Consent, Reason
from services.house import HOUSE
from shared.bus.dead_letters import DISCARD, RETRY_ALL, Choice, DeadLetter, DeadLetters
from shared.runtime.addresses import broker_url
from shared.runtime.description import queues
from shared.runtime.home import Home
from shared.runtime.settings import RuntimeSettings, WrongSettings, read

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Dead letters: list, show, retry or discard them.")

OneService = Annotated[str | None, typer.Option("--service", help="Only this service's letters.")]
LetterId = Annotated[
    str, typer.Argument(metavar="ID", help="A letter's handle, as `milesaga dead list` shows it, or its id.")
]

SHOWN: Final = 1000
"""Letters listed of each service unless more are asked for: reading them takes them out for that moment."""


@app.command("list")
def list_letters(
    service: OneService = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many of each service.")] = SHOWN,
    as_json: AsJson = False,
) -> None:
    """List the letters, and how many there are of each fault."""

    async def work(dead: DeadLetters) -> list[DeadLetter]:
        return [letter for name in _services(dead, service) for letter in await dead.letters(name, limit)]

    letters = _on_broker(work)
    faults = Counter((letter.service, letter.fingerprint or letter.reason) for letter in letters)
    if as_json:
        counts = [{"service": each[0], "fingerprint": each[1], "count": count} for each, count in faults.most_common()]
        printing.tell({"letters": [summary(letter) for letter in letters], "faults": counts})
        return
    out = printing.console()
    out.print(table(letters, datetime.now(UTC)))
    if letters:
        counted = Table("service", "fault", "letters")
        for (name, fault), count in faults.most_common():
            counted.add_row(name, fault, str(count))
        out.print(counted)


@app.command("show")
def show_letter(letter_id: LetterId, service: OneService = None, as_json: AsJson = False) -> None:
    """Show one letter. Personal fields are hidden; the body of what is none of our messages is not shown at all."""

    async def work(dead: DeadLetters) -> list[DeadLetter]:
        return await _named(dead, service, letter_id)

    letters = _on_broker(work)
    if not letters:
        raise _unknown(letter_id)
    shown = [{**summary(letter), **whose(letter), "body": body(letter)} for letter in letters]
    if as_json:
        printing.tell({"letters": shown})
        return
    for fields in shown:
        lines = Table(show_header=False)
        for name, value in fields.items():
            lines.add_row(name, value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))
        printing.console().print(lines)


@app.command("retry")
def retry_letters(
    letter_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="A letter's handle or id.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="All letters, of one service or of every one.")] = False,
    service: OneService = None,
    reason: Reason = None,
    key: wishes.Key = None,
    patience: wishes.Patience = wishes.PATIENCE,
    reach: wishes.Reach = wishes.REACH,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Send letters back to the queue of their service, as if they had never failed. Where acts are gated others must
    have agreed to `--all`, of the letters that lie there now, and to one letter after ten of its service in an hour."""
    if (letter_id is None) != every:
        raise typer.BadParameter("name one letter, or give --all.")
    heads: list[DeadLetter] = []

    def retried(allowed: Choice) -> int:
        async def work(dead: DeadLetters) -> int:
            count = await _settled(dead, dead.retry, service, letter_id, allowed)
            heads.extend(dead.heads)
            return count

        return _on_broker(work)

    consent = Consent(reason, key, patience, reach, person)
    with (
        agreed_letters(RETRY_ALL, service or ALL, consent, lambda: _letters(service))
        if every
        else single_letter(RETRY_ALL, consent, lambda: _letters(service, letter_id))
    ) as allowed:
        count = retried(allowed)
    for letter in heads:
        printing.complain(
            f"milesaga: letter {letter.handle} of {letter.service} stays: of its body only the head can be read, "
            "so it cannot be sent again as it was; tell its sender, then discard it"
        )
    if letter_id is not None and not count and not heads:
        raise _unknown(letter_id)
    printing.tell({"retried": count}, indent=None) if as_json else printing.say(f"{count} sent back to work")
    raise typer.Exit(int(bool(heads)))


@app.command("discard")
def discard_letter(
    letter_id: LetterId,
    *,
    service: OneService = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    reason: Reason = None,
    key: wishes.Key = None,
    patience: wishes.Patience = wishes.PATIENCE,
    reach: wishes.Reach = wishes.REACH,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Remove a letter for good. Where acts are gated others must have agreed to it."""
    if not yes:
        typer.confirm(f"Remove {letter_id} for good?", abort=True)
    consent = Consent(reason, key, patience, reach, person)
    with agreed_letters(DISCARD, None, consent, lambda: _letters(service, letter_id)) as allowed:
        count = _on_broker(lambda dead: _settled(dead, dead.discard, service, letter_id, allowed))
    if not count:
        raise _unknown(letter_id)
    printing.tell({"discarded": count}, indent=None) if as_json else printing.say(f"{letter_id} is discarded")


async def _named(dead: DeadLetters, service: str | None, name: str) -> list[DeadLetter]:
    """The letters with this handle, else those with this id."""
    letters = [letter for each in _services(dead, service) for letter in await dead.letters(each)]
    return [each for each in letters if each.handle == name] or [each for each in letters if each.id == name]


async def _meant(dead: DeadLetters, service: str | None, name: str | None) -> list[DeadLetter]:
    """Every letter, or the one named. An id that several letters have names none of them."""
    if name is None:
        return [letter for each in _services(dead, service) for letter in await dead.letters(each)]
    found = await _named(dead, service, name)
    if len(handles := {letter.handle for letter in found}) > 1:
        listed = ", ".join(sorted(handles))
        printing.complain(f"milesaga: {len(handles)} letters have the id {name}: name one by its handle: {listed}")
        raise typer.Exit(1)
    return found


def _letters(service: str | None, name: str | None = None) -> list[DeadLetter]:
    return _on_broker(lambda dead: _meant(dead, service, name))


async def _settled(
    dead: DeadLetters,
    settle: Callable[[str, Choice], Awaitable[int]],
    service: str | None,
    name: str | None,
    allowed: Choice,
) -> int:
    """Settle every letter, or the one named, as far as it is allowed; how many."""
    handles = None if name is None else {letter.handle for letter in await _meant(dead, service, name)}

    def chosen(letter: DeadLetter) -> bool:
        return (handles is None or letter.handle in handles) and allowed(letter)

    return sum([await settle(each, chosen) for each in _services(dead, service)])


def _services(dead: DeadLetters, service: str | None) -> tuple[str, ...]:
    if service is None:
        return dead.services
    if service not in dead.services:
        raise typer.BadParameter(f"{service!r} has no queue; known are {', '.join(dead.services)}.")
    return (service,)


def _on_broker(work: Callable[[DeadLetters], Awaitable[T]]) -> T:
    with reported():
        settings = read(RuntimeSettings)
        return asyncio.run(_connected(stack_broker(settings), work))
    raise typer.Exit(1)


async def _connected(url: str, work: Callable[[DeadLetters], Awaitable[T]]) -> T:
    async with DeadLetters(url, queues(HOUSE)) as dead:
        done = await work(dead)
    for service in sorted(dead.in_other_hands):
        printing.complain(f"milesaga: another reader has letters of {service} in hand: they are not among these")
    return done


def stack_broker(settings: RuntimeSettings) -> str:
    """The broker that is set, or that of the stack that runs. Raises `typer.Exit` where there is neither."""
    home = Home(settings.milesaga_home)
    try:
        return broker_url(settings, home)
    except WrongSettings as error:
        printing.complain(nothing_at(str(home.path)))
        raise typer.Exit(NO_STACK) from error


@contextmanager
def reported() -> Iterator[None]:
    """Turn what the settings or the broker refuse into one sentence and a non-zero exit."""
    logging.getLogger().addHandler(logging.NullHandler())  # the driver's own words would be a second sentence
    try:
        yield
    except WrongSettings as error:
        printing.complain(f"milesaga: {error}")
        raise typer.Exit(2) from error
    except ConnectionError as error:
        printing.complain(nothing_at("the broker"))
        raise typer.Exit(NO_STACK) from error
    except ChannelAccessRefused as error:
        printing.complain(not_its_own())
        raise typer.Exit(1) from error
    except (AMQPError, OSError, TimeoutError) as error:
        printing.complain(f"milesaga: the broker did not do what was asked ({type(error).__name__})")
        raise typer.Exit(1) from error


def _unknown(letter_id: str) -> typer.Exit:
    printing.complain(f"milesaga: there is no dead letter {letter_id}")
    return typer.Exit(1)
