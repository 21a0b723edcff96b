"""A purchase's changes as server-sent events. An event's id is the change's position."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from services.checkout.cases.following import Followers
from services.checkout.domain.checkout import Checkout
from services.checkout.http.views import view
from shared.web.streams import ALIVE, EventStream, LastEventId, change, position

__all__ = ["LastEventId", "stream"]


def stream(followers: Followers, caller: str, checkout: Checkout, last_event_id: str | None) -> EventStream:
    """The changes after the one the client saw last. Raises TooManyStreams."""
    begin = position(last_event_id)
    followers.enter(caller)
    return EventStream(followers, caller, _events(followers, checkout, begin))


async def _events(followers: Followers, checkout: Checkout, begin: int) -> AsyncIterator[bytes]:
    async with aclosing(followers.changes(checkout, begin)) as changes:
        async for each in changes:
            yield change(each.position, view(each.checkout, each.position).model_dump_json()) if each else ALIVE
