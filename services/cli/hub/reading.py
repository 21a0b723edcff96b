"""Files of the hub: YAML of JSON's values, in which no name stands twice, several documents in each."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer

from services.cli import printing
from services.cli.client import ApiError, Json
from services.hub.domain.admission import LARGEST_BODY, MOST_EVENTS
from shared.rules.faults import Invalid
from shared.rules.limits import DOCUMENT_DEPTH
from shared.rules.reading import documents_from_yaml, message_from_json

T = TypeVar("T")
STANDARD_INPUT: Final = "-"
LARGEST_LIST: Final = 64 * 1024 * 1024
"""Bytes of a list of events. A file that has one on each line may have any number of them."""
Files = Annotated[list[str], typer.Argument(metavar="FILE..", help="YAML or JSON; `-` is standard input.")]


class Wrong(ApiError):
    """What was given is not what it should be; the message names file, document and place."""


@dataclass(frozen=True)
class Document:
    """One of a file, counted from 1."""

    file: str
    number: int
    value: Any

    def __str__(self) -> str:
        return f"{self.file}, document {self.number}"


def documents(files: Iterable[str]) -> list[Document]:
    """In the order in which they stand. Raises Wrong."""
    return [each for file in files for each in _of_file(file)]


def value(file: str) -> Any:
    """The one document of a file. Raises Wrong."""
    found = _of_file(file)
    if len(found) != 1:
        raise Wrong(f"{file}: one document is expected, found {len(found)}")
    return found[0].value


def events(file: str) -> list[Json]:
    """CloudEvents in JSON: one, a list of them, or one on each line. Raises Wrong."""
    text = read(file)
    first = text.lstrip()[:1]
    lines = [line for line in text.splitlines() if line.strip()]
    if first == b"[" or not _each_is_one(lines):
        levels = DOCUMENT_DEPTH + (first == b"[")
        found = _read(file, partial(message_from_json, text, LARGEST_LIST, levels))
        found = found if isinstance(found, list) else [found]
    else:
        of_lines = [(f"{file}, line {n}", line) for n, line in enumerate(lines, 1)]
        found = [_read(place, partial(message_from_json, line, LARGEST_LIST)) for place, line in of_lines]
    for place, each in enumerate(found):
        if not isinstance(each, dict):
            raise Wrong(f"{file}: /{place}: a CloudEvent is expected")
    return found


def read(file: str) -> bytes:
    """Raises Wrong."""
    try:
        return sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
    except OSError as error:
        raise Wrong(f"{file}: {error.strerror}") from error


def plain(value: Any) -> Any:
    """Of what the reader keeps as it was written: numbers as binary64, as the hub takes them."""
    match value:
        case Decimal():
            return float(value)
        case dict():
            return {name: plain(each) for name, each in value.items()}
        case list():
            return [plain(each) for each in value]
    return value


def complain(sentences: Iterable[str]) -> None:
    for each in sentences:
        printing.complain(f"milesaga: {each}")


def _of_file(file: str) -> list[Document]:
    found = _read(file, lambda: documents_from_yaml(read(file)))
    return [Document(file, n, plain(each)) for n, each in enumerate(found, 1) if each is not None]


def _read(place: str, act: Callable[[], T]) -> T:
    try:
        return act()
    except Invalid as invalid:
        raise Wrong("; ".join(f"{place}: {each}" for each in invalid.faults)) from invalid


def _each_is_one(lines: list[bytes]) -> bool:
    """JSON lines begin and end as objects do, each; so does one object, when it stands in one line."""
    return all(line.strip()[:1] == b"{" and line.strip()[-1:] == b"}" for line in lines)


def batches(found: Iterable[Json]) -> Iterator[list[bytes]]:
    """Texts of as many events, and of as many bytes, as the hub takes at once; one that is larger stands alone."""
    batch: list[bytes] = []
    room = LARGEST_BODY
    for event in found:
        text = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        if batch and (len(batch) == MOST_EVENTS or len(text) + 2 > room):
            yield batch
            batch, room = [], LARGEST_BODY
        batch.append(text)
        room -= len(text) + 1
    if batch:
        yield batch
