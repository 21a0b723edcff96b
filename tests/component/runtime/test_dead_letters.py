"""Dead letters, on a real broker, by the command an operator uses."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import aio_pika
import pytest

from services.cli.absence import NO_STACK
from services.house import HOUSE
from shared.bus.dead_letters import BEFORE_ALL, WORN, DeadLetter, DeadLetters
from shared.bus.decoding import MARK
from shared.bus.topology import dead_queue, turn_queue
from shared.contracts.cloudevents import Envelope
from shared.contracts.payment import AuthorizeCard
from shared.runtime.description import queues
from tests.component.runtime.letters import bury, command, milesaga, taken_from


async def test_a_list_names_what_failed_and_counts_each_fault(
    broker_with_queues: aio_pika.abc.AbstractConnection,
) -> None:
    for number, place in enumerate(("authorize:12", "authorize:12", "capture:9")):
        await bury(broker_with_queues, number, place=place)
    result = await milesaga("dead", "list", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    assert [letter["id"] for letter in found["letters"]] == ["m0", "m1", "m2"]
    first = found["letters"][0]
    assert (first["service"], first["type"], first["attempts"]) == ("payment", "payment.authorize_card.v1", 7)
    assert (first["exchange"], first["routing_key"]) == ("commands", "payment.authorize_card.v1")
    assert found["faults"] == [
        {"service": "payment", "fingerprint": "ZeroDivisionError@authorize:12", "count": 2},
        {"service": "payment", "fingerprint": "ZeroDivisionError@capture:9", "count": 1},
    ]
    table = (await milesaga("dead", "list")).output
    assert "m2" in table
    assert "tok_of_somebody" not in table + result.output


async def test_looking_at_letters_leaves_them_where_they_are_and_in_order(
    broker_with_queues: aio_pika.abc.AbstractConnection, vhost_url: str
) -> None:
    for number in range(5):
        await bury(broker_with_queues, number)
    async with DeadLetters(vhost_url, queues(HOUSE)) as dead:
        for _ in range(3):
            assert [letter.id for letter in await dead.letters("payment")] == ["m0", "m1", "m2", "m3", "m4"]
        assert [letter.id for letter in await dead.letters("payment", limit=2)] == ["m0", "m1"]
        assert len(await dead.letters("payment")) == 5


async def paged(dead: DeadLetters, size: int) -> list[str]:
    """All of them, page after page."""
    found: list[DeadLetter] = []
    while page := await dead.page("payment", size, found[-1].place if found else BEFORE_ALL):
        assert len(page) <= size
        found += page
    return [letter.id for letter in found]


async def test_letters_are_paged_by_when_they_died_each_once_wherever_they_lie(
    broker_with_queues: aio_pika.abc.AbstractConnection, vhost_url: str
) -> None:
    begun = datetime.now(UTC) - timedelta(hours=1)
    for number in (3, 0, 6, 5, 1, 4, 2):
        await bury(broker_with_queues, number, died=begun + timedelta(milliseconds=500 * (number // 2)))
    async with DeadLetters(vhost_url, queues(HOUSE)) as dead:
        everything = await paged(dead, 100)
        assert sorted(everything) == [f"m{number}" for number in range(7)]
        assert [int(name[1:]) // 2 for name in everything] == [0, 0, 1, 1, 2, 2, 3]
        for size in (1, 2, 3, 7):  # the looks renew letters on the way, and lay them behind the others
            assert await paged(dead, size) == everything
        first = await dead.page("payment", 3)
        assert await dead.discard("payment", partial(is_named, first[-1].id)) == 1
        rest = await dead.page("payment", 100, first[-1].place)
        assert [letter.id for letter in rest] == everything[3:]


async def test_a_letter_is_found_by_its_handle_wherever_it_lies(
    broker_with_queues: aio_pika.abc.AbstractConnection, vhost_url: str
) -> None:
    for number in range(5):
        await bury(broker_with_queues, number)
    async with DeadLetters(vhost_url, queues(HOUSE)) as dead:
        last = (await dead.letters("payment"))[-1]
        for _ in range(WORN + 2):
            found = await dead.letter("payment", last.handle)
            assert found is not None
            assert found.id == "m4"
        assert await dead.letter("payment", "0" * 12) is None
        assert len(await dead.letters("payment")) == 5


def is_named(name: str, letter: DeadLetter) -> bool:
    return letter.id == name


async def test_a_list_beside_a_retry_shows_every_letter_that_is_there(
    broker_with_queues: aio_pika.abc.AbstractConnection, vhost_url: str
) -> None:
    """What one reader has in hand no other can see: they take turns."""
    for number in range(60):
        await bury(broker_with_queues, number)
    everything = {f"m{number}" for number in range(60)}
    async with DeadLetters(vhost_url, queues(HOUSE)) as one, DeadLetters(vhost_url, queues(HOUSE)) as other:
        chosen = [partial(is_named, f"m{number}") for number in (0, 30, 59)]
        retries = [asyncio.create_task(one.retry("payment", each)) for each in chosen]
        lists = [await other.letters("payment")]
        while not all(task.done() for task in retries):
            lists.append(await other.letters("payment"))
        assert [await task for task in retries] == [1, 1, 1]
        lists.append(await other.letters("payment"))
        assert not other.in_other_hands
    gone = [everything - {letter.id for letter in letters} for letters in lists]
    assert all(each <= {"m0", "m30", "m59"} for each in gone), gone
    assert gone[-1] == {"m0", "m30", "m59"}


async def test_a_reader_that_does_not_give_back_is_told_of(
    broker_with_queues: aio_pika.abc.AbstractConnection, vhost_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bury(broker_with_queues, 1)
    channel = await broker_with_queues.channel()
    await channel.declare_queue(turn_queue("payment"), exclusive=True, auto_delete=True)
    held = await (await channel.get_queue(dead_queue("payment"), ensure=False)).get()
    assert held is not None
    async with DeadLetters(vhost_url, queues(HOUSE), patience=0.2) as dead:
        assert await dead.letters("payment") == []
        assert dead.in_other_hands == {"payment"}
    monkeypatch.setattr(DeadLetters.__init__, "__defaults__", (0.2,))
    result = await milesaga("dead", "list")
    assert "another reader has letters of payment in hand" in result.stderr
    await channel.close()
    await broker_with_queues.close()
    assert "m1" in (await milesaga("dead", "list")).stdout


async def test_a_letter_is_shown_without_what_is_personal_or_secret(
    broker_with_queues: aio_pika.abc.AbstractConnection,
) -> None:
    await bury(broker_with_queues, 1)
    shown = json.loads((await milesaga("dead", "show", "m1", "--json")).output)["letters"][0]
    assert shown["body"]["purchase_id"] == "p1"
    assert shown["body"]["amount"] == {"amount": 100, "currency": "BRL"}
    assert shown["body"]["card_token"] == "•••"
    assert "tok_of_somebody" not in json.dumps(shown)


async def test_a_retried_letter_goes_to_its_service_alone_as_if_it_had_never_failed(
    broker_with_queues: aio_pika.abc.AbstractConnection,
) -> None:
    for number in range(3):
        await bury(broker_with_queues, number)
    result = await milesaga("dead", "retry", "m1")
    assert (result.exit_code, result.output.strip()) == (0, "1 sent back to work")
    (message,) = await taken_from(broker_with_queues, "payment")
    assert message.body == command(1).model_dump_json().encode()
    assert message.headers["cloudEvents:id"] == "m1"
    assert "milesaga-attempts" not in message.headers
    assert "milesaga-first-failed-at" not in message.headers
    left = await taken_from(broker_with_queues, dead_queue("payment"))
    assert [each.message_id for each in left] == ["m0", "m2"]


async def test_all_letters_of_one_service_are_retried_in_their_order(
    broker_with_queues: aio_pika.abc.AbstractConnection,
) -> None:
    for number in range(4):
        await bury(broker_with_queues, number)
    result = await milesaga("dead", "retry", "--all", "--service", "payment", "--json")
    assert json.loads(result.output) == {"retried": 4}
    back = await taken_from(broker_with_queues, "payment")
    assert [each.message_id for each in back] == ["m0", "m1", "m2", "m3"]
    assert await taken_from(broker_with_queues, dead_queue("payment")) == []


async def test_a_letter_whose_queue_is_gone_stays_a_letter(
    broker_with_queues: aio_pika.abc.AbstractConnection,
) -> None:
    await bury(broker_with_queues, 1)
    channel = await broker_with_queues.channel()
    await channel.queue_delete("payment")
    result = await milesaga("dead", "retry", "m1")
    assert result.exit_code == 1
    assert [each.message_id for each in await taken_from(broker_with_queues, dead_queue("payment"))] == ["m1"]


async def test_a_letter_is_discarded_after_a_yes_and_not_before(
    broker_with_queues: aio_pika.abc.AbstractConnection,
) -> None:
    await bury(broker_with_queues, 1)
    await bury(broker_with_queues, 2)
    assert (await milesaga("dead", "discard", "m1", answer="n\n")).exit_code == 1
    assert (await milesaga("dead", "discard", "m1", answer="y\n")).exit_code == 0
    assert (await milesaga("dead", "discard", "m2", "--yes")).exit_code == 0
    assert await taken_from(broker_with_queues, dead_queue("payment")) == []
    assert (await milesaga("dead", "discard", "m2", "--yes")).exit_code == 1


async def test_what_crashed_its_process_too_often_is_listed_with_that_reason(
    broker_with_queues: aio_pika.abc.AbstractConnection,
) -> None:
    """RabbitMQ's delivery limits bring it here, not our retry policy: by way of the suspects."""
    channel = await broker_with_queues.channel(publisher_confirms=True)
    await channel.default_exchange.publish(aio_pika.Message(b"{}", message_id="killer"), "payment")
    for name in ("payment", "payment.suspect"):
        queue = await channel.get_queue(name, ensure=False)
        async with queue.iterator() as deliveries:
            async for delivery in deliveries:
                await delivery.reject(requeue=True)
                if delivery.headers.get("x-delivery-count") == (5 if name == "payment" else 9):
                    break
    found = json.loads((await milesaga("dead", "list", "--json")).output)["letters"]
    assert [letter["id"] for letter in found] == ["killer"]
    assert "may crash its process" in found[0]["reason"]
    assert found[0]["last_failed_at"] is not None


