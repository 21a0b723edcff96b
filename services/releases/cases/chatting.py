"""The chat shows how requests stand. It follows the log: what it missed while it was away it shows when it is back, and
whoever waits for it waits for nothing else.

A message is drawn for each request, and drawn again when something happened to it; a broken glass and an overdue review
have messages of their own, so that they are heard.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import ClassVar, Final

from pydantic import AwareDatetime

from services.releases.cases.log import Log
from services.releases.cases.releasing import Releasing
from services.releases.domain.happenings import Entry
from services.releases.domain.notices import LOUD, Kind, Notice, Texts, notice_of
from services.releases.domain.request import Request
from services.releases.ports import Chat, ChatAway, MessageGone, Place
from shared.kernel.clock import Clock
from shared.kernel.values import Value, changed
from shared.store.documents import Conflict
from shared.store.repository import Repository, Stored

CURSOR: Final = "cursor"
ENTRIES: Final = 256
CLAIMED: Final = timedelta(seconds=30)
"""How long another replica leaves a message alone that this one is about to post."""
SKEW: Final = timedelta(minutes=2)
"""How far the chat's clock may be behind ours, when its history is searched."""
LONGEST_PAUSE: Final = 60.0
OLD: Final = timedelta(days=2)
"""A request that ended, and that was never shown, is not shown so much later."""


class ChatMessage(Value):
    """One message. `wanted` is the log's number of what it must show, `drawn` of what it shows."""

    schema_version: ClassVar[int] = 1
    id: str
    kind: Kind
    request: str
    wanted: int
    drawn: int = -1
    channel: str = ""
    at: str = ""
    posting_since: AwareDatetime | None = None
    """A message was about to be posted then, and nobody knows whether it was."""
    tries: int = 0
    wake_at: AwareDatetime | None = None

    @property
    def place(self) -> Place | None:
        return Place(self.channel, self.at) if self.at else None


class ChatCursor(Value):
    """How far the log was read."""

    schema_version: ClassVar[int] = 1
    id: str = CURSOR
    read: int = 0


