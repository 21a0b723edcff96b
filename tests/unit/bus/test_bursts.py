"""What a connection brings is read as pamqp reads it, however it is cut, and whoever it is for."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from random import Random
from typing import Any

import pamqp.frame
import pytest
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.header import ContentHeader
from pamqp.heartbeat import Heartbeat

from shared.bus.bursts import Bursts, Content, Listener, Named, NoFrame, Thorough, read_content
from shared.bus.decoding import HEAD, LARGEST_BODY, MARK, Body

OURS, STRANGE = 1, 2
"""A channel that is listened on, and one that is not."""


class Ear:
    """Writes down what it is told, in order."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def delivered(self, named: Named, content: Content, body: bytes) -> None:
        self.told.append(("delivered", *named, dict(content.headers), content.message_id, content.user_id, body))

    def returned(self, content: Content) -> None:
        self.told.append(("returned", content.message_id))

    def confirmed(self, tag: int, *, multiple: bool, taken: bool) -> None:
        self.told.append(("confirmed", tag, multiple, taken))


def thorough_header(payload: bytes) -> Content:
    header = ContentHeader()
    header.unmarshal(payload)
    found = header.properties
    return Content(header.body_size, found.headers or {}, found.message_id or "", found.user_id or "")


def thorough_named(payload: bytes) -> Named:
    raise AssertionError(f"not expected: {payload!r}")


def bursts(ear: Listener) -> Bursts:
    return Bursts({OURS: ear}.get, Body, Thorough(thorough_header, thorough_named))


