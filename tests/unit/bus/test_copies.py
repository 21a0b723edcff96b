"""A copy goes where its target says, and a service takes it for nothing else than it is."""

from typing import Any, ClassVar

import pytest

from shared.bus.arrival import Arrival, arrival
from shared.bus.copies import dead, outgoing
from shared.bus.dispatch import Dispatcher
from shared.bus.retry import Unreadable
from shared.contracts.buses import TargetTerms
from shared.contracts.cloudevents import Envelope
from shared.contracts.copies import WAY, Copy
from shared.contracts.messages import Message, OutboxMessage
from shared.routing.bus import compiled
from tests.unit.routing.samples import AT, ISSUED, a_rule, an_event, terms

DESK = TargetTerms(service="desk")


class Issued(Message):
    """What a service takes of a partner's events."""

    type: ClassVar[str] = ISSUED
    exchange: ClassVar[str] = WAY
    mandatory: ClassVar[bool] = True
    total: int


class Run(Message):
    """A command of the service's own."""

    type: ClassVar[str] = "desk.run.v1"
    exchange: ClassVar[str] = "commands"
    mandatory: ClassVar[bool] = True
    total: int


class OfOurOwn(Issued):
    """An event of the house."""

    type: ClassVar[str] = "checkout.completed.v1"
    exchange: ClassVar[str] = "events"


def a_copy(**more: Any) -> Copy:
    bus = compiled("fuel", 1, terms(a_rule(when={"data": {"total": [3000]}}, to=("desk",), **more)))
    return bus.route(an_event(correlationid="somebody-elses")).copies[0]


async def taken(message: OutboxMessage, *contracts: type[Message]) -> list[tuple[Message, Envelope]]:
    """By a service whose queue it lies in."""
    found: list[tuple[Message, Envelope]] = []

    async def handle(got: Message, envelope: Envelope) -> None:
        found.append((got, envelope))

    came = arrival("desk", Arrival(message.exchange, message.routing_key, dict(message.headers)))
    await Dispatcher(dict.fromkeys(contracts, handle)).dispatch(came, message.body)
    return found


def sent(copy: Copy, target: TargetTerms = DESK) -> OutboxMessage:
    message = outgoing(copy, target, AT)
    assert message is not None
    return message


async def test_a_service_takes_a_partners_event_by_a_contract_that_names_its_way() -> None:
    ((message, envelope),) = await taken(sent(a_copy()), Issued)
    assert message == Issued(total=3000)
    assert envelope.id == "4711"


async def test_a_partner_does_not_choose_the_purchase_that_a_service_reads() -> None:
    ((_, envelope),) = await taken(sent(a_copy()), Issued)
    assert envelope.correlation_id == ""


async def test_a_copy_of_another_type_is_a_command() -> None:
    ((message, _),) = await taken(sent(a_copy(**{"as": "desk.run.v1"})), Run)
    assert message == Run(total=3000)


@pytest.mark.parametrize("kind", [Run.type, OfOurOwn.type])
async def test_a_partner_that_names_its_event_like_one_of_ours_is_not_believed(kind: str) -> None:
    bus = compiled("fuel", 1, terms(a_rule(when={"data": {"total": [3000]}}, to=("desk",))))
    (copy,) = bus.route(an_event(kind=kind)).copies
    with pytest.raises(Unreadable):
        await taken(sent(copy), Run, OfOurOwn)


def test_a_queue_and_a_webhook_have_the_target_queue_and_a_feed_has_none() -> None:
    copy = a_copy()
    for target in (TargetTerms(queue=True), TargetTerms(webhook="https://bi.example/x")):
        message = sent(copy, target)
        assert (message.exchange, message.routing_key, message.mandatory) == ("", "target.fuel.desk", True)
        assert Copy.of(message.headers, message.body) == copy
    assert outgoing(copy, TargetTerms(feed=True), AT) is None


def test_a_dead_copy_lies_beside_its_target_and_says_why() -> None:
    message = dead(a_copy(), TargetTerms(queue=True), "template_failed", "nothing for /data/x", AT)
    assert message is not None
    assert message.routing_key == "target.fuel.desk.dead"
    assert message.headers["milesaga-reason"] == "template_failed: nothing for /data/x"
    assert message.headers["milesaga-fingerprint"] == "fuel/desk:template_failed"
    assert Copy.of(message.headers, message.body).deliveryid == message.id


def test_a_dead_copy_for_a_service_lies_among_its_letters_and_one_for_a_feed_nowhere() -> None:
    message = dead(a_copy(), DESK, "template_failed", "x", AT)
    assert message is not None
    assert message.routing_key == "desk.dead"
    assert dead(a_copy(), TargetTerms(feed=True), "template_failed", "x", AT) is None
