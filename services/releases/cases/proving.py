"""What proves the log: checkpoints, proofs, receipts, the whole of it in a file."""

from collections.abc import AsyncIterator, Container, Iterable
from datetime import timedelta
from typing import ClassVar, Final

from pydantic import AwareDatetime

from services.releases.cases.head import PAGE, Head
from services.releases.cases.log import Log
from services.releases.cases.releasing import KeptText
from services.releases.ports import Anchor
from shared.bus.outbox import Outbox
from shared.contracts.releases import ReleaseCheckpoint
from shared.kernel.clock import Clock
from shared.kernel.values import Value
from shared.ledgerlog import bundles
from shared.ledgerlog.checkpoints import Checkpoint
from shared.ledgerlog.leaves import FreeText
from shared.ledgerlog.notes import Signer
from shared.ledgerlog.receipts import Proved, Receipt
from shared.ledgerlog.tree import Edge, Range, consistency_ranges, inclusion_ranges, leaf_hash, node_hash, root_of
from shared.store.documents import Conflict
from shared.store.repository import Repository

HOUR: Final = timedelta(hours=1)
TOLD_AT_ONCE: Final = frozenset(("granted", "outcome", "broke_glass", "rules"))
"""Kinds of entries after which a checkpoint is made at once; after others, within the hour."""
NEWEST: Final = "newest"
MOST_TEXTS: Final = 200


class KeptNote(Value):
    """A signed checkpoint. `anchored`: it is kept elsewhere, too."""

    schema_version: ClassVar[int] = 1
    id: str
    size: int
    at: AwareDatetime
    note: str


class NoSuchSize(ValueError):
    """The log has not come so far."""


