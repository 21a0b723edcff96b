"""The bus on a real broker: what is published arrives, what fails waits, what cannot be read is kept."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from shared.bus import headers as names
from shared.bus.outbox import Unroutable
from shared.contracts.cloudevents import Envelope
from shared.kernel.errors import Later
from tests.component.bus.conftest import Errand, Heard, Job, OpenBus, outbox_of
from tests.eventually import eventually
from tests.kit.lines import Lines


class Recorder:
    """A handler that remembers, and fails as often as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.seen: list[tuple[str, datetime]] = []
        self.headers: list[Envelope] = []

    async def __call__(self, job: Job, envelope: Envelope) -> None:
        self.seen.append((job.name, datetime.now(UTC)))
        self.headers.append(envelope)
        if self.failures:
            raise self.failures.pop(0)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.seen]


async def dead(channel: AbstractChannel, queue: str = "work.dead") -> list[AbstractIncomingMessage]:
    """Everything among the dead letters."""
    found = []
    dead_letters = await channel.get_queue(queue)
    while (message := await dead_letters.get(fail=False)) is not None:
        found.append(message)
    return found


async def count(channel: AbstractChannel, queue: str) -> int:
    return (await channel.declare_queue(queue, passive=True)).declaration_result.message_count or 0


async def test_a_message_reaches_its_handler_with_its_envelope(vhost_url: str, open_bus: OpenBus) -> None:
    seen = Recorder()
    bus = await open_bus(vhost_url, {Job: seen})
    outbox = outbox_of(bus)
    entry = outbox.entry(Job(name="a"), Envelope(id="cause", source="s", type="t", traceparent="00-1-2-01"))
    await bus.publisher.publish([entry])
    await eventually(lambda: seen.names == ["a"])
    envelope = seen.headers[0]
    assert (envelope.id, envelope.causation_id, envelope.correlation_id) == (entry.id, "cause", "a")
    assert (envelope.type, envelope.source, envelope.traceparent) == ("work.job.v1", "tests", "00-1-2-01")


async def test_each_message_has_a_line_for_whoever_looks_closely(
    vhost_url: str, open_bus: OpenBus, lines: Lines
) -> None:
    bus = await open_bus(vhost_url, {Job: Recorder()})
    entry = outbox_of(bus).entry(Job(name="a"))
    await bus.publisher.publish([entry])
    await eventually(lambda: len(lines.of("message handled")) == 1)
    (line,) = lines.of("message handled")
    told = {name: line[name] for name in ("level", "service", "message_id", "message_type", "purchase_id", "outcome")}
    assert told == {
        "level": "debug",
        "service": "work",
        "message_id": entry.id,
        "message_type": "work.job.v1",
        "purchase_id": "a",
        "outcome": "done",
    }


async def test_a_command_that_no_queue_takes_raises(vhost_url: str, open_bus: OpenBus) -> None:
    bus = await open_bus(vhost_url)
    with pytest.raises(Unroutable, match=r"nobody\.errand\.v1"):
        await outbox_of(bus).say(Errand(name="a"))


async def test_one_unroutable_command_does_not_fail_its_neighbours(vhost_url: str, open_bus: OpenBus) -> None:
    seen = Recorder()
    bus = await open_bus(vhost_url, {Job: seen})
    outbox = outbox_of(bus)
    said = await asyncio.gather(
        *(outbox.say(Errand(name="x") if i == 5 else Job(name=str(i))) for i in range(10)), return_exceptions=True
    )
    assert [type(each) for each in said if each is not None] == [Unroutable]
    await eventually(lambda: sorted(seen.names) == sorted(str(i) for i in range(10) if i != 5))


async def test_an_event_that_nobody_wants_is_no_error(vhost_url: str, open_bus: OpenBus) -> None:
    await outbox_of(await open_bus(vhost_url)).say(Heard(name="a"))


