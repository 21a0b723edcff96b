"""What the archive keeps of an event, and of the segments that it lies in."""

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict
from pydantic_core import from_json

from shared.contracts.archive import ArchivedEvent
from shared.segments.lines import Line, Summary


class Segment(BaseModel):
    """A closed segment, as it is listed; its name is its id."""

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str
    count: int
    first: str
    last: str
    owners: dict[str, int]
    kinds: dict[str, int]
    size: int
    sha256: str
    previous: str

    @classmethod
    def of(cls, closed: Summary) -> Self:
        return cls(
            id=closed.name,
            count=closed.count,
            first=closed.first,
            last=closed.last,
            owners=dict(closed.owners),
            kinds=dict(closed.kinds),
            size=closed.size,
            sha256=closed.sha256,
            previous=closed.previous,
        )

    @property
    def summary(self) -> Summary:
        told = self.model_dump()
        return Summary(name=told.pop("id"), **told)


def line_of(entry: ArchivedEvent) -> Line:
    """An event as it is kept."""
    return _line(entry.hubid, entry.partner, entry.event, entry.model_dump_json().encode())


def read_line(text: bytes) -> Line:
    """The same, from a segment."""
    entry: dict[str, Any] = from_json(text)
    return _line(entry["hubid"], entry["partner"], entry["event"], text)


def _line(hubid: str, partner: str, event: dict[str, Any], text: bytes) -> Line:
    return Line(hubid, f"{partner}:{event['id']}", partner, str(event["type"]), text)
