"""What time it is at the broker. AMQP tells that nowhere, except of a message that died: `x-death` says when.

So a message of our own is published to a queue where nothing lives longer than no time at all, and comes back by
another: it died between the two, which makes its time of death the broker's time at a moment that we know.
"""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from aiormq.abc import AbstractConnection

from shared.bus.headers import moment
from shared.bus.wire import DeliveredMessage, Properties

HALF_A_SECOND: Final = timedelta(milliseconds=500)
"""The broker tells whole seconds, the last one that was full."""


async def broker_time(connection: AbstractConnection, name: str) -> datetime:
    """The broker's time at some moment of this call, right to half a second; `name` is that of two queues of the
    connection's own. Raises whatever the broker refuses with, ValueError where it tells no time."""
    channel = await connection.channel(publisher_confirms=False)
    try:
        back = f"{name}.back"
        at_once: dict[str, Any] = {"x-message-ttl": 0, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": back}
        await channel.queue_declare(back, exclusive=True)
        await channel.queue_declare(name, exclusive=True, arguments=at_once)
        asked = secrets.token_hex(8)
        answer: asyncio.Future[DeliveredMessage] = asyncio.get_running_loop().create_future()

        async def hear(delivered: DeliveredMessage) -> None:
            if delivered.header.properties.message_id == asked and not answer.done():
                answer.set_result(delivered)  # and not what an earlier call had no patience for

        await channel.basic_consume(back, hear, no_ack=True)
        await channel.basic_publish(b"", routing_key=name, properties=Properties(message_id=asked))
        return _died_at((await answer).header.properties.headers or {}) + HALF_A_SECOND
    finally:
        if not channel.is_closed:
            await channel.close()


def _died_at(headers: dict[str, Any]) -> datetime:
    deaths = headers.get("x-death")
    newest = deaths[0] if isinstance(deaths, list) and deaths else {}
    if (died := moment(newest.get("time"))) is None:
        raise ValueError("the broker does not say when the message died")
    return died.astimezone(UTC)