async def test_letters_of_two_senders_with_one_id_are_told_apart(
    broker_with_queues: aio_pika.abc.AbstractConnection,
) -> None:
    for source in ("/acme", "/zeta"):
        await bury(broker_with_queues, 1, source=source)
    letters = json.loads((await milesaga("dead", "show", "m1", "--json")).output)["letters"]
    assert [letter["source"] for letter in letters] == ["/acme", "/zeta"]
    assert all(letter["what_to_do"] for letter in letters)
    for command_name in ("retry", "discard"):
        refused = await milesaga("dead", command_name, "m1", *(["--yes"] if command_name == "discard" else []))
        assert refused.exit_code == 1
        assert "2 letters have the id m1" in refused.output
    again = json.loads((await milesaga("dead", "list", "--json")).output)["letters"]
    assert [letter["handle"] for letter in again] == [letter["handle"] for letter in letters], "looking changes nothing"
    assert (await milesaga("dead", "discard", letters[0]["handle"], "--yes")).exit_code == 0
    left = json.loads((await milesaga("dead", "list", "--json")).output)["letters"]
    assert [letter["source"] for letter in left] == ["/zeta"]


async def test_an_unknown_letter_or_service_and_an_absent_broker_are_refused(
    broker_with_queues: aio_pika.abc.AbstractConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await milesaga("dead", "show", "nobody")).exit_code == 1
    assert (await milesaga("dead", "retry")).exit_code == 2
    assert (await milesaga("dead", "list", "--service", "nobody")).exit_code == 2
    monkeypatch.setenv("BROKER_URL", "amqp://127.0.0.1:1/")
    assert (await milesaga("dead", "list")).exit_code == NO_STACK


