"""Our encoder against pamqp's, which is made for every kind of value."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands
from pamqp.body import ContentBody
from pamqp.frame import marshal
from pamqp.header import ContentHeader

from shared.bus import frames
from shared.contracts.messages import OutboxMessage

LARGEST = 4_096
names = st.text(min_size=1, max_size=60)


header_names = names.filter(lambda name: len(name.encode()) <= 128)  # pamqp cuts longer ones, AMQP does not


def a_message(exchange: str, key: str, headers: dict[str, str], body: bytes, *, mandatory: bool) -> OutboxMessage:
    return OutboxMessage(
        id="0192f0c1-7d3b-7c3e-9f10-5d2b7c1a9e01",
        exchange=exchange,
        routing_key=key,
        headers=headers,
        body=body,
        mandatory=mandatory,
        saved_at=datetime.now(UTC),
    )


@given(
    channel=st.integers(1, 2047),
    exchange=st.sampled_from(["", "commands", "retry.1s"]),
    key=names,
    headers=st.dictionaries(header_names, st.text(min_size=1, max_size=200), max_size=3),
    body=st.binary(max_size=300).map(lambda body: body * 40),
    mandatory=st.booleans(),
)
def test_a_publish_has_the_same_bytes_as_pamqps(
    *, channel: int, exchange: str, key: str, headers: dict[str, str], body: bytes, mandatory: bool
) -> None:
    headers = dict(sorted(headers.items()))  # as pamqp writes them; to AMQP their order means nothing
    message = a_message(exchange, key, headers, body, mandatory=mandatory)
    properties = commands.Basic.Properties(
        content_type="application/json", delivery_mode=2, message_id=message.id, headers=dict(headers)
    )
    expected = marshal(commands.Basic.Publish(exchange=exchange, routing_key=key, mandatory=mandatory), channel)
    expected += marshal(ContentHeader(body_size=len(body), properties=properties), channel)
    for at in range(0, len(body), LARGEST):
        expected += marshal(ContentBody(body[at : at + LARGEST]), channel)
    assert frames.publish(channel, message, message.id, LARGEST) == expected


def test_a_name_that_amqp_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="255"):
        frames.publish(1, a_message("commands", "x" * 256, {}, b"{}", mandatory=True), "1", LARGEST)


def test_headers_beyond_one_frame_are_refused_rather_than_sent() -> None:
    """The broker would close the connection."""
    with pytest.raises(ValueError, match="one frame holds"):
        frames.publish(1, a_message("commands", "a", {"h": "x" * LARGEST}, b"{}", mandatory=True), "1", LARGEST)
