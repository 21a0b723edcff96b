"""`milesaga hub feed`: the events of a `feed` target, from a cursor that a file keeps."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from services.cli import printing, view
from services.cli.client import Api, ApiError, Json, named, operator, reported, segment
from services.cli.hub.archived import SINCE, moment
from services.cli.hub.reading import Wrong
from services.cli.options import AsJson
from services.cli.patience import patiently

FEED: Final = "/v1/hub/feed"
LATER: Final = frozenset({0, 429, 502, 503, 504})
"""Statuses after which the same page may be asked for again."""
WAIT: Final = 20
"""Seconds for which the API waits where nothing follows: less than a client's own patience."""
PAGE: Final = 500
EXPIRED: Final = "cursor_expired"
Target = Annotated[str, typer.Argument(metavar="BUS/TARGET", help="A target that is a feed.")]


def feed(  # noqa: PLR0917 - typer calls by name
    target: Target,
    cursor: Annotated[
        Path | None, typer.Option("--cursor", metavar="FILE", help="Go on where this file says; it is kept up to date.")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", help=f"Without a cursor, accepted since: {SINCE}")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for more, for ever.")] = False,
    skip_gone: Annotated[
        bool, typer.Option("--skip-gone", help="Go on with the oldest there is, where what followed is kept no longer.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read a feed: what matches the target, whatever is kept of it; `--json` shows each event whole, one a line."""
    with reported(), named(f"feed {target}"), operator() as api:
        for page in pages(api, target, kept(cursor), start, follow=follow, skip_gone=skip_gone):
            _tell(page, as_json=as_json)
            if cursor is not None:  # once all before it was told: after a crash a page is told again
                keep(cursor, page["after"])


def pages(
    api: Api, target: str, after: str | None, start: str | None, *, follow: bool, skip_gone: bool
) -> Iterator[Json]:
    """What follows a cursor, or without one what was accepted since `start`. Raises ApiError, Wrong."""
    asked: Json = {"after": after} if after else {"from": moment(start)}
    while True:
        page = _page(api, target, asked | {"limit": PAGE, "wait": WAIT if follow else 0}, skip_gone=skip_gone)
        yield page
        if not follow and not page["more"]:
            return
        asked = {"after": page["after"]}


def _page(api: Api, target: str, asked: Json, *, skip_gone: bool) -> Json:
    try:
        return patiently(lambda: api.get(f"{FEED}/{'/'.join(map(segment, target.split('/')))}", **asked), LATER)
    except ApiError as error:
        if error.code != EXPIRED or not skip_gone:
            raise
        printing.complain("Some of it is kept no longer: this goes on with the oldest there is.")
        return {"events": [], "broken": [], "after": str(error.problem["oldest"]), "more": True}


def _tell(page: Json, *, as_json: bool) -> None:
    for each in page["events"]:
        if as_json:
            printing.tell(each, indent=None)
            continue
        printing.say(printing.in_one_line(_line(each)))
    for each in page["broken"]:
        printing.complain(printing.in_one_line(f"{each['hubid']}: {each['reason']}: {each['detail']}"))


def _line(event: Json) -> str:
    parts: list[Any] = [view.moment(event["hubat"]), event["partner"], event["type"], event["id"], event["hubid"]]
    return " ".join(map(str, parts))


def kept(file: Path | None) -> str | None:
    """The cursor that a file has. Raises Wrong."""
    if file is None:
        return None
    try:
        return file.read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Wrong(f"{file}: a cursor is expected, as it was kept there") from error


def keep(file: Path, cursor: str) -> None:
    """Whole or not at all. Raises Wrong."""
    try:
        beside = file.with_name(f"{file.name}.{time.monotonic_ns()}")
        beside.write_text(cursor + "\n", encoding="ascii")
        beside.replace(file)
    except OSError as error:
        raise Wrong(f"{file}: {error.strerror}") from error