@pytest.mark.parametrize("limit", [20, None])
async def test_letters_may_be_looked_at_as_often_as_anybody_likes(
    vhost_url: str, monkeypatch: pytest.MonkeyPatch, limit: int | None
) -> None:
    """As in a queue from before RabbitMQ 4, which gives it a limit of 20 deliveries."""
    monkeypatch.setenv("BROKER_URL", vhost_url)
    async with await aio_pika.connect(vhost_url) as connection:
        limits = {} if limit is None else {"x-delivery-limit": limit}
        channel = await connection.channel()
        arguments: dict[str, Any] = {"x-queue-type": "quorum", **limits}
        await channel.declare_queue(dead_queue("payment"), durable=True, arguments=arguments)
        for number in range(3):
            await bury(connection, number)
        async with DeadLetters(vhost_url, ["payment"]) as dead:
            first = await dead.letters("payment")
            for look in range(45):
                seen = await dead.letters("payment", 2 if look % 3 else None)
                assert len(seen) == (2 if look % 3 else 3)
            last = {letter.handle: letter for letter in await dead.letters("payment")}
            assert set(last) == {letter.handle for letter in first}
            for letter in first:
                again = last[letter.handle]
                assert (again.body, again.reason, again.attempts) == (letter.body, letter.reason, letter.attempts)
                assert (again.came.exchange, again.came.routing_key) == ("commands", AuthorizeCard.type)
            assert await dead.discard("payment", lambda letter: letter.handle == first[1].handle) == 1
            assert len(await dead.letters("payment")) == 2


