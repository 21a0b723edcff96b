"""A page of events as the archive reads it: the names of each event, and its text, which is kept as it came."""

from typing import ClassVar, Final, Self

from pydantic import AwareDatetime

from services.archive.domain.lines import line_named, line_of
from shared.contracts.archive import KeepPage
from shared.contracts.journey import Part
from shared.contracts.messages import Message
from shared.kernel.values import changed
from shared.segments.lines import Line

LINE_END: Final = b"\n"


class Names(Part):
    """What an event says of itself that it is found by."""

    id: str
    type: str


class Entry(Part):
    """An accepted event, without what nobody asks of it here."""

    hubid: str
    at: AwareDatetime
    partner: str
    event: Names


class PageToKeep(Message):
    """`KeepPage`, of whose events no more is read than they are found by: that takes a fifth of what it takes to read
    all of them and to write them again."""

    type: ClassVar[str] = KeepPage.type
    exchange: ClassVar[str] = KeepPage.exchange
    mandatory: ClassVar[bool] = KeepPage.mandatory

    page: str
    part: int
    keep: str
    events: tuple[Entry, ...]
    lines: tuple[Line, ...] = ()
    """Of the events, in their order."""

    @property
    def subject(self) -> str:
        return self.page

    @classmethod
    def read(cls, body: bytes) -> Self:
        """The hub puts each event on a line of its own. What was sent otherwise is read whole."""
        page = super().read(body)
        texts = [line.removesuffix(b",") for line in body.split(LINE_END)[1:-1]]
        if len(texts) == len(page.events) and all(map(_is_of, texts, page.events)):
            lines = [_line(entry, text) for entry, text in zip(page.events, texts, strict=True)]
        else:
            lines = [line_of(event) for event in KeepPage.read(body).events]
        return changed(page, lines=tuple(lines))


def _is_of(text: bytes, entry: Entry) -> bool:
    return text.startswith(b'{"hubid":"%s"' % entry.hubid.encode())


def _line(entry: Entry, text: bytes) -> Line:
    return line_named(entry.hubid, entry.partner, entry.event.id, entry.event.type, text)
