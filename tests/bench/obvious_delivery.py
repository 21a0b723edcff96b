"""The obvious way to bring copies to an endpoint: a consumer of aio-pika, Standard Webhooks' own library, `httpx`,
and an acknowledgement for each.

    python -m tests.bench.obvious_delivery QUEUE URL AT_ONCE BROKER_URL
"""

import asyncio
import sys
from datetime import UTC, datetime

import aio_pika
import httpx
from standardwebhooks import Webhook


async def main(queue: str, url: str, at_once: str, broker_url: str) -> None:
    webhook = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    async with (
        httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=int(at_once))) as client,
        await aio_pika.connect(broker_url) as connection,
    ):

        async def bring(message: aio_pika.abc.AbstractIncomingMessage) -> None:
            id_, now, body = str(message.message_id), datetime.now(tz=UTC), message.body.decode()
            headers = {
                "Content-Type": "application/cloudevents+json",
                "webhook-id": id_,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": webhook.sign(id_, now, body),
            }
            answer = await client.post(url, content=message.body, headers=headers, timeout=15)
            await (message.ack() if answer.is_success else message.nack())

        channel = await connection.channel()
        await channel.set_qos(prefetch_count=int(at_once))
        declared = await channel.declare_queue(queue, durable=True, arguments={"x-queue-type": "quorum"})
        print("ready", flush=True)
        await declared.consume(bring)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
