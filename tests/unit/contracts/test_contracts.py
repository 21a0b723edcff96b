"""The contracts: names written once, envelopes there and back, no personal data where it does not belong."""

import re
from datetime import UTC, datetime

import pytest

from services.house import HOUSE
from shared.bus.asyncapi import document
from shared.contracts import CATALOGUE
from shared.contracts.checkout import StartCheckout
from shared.contracts.cloudevents import Envelope
from shared.contracts.journey import Contact, Passenger
from shared.contracts.messages import Event, Message
from shared.contracts.payment import AuthorizeCard
from shared.contracts.steps import Answer, Command
from shared.kernel.money import Money
from shared.runtime.description import queues

QUEUES = queues(HOUSE)
BROKER = "amqps://shop:secret@broker.test:5679/miles"


@pytest.mark.parametrize("contract", CATALOGUE.values(), ids=lambda contract: contract.type)
def test_a_type_is_named_owner_name_version(contract: type[Message]) -> None:
    assert re.fullmatch(r"[a-z]+\.[a-z_]+\.v[1-9]\d*", contract.type)
    assert contract.__doc__, "a contract says what it means"


@pytest.mark.parametrize("contract", CATALOGUE.values(), ids=lambda contract: contract.type)
def test_commands_and_answers_must_be_routable_and_events_need_not(contract: type[Message]) -> None:
    assert contract.mandatory is not issubclass(contract, Event)
    if issubclass(contract, Command):
        assert contract.owner() in QUEUES, "nobody would receive it"


def test_answers_carry_the_identity_of_their_command() -> None:
    command = AuthorizeCard(
        purchase_id="p", step="authorize payment", attempt=3, amount=Money(amount=1, currency="BRL"), card_token="tok"
    )
    for contract in CATALOGUE.values():
        if issubclass(contract, Answer) and not set(contract.model_fields) - set(Answer.model_fields):
            answer = contract.to(command)
            assert (answer.purchase_id, answer.step, answer.attempt) == ("p", "authorize payment", 3)
            assert answer.undo is False


def test_unknown_fields_are_passed_over_so_that_an_addition_needs_no_ceremony() -> None:
    body = '{"purchase_id": "p", "step": "s", "new_in_a_later_release": 1, "amount": {"amount": 1, "currency": "BRL"}}'
    assert AuthorizeCard.model_validate_json(body[:-1] + ', "card_token": "t"}').purchase_id == "p"


def test_personal_fields_stay_out_of_what_is_printed() -> None:
    passenger = Passenger(given_name="Ana", surname="Souza", birth_date="1990-01-01", document="X1")
    contact = Contact(email="ana@example.com", phone="+551100000000")
    printed = f"{passenger!r} {contact!r} {passenger} {contact}"
    for secret in ("Ana", "Souza", "1990", "X1", "example", "5511"):
        assert secret not in printed


def test_an_envelope_survives_its_headers() -> None:
    envelope = Envelope(
        id="1",
        source="milesaga/checkout",
        type="payment.capture.v1",
        time=datetime(2027, 1, 1, tzinfo=UTC),
        correlation_id="p",
        causation_id="0",
        traceparent="00-a-b-01",
    )
    assert Envelope.of(envelope.headers()) == envelope
    assert (
        Envelope.of({k.replace("cloudEvents:", "cloudEvents_"): v for k, v in envelope.headers().items()}) == envelope
    )


@pytest.mark.parametrize("missing", ["specversion", "id", "source", "type"])
def test_a_missing_attribute_is_named(missing: str) -> None:
    headers = Envelope(id="1", source="s", type="t.t.v1").headers()
    del headers[f"cloudEvents:{missing}"]
    with pytest.raises(ValueError, match=f"cloudEvents:{missing} is missing"):
        Envelope.of(headers)


def test_a_time_that_is_none_is_refused() -> None:
    headers = {**Envelope(id="1", source="s", type="t").headers(), "cloudEvents:time": "noon"}
    with pytest.raises(ValueError, match="cloudEvents:time is 'noon'"):
        Envelope.of(headers)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"contact": {"email": "nobody"}}, "email"),
        ({"contact": {"email": "a@b.c", "surprise": 1}}, "surprise"),
        ({"payment": {"method": "card", "token": "4242424242424242"}}, "token"),
        ({"payment": {"method": "cash"}}, "payment"),
        ({"key": ""}, "key"),
        ({"key": "two words"}, "key"),
        ({"key": "k\n"}, "key"),
        ({"key": "k" * 256}, "key"),
        ({"member_id": "ana\x00bob"}, "member_id"),
        ({"member_id": "an\u00e1"}, "member_id"),
        ({"cart_id": "c\x00"}, "cart_id"),
    ],
)
def test_what_a_partner_writes_wrong_is_refused(change: dict[str, object], place: str) -> None:
    good = {
        "key": "k",
        "member_id": "m",
        "cart_id": "c",
        "payment": {"method": "card", "token": "tok_visa"},
        "contact": {"email": "a@b.c"},
    }
    assert StartCheckout.model_validate(good).payment is not None
    with pytest.raises(ValueError, match=place):
        StartCheckout.model_validate({**good, **change})


def test_the_asyncapi_document_lists_every_message() -> None:
    described = document("1.0", QUEUES, BROKER)
    assert described["asyncapi"].startswith("3.")
    assert set(described["channels"]) == set(CATALOGUE)
    names = {message["payload"]["$ref"].rsplit("/", 1)[1] for message in described["components"]["messages"].values()}
    assert names == {contract.__name__ for contract in CATALOGUE.values()}


def test_the_asyncapi_document_names_the_real_broker_and_none_of_its_secrets() -> None:
    described = document("1.0", QUEUES, BROKER)
    server = described["servers"]["broker"]
    assert (server["host"], server["protocol"], server["pathname"]) == ("broker.test:5679", "amqps", "/miles")
    assert "secret" not in str(described)


@pytest.mark.parametrize("contract", CATALOGUE.values(), ids=lambda contract: contract.type)
def test_each_message_tells_its_exchange_its_headers_whom_it_is_for_and_an_example(contract: type[Message]) -> None:
    described = document("1.0", QUEUES, BROKER)
    channel, message = described["channels"][contract.type], described["components"]["messages"][contract.type]
    assert channel["address"] == channel["bindings"]["amqp"]["exchange"]["name"] == contract.exchange
    assert described["operations"][contract.type]["action"] == ("send" if contract.exchange == "events" else "receive")
    assert message["name"] == contract.type
    assert message["description"]
    assert {f"cloudEvents:{name}" for name in ("id", "source", "type", "specversion")} == set(
        message["headers"]["required"]
    )
    public = contract.exchange in ("events", "public")
    assert message["tags"] == [{"name": "public" if public else "internal"}]
    (example,) = message["examples"]
    Envelope.of(example["headers"])
    contract.model_validate(example["payload"])


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    described = document("1.0", QUEUES, BROKER)
    for place in set(re.findall(r"'#/([^']+)'", str(described))):
        node = described
        for part in place.split("/"):
            node = node[part]


def test_a_discriminator_of_the_asyncapi_document_is_a_propertys_name() -> None:
    """OpenAPI's, which pydantic writes, is an object."""
    payment = document("1.0", QUEUES, BROKER)["components"]["schemas"]["StartCheckout"]["properties"]["payment"]
    assert [each.get("discriminator") for each in payment["anyOf"]] == ["method", None]