async def test_a_letter_that_crashed_its_process_is_told_the_same_after_many_looks(
    vhost_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What RabbitMQ wrote of its death is not on a copy, where the broker is a newer one."""
    monkeypatch.setenv("BROKER_URL", vhost_url)
    died: dict[str, Any] = {"queue": "payment.suspect", "reason": "delivery_limit", "exchange": "commands", "count": 1}
    died |= {"routing-keys": [AuthorizeCard.type], "time": datetime(2026, 11, 21, 12, 0, tzinfo=UTC)}
    async with await aio_pika.connect(vhost_url) as connection:
        channel = await connection.channel()
        arguments: dict[str, Any] = {"x-queue-type": "quorum", "x-delivery-limit": 20}
        await channel.declare_queue(dead_queue("payment"), durable=True, arguments=arguments)
        message = aio_pika.Message(b"{}", headers={"x-death": [died]}, message_id="m-1")
        await channel.default_exchange.publish(message, dead_queue("payment"))
        async with DeadLetters(vhost_url, ["payment"]) as dead:
            (first,) = await dead.letters("payment")
            for _ in range(30):
                (last,) = await dead.letters("payment")
            told = ("handle", "reason", "fingerprint", "first_failed_at", "last_failed_at", "body")
            assert [getattr(last, name) for name in told] == [getattr(first, name) for name in told]
            assert (last.came.exchange, last.came.routing_key) == (first.came.exchange, first.came.routing_key)


async def test_a_letter_of_which_only_the_head_is_read_is_shown_and_discarded_and_never_sent_again(
    broker_with_queues: aio_pika.abc.AbstractConnection, vhost_url: str
) -> None:
    """Under RabbitMQ's own delivery limit a message is buried whole, however large it is."""
    envelope = Envelope(id="large", source="tests", type=AuthorizeCard.type, correlation_id="p1")
    whole = b'{"card_token": "' + b"x" * 2_000_000 + b'"}'
    channel = await broker_with_queues.channel(publisher_confirms=True)
    large = aio_pika.Message(whole, headers=dict(envelope.headers()), message_id="large")
    await channel.default_exchange.publish(large, dead_queue("payment"))
    await bury(broker_with_queues, 2)
    async with DeadLetters(vhost_url, queues(HOUSE)) as dead:
        for _ in range(WORN + 2):
            assert {letter.id for letter in await dead.letters("payment")} == {"large", "m2"}

    shown = await milesaga("dead", "show", "large", "--json")
    assert "Only the head" in json.loads(shown.output)["letters"][0]["what_to_do"]
    refused = await milesaga("dead", "retry", "large", "--json")
    assert refused.exit_code == 1
    assert "of its body only the head can be read" in refused.output
    others = await milesaga("dead", "retry", "--all")
    assert (others.exit_code, "1 sent back" in others.output) == (1, True), "its neighbours are no heads"
    assert [message.message_id for message in await taken_from(broker_with_queues, "payment")] == ["m2"]

    message = await (await channel.get_queue(dead_queue("payment"), ensure=False)).get()
    assert hashlib.sha256(whole).hexdigest() in str(message.headers[MARK]), "it lies there whole"
    await message.nack()
    assert (await milesaga("dead", "discard", "large", "--yes")).exit_code == 0
    assert not await taken_from(broker_with_queues, dead_queue("payment"))
