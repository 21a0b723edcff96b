"""The log's documents: one head, which everybody writes by compare-and-set, and pages of what has left it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar, Final

from pydantic import AwareDatetime

from services.releases.domain.happenings import Entry, Happening
from services.releases.domain.standing import Standing, folded
from shared.kernel.values import Value, changed
from shared.ledgerlog.leaves import NOTHING_BEFORE, Leaf, chain_hash
from shared.ledgerlog.tree import Edge, leaf_hash

HEAD: Final = "head"
PAGE: Final = 256
"""Leaves of a page: a whole subtree of the tree, whose root is worked out once."""
MOST_IN_HEAD: Final = 64
"""Leaves that may stand in the head before the oldest of them are written to their pages."""
KEPT_IN_HEAD: Final = 16


class Head(Value):
    """Where the log ends. `peaks` are the tree's right edge; `newest` the leaves from number `first` on, as texts."""

    schema_version: ClassVar[int] = 1

    id: str = HEAD
    size: int = 0
    peaks: tuple[str, ...] = ()
    prev: str = NOTHING_BEFORE
    at: AwareDatetime | None = None
    first: int = 0
    newest: tuple[str, ...] = ()
    standing: Standing = Standing()

    @property
    def edge(self) -> Edge:
        return Edge(self.size, tuple(map(bytes.fromhex, self.peaks)))

    def time(self, now: datetime) -> datetime:
        """Time in the log never runs backwards."""
        return max(now, self.at) if self.at is not None else now

    def entries(self) -> list[Entry]:
        """Those that stand in the head."""
        return [Entry.of(Leaf.read(text.encode())) for text in self.newest]


class Page(Value):
    """Leaves that have left the head: those from 256 times `number` on, in their order, as many as are known. Others
    are added; none is ever changed."""

    schema_version: ClassVar[int] = 1

    id: str
    number: int
    leaves: tuple[str, ...] = ()


def page_id(number: int) -> str:
    return f"{number:09d}"


def appended(head: Head, happenings: Iterable[Happening], now: datetime) -> tuple[Head, list[Entry]]:
    """The head with these at its end, and the entries that they became."""
    edge, prev, standing, texts, entries = head.edge, head.prev, head.standing, list[str](), list[Entry]()
    at = head.time(now)
    for happening in happenings:
        each = happening
        leaf = Leaf(edge.size, at, each.kind, each.request, each.actor, each.via, each.facts, prev)
        text = leaf.written()
        edge, prev = edge.grown(leaf_hash(text)), chain_hash(text)
        entry = Entry.of(leaf)
        standing = folded(standing, entry)
        texts.append(text.decode())
        entries.append(entry)
    after = changed(
        head,
        size=edge.size,
        peaks=tuple(each.hex() for each in edge.peaks),
        prev=prev,
        at=at,
        newest=(*head.newest, *texts),
        standing=standing,
    )
    return (after if entries else head), entries


def leaving(head: Head) -> dict[int, list[str]]:
    """The leaves that may leave the head, by page; the newest of them stay."""
    count = max(0, len(head.newest) - KEPT_IN_HEAD)
    found: dict[int, list[str]] = {}
    for n, text in enumerate(head.newest[:count], start=head.first):
        found.setdefault(n // PAGE, []).append(text)
    return found


def without(head: Head, count: int) -> Head:
    """The head when its oldest leaves are on their pages."""
    return changed(head, first=head.first + count, newest=head.newest[count:])


def extended(page: Page | None, number: int, first: int, texts: Sequence[str]) -> Page:
    """The page with leaves whose first has the number `first` in the log. What it has already stays as it is."""
    page = page or Page(id=page_id(number), number=number)
    known = number * PAGE + len(page.leaves)
    if first > known:
        raise ValueError(f"page {number} has a gap before leaf {first}")
    missing = texts[known - first :]
    return changed(page, leaves=(*page.leaves, *missing)) if missing else page
