"""What the log is kept in, and how it is read: the head has its newest leaves, pages those that left it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from services.releases.cases.head import HEAD, PAGE, Head, Page, page_id
from services.releases.domain.happenings import Entry
from services.releases.domain.request import Request
from shared.ledgerlog.leaves import Leaf
from shared.store.repository import Repository


@dataclass(frozen=True)
class Books:
    """Where the log is kept, and what is folded from it. The outbox must watch the heads."""

    heads: Repository[Head]
    pages: Repository[Page]
    requests: Repository[Request]

    async def head(self) -> Head:
        """As last saved."""
        stored = await self.heads.load(HEAD)
        return stored.value if stored else Head()

    async def leaves(self, head: Head, start: int, end: int) -> list[bytes]:
        """Leaves of the log, in their order, from `start` to before `end`."""
        end = min(end, head.size)
        found: list[bytes] = []
        for number in range(start // PAGE, -(-min(end, head.first) // PAGE)):
            stored = await self.pages.load(page_id(number))
            texts = stored.value.leaves if stored else ()
            first = number * PAGE
            found += [text.encode() for text in texts[max(0, start - first) : max(0, min(end, head.first) - first)]]
        found += [text.encode() for text in head.newest[max(0, start - head.first) : max(0, end - head.first)]]
        return found

    async def entries(self, head: Head, start: int, end: int) -> AsyncIterator[Entry]:
        """As entries, page by page."""
        for first in range(start, min(end, head.size), PAGE):
            for text in await self.leaves(head, first, min(first + PAGE, end)):
                yield Entry.of(Leaf.read(text))