class Chatting:
    """The page of the service's task. Every replica does all of it; who posts is settled by compare-and-set."""

    PAGE: ClassVar = 20

    def __init__(
        self,
        releasing: Releasing,
        chat: Chat,
        messages: Repository[ChatMessage],
        cursors: Repository[ChatCursor],
        clock: Clock,
    ) -> None:
        self._releasing, self._chat, self._clock = releasing, chat, clock
        self._messages, self._cursors = messages, cursors
        self._read = 0
        """How far the cursor is at least, as this process saw it last."""

    @property
    def _log(self) -> Log:
        return self._releasing.log

    async def page(self) -> int:
        """Read on in the log, then draw what is due; the number of those drawn, a full page where the log goes on."""
        more = await self._read_on()
        due = await self._messages.due(self._clock.now(), self.PAGE)
        await asyncio.gather(*(self._draw(each) for each in due))
        return self.PAGE if more else len(due)

    async def _read_on(self) -> bool:
        """True where the log goes on after what was read now."""
        head = await self._log.books.head()
        if head.size <= self._read:
            return False
        stored = await self._cursors.load(CURSOR)
        self._read = read = stored.value.read if stored else 0
        if head.size <= read:
            return False
        end = min(head.size, read + ENTRIES)
        for id_, (kind, request, wanted) in _wanted(
            [each async for each in self._log.books.entries(head, read, end)]
        ).items():
            await self._messages.change(id_, _wants(id_, kind, request, wanted, self._clock.now()))
        try:
            await self._cursors.save(ChatCursor(read=end), version=stored.version if stored else 0)
        except Conflict:
            return True  # another replica reads too: what both want is wanted once
        return end < head.size

    async def _draw(self, stored: Stored[ChatMessage]) -> None:
        message = stored.value
        notice = await self._notice(message)
        if notice is None:
            await self._settle(stored, message, drawn=message.wanted)
            return
        try:
            place = message.place
            if place is None:
                stored = await self._claim(stored)
                place = await self._posted(stored.value, message, notice)
            else:
                await self._chat.redraw(place, notice)
        except MessageGone:
            await self._settle(stored, changed(message, at="", posting_since=None), drawn=-1)
        except ChatAway as error:
            await self._put_off(stored, error)
        except Conflict:
            return  # another replica posts it
        else:
            await self._settle(
                stored, changed(stored.value, channel=place.channel, at=place.at), notice.request.through
            )

    async def _notice(self, message: ChatMessage) -> Notice | None:
        """None where there is nothing to be shown any more."""
        request = await self._log.folding.find(message.request)
        if request is None:
            return None
        is_late = message.kind == "ask" and message.place is None and request.wake_at() is None
        if is_late and self._clock.now() - request.asked_at > OLD:
            return None
        return notice_of(
            message.kind,
            message.id,
            request,
            (await self._log.books.head()).standing,
            self._log.rules,
            texts=await self._texts(request, message.kind),
        )

    async def _texts(self, request: Request, kind: Kind) -> Texts:
        """The chat is somebody else's: a request's text stands there once, and while somebody may have to read it."""
        kept = await self._releasing.payloads.load(request.digest)
        is_read = bool(request.body) and kind == "ask" and not request.is_over
        return Texts(
            reason=await self._releasing.text(request.reason) or "",
            payload=kept.value.payload if kept else {},
            body=await self._releasing.text(request.body) if is_read else "",
        )

    async def _claim(self, stored: Stored[ChatMessage]) -> Stored[ChatMessage]:
        """Raises Conflict where another one is at it."""
        now = self._clock.now()
        since = stored.value.posting_since or now
        return await self._messages.save(
            changed(stored.value, posting_since=since, wake_at=now + CLAIMED), version=stored.version
        )

    async def _posted(self, claimed: ChatMessage, before: ChatMessage, notice: Notice) -> Place:
        """Posted, unless an earlier try whose answer was lost has done so."""
        if before.posting_since is not None and claimed.posting_since is not None:
            found = await self._chat.find(notice, claimed.posting_since - SKEW)
            if found is not None:
                await self._chat.redraw(found, notice)
                return found
        return await self._chat.post(notice)

    async def _settle(self, stored: Stored[ChatMessage], message: ChatMessage, drawn: int) -> None:
        """It shows that much. What was wanted meanwhile conflicts, and is drawn at the next look."""
        wake = None if drawn >= message.wanted else self._clock.now()
        after = changed(message, drawn=drawn, posting_since=None if message.at else message.posting_since)
        await self._keep(changed(after, tries=0, wake_at=wake), stored.version)

    async def _put_off(self, stored: Stored[ChatMessage], error: ChatAway) -> None:
        message = stored.value
        pause = error.again_in or min(LONGEST_PAUSE, 0.5 * 2 ** min(message.tries, 10))
        after = changed(message, tries=message.tries + 1, wake_at=self._clock.now() + timedelta(seconds=pause))
        await self._keep(after, stored.version)

    async def _keep(self, after: ChatMessage, version: int) -> None:
        """Where something new was wanted meanwhile, the place is kept and the wish too."""

        def edit(now: ChatMessage | None) -> ChatMessage:
            if now is None or now.wanted <= after.wanted:
                return after
            return changed(after, wanted=now.wanted, wake_at=now.wake_at)

        try:
            await self._messages.save(after, version=version)
        except Conflict:
            await self._messages.change(after.id, edit)


def _wanted(entries: Iterable[Entry]) -> dict[str, tuple[Kind, str, int]]:
    """The messages that the entries change: what must be shown, by the message's id."""
    found: dict[str, tuple[Kind, str, int]] = {}
    for entry in entries:
        if not entry.request:
            continue
        found[entry.request] = "ask", entry.request, entry.n
        for kind in LOUD:
            if entry.kind == kind:
                found[f"{entry.request}.{kind}"] = kind, entry.request, entry.n
    return found


def _wants(
    id_: str, kind: Kind, request: str, wanted: int, now: datetime
) -> Callable[[ChatMessage | None], ChatMessage]:
    def edit(message: ChatMessage | None) -> ChatMessage:
        if message is None:
            return ChatMessage(id=id_, kind=kind, request=request, wanted=wanted, wake_at=now)
        if message.wanted >= wanted:
            return message
        claimed = message.posting_since is not None and message.wake_at is not None
        return changed(message, wanted=wanted, wake_at=message.wake_at if claimed else now)

    return edit


Told = Callable[[], Awaitable[None]]


class Aside:
    """What is said to the chat after its callback was answered. Nothing depends on it: whoever hears nothing presses
    again."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, said: Told) -> None:
        task = asyncio.create_task(_quietly(said))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Return when all was said."""
        while self._tasks:
            await asyncio.wait(self._tasks)


async def _quietly(said: Told) -> None:
    try:
        await said()
    except ChatAway:
        return
