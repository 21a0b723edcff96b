"""`milesaga hub feed`: the events of a `feed` target, from a cursor that a file keeps."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
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
SINCE_THEN: Final = "from "
"""Begins what a file says that has no cursor yet."""
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
        for page in pages(api, target, begun(cursor, start), follow=follow, skip_gone=skip_gone):
            _tell(page, as_json=as_json)
            if cursor is not None:  # once all before it was told: after a crash a page is told again
                keep(cursor, page["after"])


def pages(api: Api, target: str, asked: Json, *, follow: bool, skip_gone: bool) -> Iterator[Json]:
    """What follows from where `begun` says. Raises ApiError, Wrong."""
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


def begun(file: Path | None, start: str | None) -> Json:
    """What the first page is asked by: the file's cursor; without one, what was accepted since `start`. That moment is
    kept in its place: who ends before the first page was told begins there again, whenever that is. Raises Wrong."""
    text = _kept(file) if file is not None else None
    if text is not None and not text.startswith(SINCE_THEN):
        return {"after": text}
    since = text.removeprefix(SINCE_THEN) if text is not None else moment(start)
    if file is not None and text is None and since is not None:
        keep(file, SINCE_THEN + since)
    return {"from": since}


def _kept(file: Path) -> str | None:
    """What a file says; None where there is none. Raises Wrong: without what it said nobody knows where to go on."""
    try:
        text = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Wrong(f"{file}: a cursor is expected, as it was kept there") from error
    if not text:
        raise Wrong(f"{file}: a cursor is expected, and it is empty; where there is no such file it begins anew")
    return text


def keep(file: Path, cursor: str) -> None:
    """Whole or not at all, also after a loss of power. Raises Wrong."""
    beside = file.with_name(f"{file.name}.{time.monotonic_ns()}")
    try:
        with beside.open("w", encoding="ascii") as written:
            written.write(cursor + "\n")
            written.flush()
            os.fsync(written.fileno())
        beside.replace(file)
    except OSError as error:
        raise Wrong(f"{file}: {error.strerror}") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