class Proving:
    """Reads the log; writes nothing but checkpoints."""

    def __init__(
        self, log: Log, notes: Repository[KeptNote], texts: Repository[KeptText], signer: Signer, clock: Clock
    ) -> None:
        self._log = log
        self._notes = notes
        self._texts = texts
        self._signer = signer
        self._clock = clock
        self._roots: dict[int, bytes] = {}
        """Of whole pages, which never change."""
        self._vouched = 0
        """The size of the newest checkpoint that this process has seen."""

    @property
    def key(self) -> str:
        """The public key, as auditors have it."""
        return self._signer.key.written()

    async def newest(self) -> KeptNote | None:
        """The last checkpoint that was made."""
        found = await self._notes.find("by_size", (), limit=1, descending=True)
        return found[0].value if found else None

    async def notes(self) -> list[KeptNote]:
        """The checkpoints of late, the newest first."""
        return [each.value for each in await self._notes.find("by_size", (), limit=100, descending=True)]

    async def leaves(self, first: int, limit: int) -> tuple[list[bytes], int]:
        """Some of the log, and how long it is."""
        head = await self._log.books.head()
        return await self._log.books.leaves(head, first, first + limit), head.size

    async def now(self) -> str:
        """A checkpoint of the log as it is."""
        return self.checkpoint(await self._log.books.head())

    def checkpoint(self, head: Head) -> str:
        """Of the log as it is."""
        return Checkpoint(self._signer.key.name, head.size, head.edge.root).signed(self._signer)

    async def checkpoint_if_due(self, outbox: Outbox, anchor: Anchor | None) -> None:
        """A task's page. The same checkpoint by two processes is one document."""
        head = await self._log.books.head()
        if head.size <= self._vouched:
            return
        last = await self.newest()
        self._vouched = last.size if last else 0
        if head.size <= self._vouched or not self._is_due(head, last):
            return
        at = head.time(self._clock.now())
        made = KeptNote(id=f"{head.size:012d}", size=head.size, at=at, note=self.checkpoint(head))
        if anchor is not None:
            await anchor.keep(made.size, made.note)
        event = ReleaseCheckpoint(
            origin=self._signer.key.name, size=made.size, root=head.edge.root.hex(), note=made.note
        )
        messages = [outbox.entry(event)]
        try:
            await self._notes.save(made, version=0, messages=messages)
        except Conflict:
            return
        outbox.send_soon(self._notes.collection, made.id, messages)

    def _is_due(self, head: Head, last: KeptNote | None) -> bool:
        if last is None or self._clock.now() - last.at >= HOUR or head.first > last.size:
            return True
        return any(entry.kind in TOLD_AT_ONCE for entry in head.entries() if entry.n >= last.size)

    async def inclusion(self, index: int, size: int) -> tuple[bytes, list[bytes]]:
        """A leaf, and the proof that it is in the tree of that size. Raises NoSuchSize."""
        head = await self._log.books.head()
        if not 0 <= index < size <= head.size:
            raise NoSuchSize
        (leaf,) = await self._log.books.leaves(head, index, index + 1)
        return leaf, [await self._hash(head, each) for each in inclusion_ranges(index, size)]

    async def consistency(self, first: int, second: int) -> list[bytes]:
        """The proof that the log of the second size begins with that of the first. Raises NoSuchSize."""
        head = await self._log.books.head()
        if not 0 <= first <= second <= head.size:
            raise NoSuchSize
        return [await self._hash(head, each) for each in consistency_ranges(first, second)]

    async def receipt(self, request: str) -> Receipt | None:
        """All that the log tells of a request, proved; None where it tells nothing."""
        head = await self._log.books.head()
        leaves = sorted([found async for found in self._of(head, request)])
        proved = [
            Proved(leaf, tuple([await self._hash(head, each) for each in inclusion_ranges(n, head.size)]))
            for n, leaf in leaves
        ]
        return Receipt(request, self.checkpoint(head), tuple(proved)) if proved else None

    async def _of(self, head: Head, request: str) -> AsyncIterator[tuple[int, bytes]]:
        """Backwards from the request's last entry, until all of them are found."""
        found = await self._log.folding.find(request)
        if found is None:
            return
        left, n = found.revision, min(found.through, head.size - 1)
        while left and n >= 0:
            first = n - n % PAGE
            texts = await self._log.books.leaves(head, first, n + 1)
            for place in range(len(texts) - 1, -1, -1):
                if f'"request":"{request}"'.encode() in texts[place] and left:
                    yield first + place, texts[place]
                    left -= 1
            n = first - 1

    async def _hash(self, head: Head, part: Range) -> bytes:
        """Of a range of leaves, page by page where it has whole ones."""
        start, end = part
        whole = end - end % PAGE if start % PAGE == 0 else start
        tail = [leaf_hash(each) for each in await self._log.books.leaves(head, max(start, whole), end)]
        peaks = Edge()
        for number in range(start // PAGE, whole // PAGE):
            peaks = peaks.grown(await self._page_root(head, number))
        if not tail:
            return peaks.root
        found = root_of(tail)
        for left in reversed(peaks.peaks):
            found = node_hash(left, found)
        return found

    async def _page_root(self, head: Head, number: int) -> bytes:
        if number not in self._roots:
            leaves = await self._log.books.leaves(head, number * PAGE, (number + 1) * PAGE)
            self._roots[number] = root_of([leaf_hash(each) for each in leaves])
        return self._roots[number]

    async def bundle(self) -> AsyncIterator[bytes]:
        """The whole log as a file, line by line, vouched for as it is now."""
        head, told = await self._log.books.head(), set[str]()
        for start in range(0, head.size, PAGE):
            leaves = await self._log.books.leaves(head, start, min(start + PAGE, head.size))
            told |= bundles.hashes_in(leaves)
            for line in bundles.lines(leaves, (), ()):
                yield line
        kept = [each.note for each in await self.notes() if each.size <= head.size]
        for line in bundles.lines((), [self.checkpoint(head), *kept], ()):
            yield line
        async for texts in self._all_texts(told):
            for line in bundles.lines((), (), texts):
                yield line

    async def _all_texts(self, told: Container[str]) -> AsyncIterator[Iterable[FreeText]]:
        """Those that a leaf tells of, by the name they are kept under: a process that dies may have kept one and told
        nothing. One that was changed keeps its name, and is found out by whoever verifies."""
        after = None
        while found := await self._texts.find("by_salt", (), limit=MOST_TEXTS, after=after):
            yield [FreeText(each.value.salt, each.value.text) for each in found if each.value.id in told]
            after = (found[-1].value.salt, found[-1].value.id)