async def test_a_tier_brings_a_message_back_to_the_one_queue_it_failed_in(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    seen = Recorder(RuntimeError("once"))
    bus = await open_bus(vhost_url, {Job: seen})
    # A second queue hears the same message; the retry must not come to it again.
    listener = await channel.declare_queue("listener", durable=True)
    await listener.bind("commands", "work.#")
    await outbox_of(bus).say(Job(name="a"))
    await eventually(lambda: seen.names == ["a", "a"], within=10)
    assert await count(channel, "listener") == 1
    waited = seen.seen[1][1] - seen.seen[0][1]
    assert timedelta(seconds=0.9) < waited < timedelta(seconds=4)
    assert await dead(channel) == []


async def test_later_waits_about_as_long_as_it_says(vhost_url: str, open_bus: OpenBus) -> None:
    seen = Recorder(Later("busy", timedelta(seconds=3)))
    bus = await open_bus(vhost_url, {Job: seen})
    await outbox_of(bus).say(Job(name="a"))
    await eventually(lambda: len(seen.seen) == 2, within=15)
    assert seen.seen[1][1] - seen.seen[0][1] > timedelta(seconds=4.5)


async def test_what_runs_out_of_budget_is_kept_with_reason_exception_and_times(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    seen = Recorder(*[ValueError("secret 4242")] * 9)
    bus = await open_bus(vhost_url, {Job: seen}, budget=timedelta(seconds=1.5))
    await outbox_of(bus).say(Job(name="a"))
    await eventually(lambda: len(seen.seen) == 2, within=10)
    letters: list[AbstractIncomingMessage] = []

    async def letter_is_there() -> bool:
        letters.extend(await dead(channel))
        return bool(letters)

    await eventually(letter_is_there)
    headers = letters[0].headers
    assert headers[names.EXCEPTION] == "ValueError"
    assert str(headers[names.FINGERPRINT]).startswith("ValueError@")
    assert (headers[names.ATTEMPTS], headers[names.QUEUE]) == ("2", "work")
    assert (headers[names.EXCHANGE], headers[names.ROUTING_KEY]) == ("commands", "work.job.v1")
    assert str(headers[names.FIRST_FAILED_AT]) < str(headers[names.LAST_FAILED_AT])
    assert "4242" not in str(headers), "an exception's text may hold personal data"
    assert letters[0].body == b'{"name":"a"}'


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ({}, b"{}", "cloudEvents:specversion is missing"),
        ({"type": "work.job.v1"}, b"\xff\xfe", "Invalid JSON"),
        ({"type": "work.job.v1"}, b"{}", "/name: Field required"),
        ({"type": "work.job.v1"}, b'{"name": {"a": "secret"}}', "/name: Input should be a valid string"),
        ({"type": "work.unheard_of.v1"}, b"{}", "unknown type 'work.unheard_of.v1'"),
        ({"type": "garbage"}, b"{}", "unknown type 'garbage'"),
        ({"type": "work.job.v1", "specversion": "0.3"}, b'{"name": "a"}', "specversion is '0.3'"),
    ],
)
async def test_what_cannot_be_read_goes_to_the_dead_letters_at_once(  # noqa: PLR0917
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel, headers: dict[str, str], body: bytes, reason: str
) -> None:
    seen = Recorder()
    await open_bus(vhost_url, {Job: seen})
    full = {"specversion": "1.0", "id": "1", "source": "x", **headers} if headers else {}
    message = aio_pika.Message(body, headers={f"cloudEvents:{name}": value for name, value in full.items()})
    await (await channel.get_exchange("commands")).publish(message, "work.job.v1")
    letters: list[AbstractIncomingMessage] = []

    async def letter_is_there() -> bool:
        letters.extend(await dead(channel))
        return bool(letters)

    await eventually(letter_is_there)
    assert reason in str(letters[0].headers[names.REASON])
    assert "secret" not in str(letters[0].headers)
    assert letters[0].body == body
    assert seen.seen == []