def fed(reader: Bursts, data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """What was handed on of the data, which arrived in parts."""
    places = [0, *sorted(cuts), len(data)]
    parts = (data[start:end] for start, end in pairwise(places))
    return [frame for part in parts for frame in reader.feed(part)]


def properties(random: Random) -> commands.Basic.Properties:
    words = ["", "a", "é", "x" * 255, "\U0001f6eb"]
    values: list[Any] = [*words, "y" * 1_000]
    if random.random() < 0.2:
        values += [7, True, None, 1.5, ["a", {"b": 1}]]
    given: dict[str, Any] = {
        "content_type": random.choice(words[:3]),
        "headers": {f"h{number}": random.choice(values) for number in range(random.randrange(6))},
        "delivery_mode": random.choice([1, 2]),
        "priority": random.randrange(10),
        "correlation_id": random.choice(words[:3]),
        "reply_to": random.choice(words[:3]),
        "expiration": "1000",
        "message_id": random.choice(words),
        "message_type": "t",
        "user_id": "guest",
        "app_id": "theirs",
    }
    return commands.Basic.Properties(**{name: value for name, value in given.items() if random.random() < 0.5})


def message(method: Any, content: ContentHeader, body: bytes, channel: int, largest: int = 100) -> list[bytes]:
    parts = [body[at : at + largest] for at in range(0, len(body), largest)]
    return [pamqp.frame.marshal(each, channel) for each in (method, content, *map(ContentBody, parts))]


def test_a_connections_frames_are_told_as_they_were_written_wherever_they_are_cut() -> None:
    for seed in range(300):
        random = Random(seed)
        frames: list[bytes] = []
        expected: list[Any] = []
        strange: list[bytes] = []
        for number in range(1, random.randrange(2, 12)):
            body = random.randbytes(random.choice([0, 1, 99, 100, 101, 250]))
            given = properties(random)
            header = ContentHeader(body_size=len(body), properties=given)
            deliver = commands.Basic.Deliver("tag", number, random.random() < 0.5, "events", "a.b.v1")
            match random.randrange(5):
                case 0:
                    frames += message(deliver, header, body, OURS)
                    told = (dict(given.headers or {}), given.message_id or "", given.user_id or "")
                    named = ("tag", number, bool(deliver.redelivered), "events", "a.b.v1")
                    expected.append(("delivered", *named, *told, body))
                case 1:
                    frames += message(commands.Basic.Return(312, "NO_ROUTE", "events", "a"), header, body, OURS)
                    expected.append(("returned", given.message_id or ""))
                case 2:
                    multiple = random.random() < 0.5
                    frames.append(pamqp.frame.marshal(commands.Basic.Ack(number, multiple), OURS))
                    expected.append(("confirmed", number, multiple, True))
                case 3:
                    frames.append(pamqp.frame.marshal(commands.Basic.Nack(number, multiple=True), OURS))
                    expected.append(("confirmed", number, True, False))
                case _:
                    others = [
                        *message(deliver, header, body, STRANGE),
                        pamqp.frame.marshal(commands.Basic.ConsumeOk("tag"), OURS),
                        pamqp.frame.marshal(Heartbeat(), 0),
                    ]
                    frames += others
                    strange += others
        data = b"".join(frames)
        ear = Ear()
        handed_on = fed(bursts(ear), data, random.sample(range(len(data)), min(len(data), random.randrange(20))))
        assert ear.told == expected, f"seed {seed}"
        assert handed_on == strange, f"seed {seed}"


def test_a_header_is_read_as_pamqp_reads_it_or_left_to_it() -> None:
    left = 0
    for seed in range(2_000):
        given = properties(Random(seed))
        payload = ContentHeader(body_size=seed, properties=given).marshal()
        found = read_content(payload)
        left += found is None
        if found is not None:
            assert found == thorough_header(payload), f"seed {seed}"
    assert 200 < left < 1_800, "both happen"


def test_a_header_that_was_tampered_with_is_read_as_pamqp_reads_it_or_left_to_it() -> None:
    for seed in range(5_000):
        random = Random(seed)
        payload = bytearray(ContentHeader(body_size=3, properties=properties(random)).marshal())
        for _ in range(random.randrange(1, 4)):
            payload[random.randrange(12, len(payload))] = random.randrange(256)
        found = read_content(bytes(payload))
        if found is not None:
            assert found == thorough_header(bytes(payload)), f"seed {seed}"


def test_what_is_no_amqp_ends_the_reading_and_nothing_else_does() -> None:
    whole = b"".join(
        [
            *message(commands.Basic.Deliver("t", 1, False, "e", "r"), ContentHeader(body_size=3), b"abc", OURS),
            pamqp.frame.marshal(commands.Basic.Ack(9, multiple=True), OURS),
        ]
    )
    ended = 0
    for seed in range(3_000):
        random = Random(seed)
        data = bytearray(whole)
        for _ in range(random.randrange(1, 4)):
            data[random.randrange(len(data))] = random.randrange(256)
        reader = Bursts({OURS: Ear()}.get, Body, Thorough(read_anything, name_anything))
        try:
            fed(reader, bytes(data), ())
        except NoFrame:
            ended += 1
    assert 300 < ended < 3_000


def read_anything(payload: bytes) -> Content:
    return Content(int.from_bytes(payload[4:12]), {})


def name_anything(_: bytes) -> Named:
    return Named("", 0, False, "", "")


@pytest.mark.parametrize("greeting", [b"AMQP\x00\x00\x09\x01", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_server_of_another_kind_is_told_apart(greeting: bytes) -> None:
    with pytest.raises(NoFrame, match="kind"):
        fed(bursts(Ear()), greeting, ())


def test_a_body_beyond_what_is_read_is_told_by_its_head_and_marked() -> None:
    body = Random(1).randbytes(LARGEST_BODY + 1)
    deliver = commands.Basic.Deliver("t", 1, False, "public", "r")
    header = ContentHeader(body_size=len(body), properties=commands.Basic.Properties(headers={"a": "b"}))
    ear = Ear()
    fed(bursts(ear), b"".join(message(deliver, header, body, OURS, largest=131_000)), (5, 70_000, 900_000))
    [(*_, headers, _, _, kept)] = ear.told
    assert kept == body[:HEAD]
    assert str(len(body)) in headers.pop(MARK)
    assert headers == {"a": "b"}


def test_a_message_that_its_channel_ended_in_is_forgotten() -> None:
    ear = Ear()
    reader = bursts(ear)
    header = ContentHeader(body_size=3)
    method, head, _ = message(commands.Basic.Deliver("t", 1, False, "e", "old"), header, b"abc", OURS)
    closed = pamqp.frame.marshal(commands.Channel.Close(404, "gone", 0, 0), OURS)
    again = message(commands.Basic.Deliver("t", 1, False, "e", "new"), header, b"abc", OURS)
    assert fed(reader, b"".join([method, head, closed, *again]), ()) == [closed]
    assert [each[5] for each in ear.told] == ["new"]


def test_what_stands_before_a_strange_frame_is_told_before_it() -> None:
    ear = Ear()
    frames: Sequence[bytes] = [
        pamqp.frame.marshal(commands.Basic.Ack(1), OURS),
        pamqp.frame.marshal(commands.Channel.Close(404, "gone", 0, 0), OURS),
    ]
    for _ in bursts(ear).feed(b"".join(frames)):
        assert ear.told == [("confirmed", 1, False, True)]
