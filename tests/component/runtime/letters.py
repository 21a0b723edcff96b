"""Dead letters of payment on a real broker, and the command line beside them."""

import asyncio
from datetime import UTC, datetime

import aio_pika
from typer.testing import CliRunner, Result

from services.cli.main import app
from shared.bus.topology import dead_queue
from shared.contracts.cloudevents import Envelope
from shared.contracts.payment import AuthorizeCard
from shared.kernel.money import Money


def command(number: int) -> AuthorizeCard:
    return AuthorizeCard(
        purchase_id=f"p{number}",
        step="authorize the card",
        amount=Money(amount=100, currency="BRL"),
        card_token="tok_of_somebody",
    )


async def bury(
    connection: aio_pika.abc.AbstractConnection,
    number: int,
    *,
    place: str = "authorize:12",
    source: str = "tests",
    died: datetime | None = None,
) -> None:
    """Put a letter into payment's dead letters, as the retry policy writes it."""
    envelope = Envelope(id=f"m{number}", source=source, type=AuthorizeCard.type, correlation_id=f"p{number}")
    now = (died or datetime.now(UTC)).isoformat()
    headers: dict[str, str] = {
        **envelope.headers(),
        "milesaga-attempts": "7",
        "milesaga-first-failed-at": now,
        "milesaga-last-failed-at": now,
        "milesaga-exchange": "commands",
        "milesaga-routing-key": AuthorizeCard.type,
        "milesaga-queue": "payment",
        "milesaga-reason": "the handler failed",
        "milesaga-exception": "ZeroDivisionError",
        "milesaga-fingerprint": f"ZeroDivisionError@{place}",
    }
    channel = await connection.channel(publisher_confirms=True)
    body = command(number).model_dump_json().encode()
    message = aio_pika.Message(body, headers=dict(headers), message_id=envelope.id, content_type="application/json")
    await channel.default_exchange.publish(message, dead_queue("payment"))
    await channel.close()


async def taken_from(
    connection: aio_pika.abc.AbstractConnection, name: str
) -> list[aio_pika.abc.AbstractIncomingMessage]:
    channel = await connection.channel()
    queue = await channel.get_queue(name, ensure=False)
    taken = []
    while (message := await queue.get(fail=False)) is not None:
        await message.ack()
        taken.append(message)
    await channel.close()
    return taken


async def milesaga(*arguments: str, answer: str | None = None) -> Result:
    """The command has an event loop of its own, so it runs in another thread."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments), input=answer)
