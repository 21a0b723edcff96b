"""What is kept, as the lines of segments: accepted events, and what is on record of them."""

from typing import Any, Final

from pydantic_core import from_json

from shared.contracts.archive import ArchivedEvent, Attempt, KeepRecords, Records, RoutedCopy, UndecidedEvent
from shared.segments.lines import Line

ROUTED: Final = "routed"
UNDECIDED: Final = "undecided"
ATTEMPT: Final = "attempt"
NOBODY: Final = "-"
"""The bus of an event that no rule wanted; none has that name. It is kept as a copy that was only counted: a
release that knows nothing of such events takes it for one."""


def line_of(entry: ArchivedEvent) -> Line:
    """An event as it is kept."""
    return _line(entry.hubid, entry.partner, entry.event, entry.model_dump_json().encode())


def line_named(hubid: str, partner: str, event_id: str, kind: str, text: bytes) -> Line:
    """The same, of an event's names and its text."""
    return Line(hubid, f"{partner}:{event_id}", partner, kind, text)


def read_line(text: bytes) -> Line:
    """The same, from a segment."""
    entry: dict[str, Any] = from_json(text)
    return _line(entry["hubid"], entry["partner"], entry["event"], text)


def _line(hubid: str, partner: str, event: dict[str, Any], text: bytes) -> Line:
    return line_named(hubid, partner, event["id"], str(event["type"]), text)


def record_lines(records: KeepRecords) -> list[Line]:
    """One for each thing that is said of an event. What is said of a page as a whole is in them."""
    told: list[tuple[str, RoutedCopy | UndecidedEvent | Attempt]] = []
    for routed in records.routed:
        told += [(ROUTED, copy) for copy in routed.copies]
        told += [(UNDECIDED, event) for event in routed.undecided]
        told += [(ROUTED, _unwanted(hubid)) for hubid in routed.unwanted]
    told += [(ATTEMPT, attempt) for attempt in records.attempts]
    return [_record(kind, each.hubid, each.bus, each.model_dump_json().encode()) for kind, each in told]


def read_record(text: bytes) -> Line:
    """The same, from a segment."""
    ((name, record),) = from_json(text).items()
    return Line(record["hubid"], record["hubid"], record["bus"], name, text)


def records_of(hubid: str, lines: list[Line]) -> Records:
    """What the lines say of an event, each thing once, in the order in which it was kept."""
    by_kind: dict[str, list[Any]] = {ROUTED: [], UNDECIDED: [], ATTEMPT: []}
    for text in dict.fromkeys(line.text for line in lines if line.id == hubid):
        ((kind, record),) = from_json(text).items()
        by_kind[kind].append(record)
    copies = [each for each in by_kind[ROUTED] if each["bus"] != NOBODY]
    return Records.model_validate(
        {
            "hubid": hubid,
            "routed": copies,
            "undecided": by_kind[UNDECIDED],
            "unwanted": len(copies) < len(by_kind[ROUTED]),
            "attempts": sorted(by_kind[ATTEMPT], key=lambda each: (each["at"], each["attempt"])),
        }
    )


def _unwanted(hubid: str) -> RoutedCopy:
    return RoutedCopy(hubid=hubid, bus=NOBODY, revision=0, rules=(), target="", shadow=True)


def _record(kind: str, hubid: str, bus: str, told: bytes) -> Line:
    return Line(hubid, hubid, bus, kind, b'{"%s":%s}' % (kind.encode(), told))
