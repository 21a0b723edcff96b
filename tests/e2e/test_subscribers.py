"""The examples' subscribers and a message that they cannot handle: neither a loop without end, nor the end of them."""

from pathlib import Path

import pytest

from tests.e2e.test_examples import PARTNER, has_consumer, house_url, subscriber
from tests.e2e.wires import channel_to, depth, envelope, message
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.sqlite_alone

KIND = "checkout.completed.v1"
FAILS = b'{"no": "checkout_id"}'
FAILED = f"{PARTNER}.failed"


@pytest.mark.parametrize(
    ("library", "queue", "why"),
    [("faststream", f"{PARTNER}.shop", "rejected"), ("aio_pika", f"{PARTNER}.other-shop", "delivery_limit")],
)
async def test_what_fails_is_put_aside_and_what_follows_is_heard(
    stack: Stack, library: str, queue: str, why: str, tmp_path: Path
) -> None:
    heard, url = tmp_path / "heard", house_url(stack)
    async with channel_to(url) as channel:
        async with subscriber(stack, library, heard):
            await eventually(lambda: has_consumer(url, queue), 20.0)
        events = await channel.get_exchange("events")
        await events.publish(message(FAILS, envelope(KIND)), KIND)
        await events.publish(message({"checkout_id": "after-it"}, envelope(KIND)), KIND)
        # what waits comes at once when it listens again: where it is put aside must be there before
        await channel.queue_delete(FAILED)
        async with subscriber(stack, library, heard) as process:
            await eventually(lambda: "told of after-it" in heard.read_text(), 20.0)

            async def put_aside() -> bool:
                return await depth(channel, FAILED) == 1

            await eventually(put_aside, 20.0)
            kept = await (await channel.get_queue(FAILED)).get(no_ack=True)
            assert kept is not None
            assert (kept.body, kept.headers["x-first-death-reason"]) == (FAILS, why)
            assert process.returncode is None
            assert await has_consumer(url, queue), "it listens on"
        assert await depth(channel, queue) == 0
        for name in (queue, FAILED):
            await channel.queue_delete(name)