async def test_attributes_may_be_written_with_an_underscore(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    seen = Recorder()
    await open_bus(vhost_url, {Job: seen})
    headers = {"specversion": "1.0", "id": "1", "source": "x", "type": "work.job.v1"}
    message = aio_pika.Message(b'{"name": "a"}', headers={f"cloudEvents_{k}": v for k, v in headers.items()})
    await (await channel.get_exchange("commands")).publish(message, "work.job.v1")
    await eventually(lambda: seen.names == ["a"])


async def test_a_newer_version_of_a_known_message_waits_for_a_process_that_knows_it(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    await open_bus(vhost_url, {Job: Recorder()})
    headers = {"specversion": "1.0", "id": "1", "source": "x", "type": "work.job.v2"}
    message = aio_pika.Message(b"{}", headers={f"cloudEvents:{k}": v for k, v in headers.items()})
    await (await channel.get_exchange("commands")).publish(message, "work.job.v2")

    async def it_waits_in_a_tier() -> bool:
        return await count(channel, "retry.1s") == 1

    await eventually(it_waits_in_a_tier)
    assert await dead(channel) == []


async def test_a_first_failure_time_that_somebody_made_up_does_no_harm(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    seen = Recorder(RuntimeError("once"))
    await open_bus(vhost_url, {Job: seen})
    headers = {"specversion": "1.0", "id": "1", "source": "x", "type": "work.job.v1"}
    made_up: dict[str, Any] = {names.FIRST_FAILED_AT: "yesterday", names.ATTEMPTS: "-3", "x-odd": {"nested": 1}}
    message = aio_pika.Message(
        b'{"name": "a"}', headers={**{f"cloudEvents:{k}": v for k, v in headers.items()}, **made_up}
    )
    await (await channel.get_exchange("commands")).publish(message, "work.job.v1")
    await eventually(lambda: seen.names == ["a", "a"], within=10)


async def test_draining_finishes_what_is_in_hand_and_takes_no_more(
    vhost_url: str, open_bus: OpenBus, channel: AbstractChannel
) -> None:
    begun, finish = asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def slow(job: Job, _: Envelope) -> None:
        begun.set()
        await finish.wait()
        done.append(job.name)

    bus = await open_bus(vhost_url, {Job: slow}, prefetch=1)
    outbox = outbox_of(bus)
    await outbox.say(Job(name="in hand"))
    await outbox.say(Job(name="not taken"))
    await begun.wait()
    draining = asyncio.create_task(bus.drain(20))
    finish.set()
    await draining
    await bus.close()
    assert done == ["in hand"]

    async def one_is_left() -> bool:
        return await count(channel, "work") == 1

    await eventually(one_is_left)


async def test_a_service_has_no_more_in_hand_than_it_asked_for(vhost_url: str, open_bus: OpenBus) -> None:
    begun: list[str] = []
    finish = asyncio.Event()

    async def slow(job: Job, _: Envelope) -> None:
        begun.append(job.name)
        await finish.wait()

    bus = await open_bus(vhost_url)
    outbox = outbox_of(bus)
    for name in "abcde":
        await outbox.say(Job(name=name))
    await bus.consume("work", {Job: slow}, prefetch=2)
    await eventually(lambda: len(begun) == 2)
    assert (await bus.depths(["work"]))["work"].messages == 3, "the broker keeps what is not in hand"
    finish.set()
    await eventually(lambda: sorted(begun) == list("abcde"))


async def test_ten_thousand_messages_arrive_once_each(vhost_url: str, open_bus: OpenBus) -> None:
    seen = Recorder()
    bus = await open_bus(vhost_url, {Job: seen})
    outbox = outbox_of(bus)
    entries = [outbox.entry(Job(name=str(i))) for i in range(10_000)]
    for at in range(0, len(entries), 500):
        await bus.publisher.publish(entries[at : at + 500])
    await eventually(lambda: len(seen.seen) == 10_000, within=30)
    assert len(set(seen.names)) == 10_000
