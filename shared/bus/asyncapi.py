"""The AsyncAPI 3 document: every message there is, made from the contracts, the topology and the broker's address."""

import inspect
from fnmatch import fnmatch
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic.json_schema import models_json_schema

from shared.bus.examples import example
from shared.bus.topology import EXCHANGES, Queues
from shared.contracts import CATALOGUE
from shared.contracts.cloudevents import CONTENT_TYPE, LONGEST_ATTRIBUTE, REQUIRED
from shared.contracts.messages import Event, Message, PublicMessage

Json = dict[str, Any]

DESCRIPTION: Final = """\
CloudEvents 1.0 in AMQP binary content mode: attributes are headers `cloudEvents:id`, `cloudEvents:source`,
`cloudEvents:type`, `cloudEvents:specversion` (`cloudEvents_...` is accepted too), the body is JSON.

A channel's address is its exchange; the routing key is the message's type. Outsiders publish to the exchange `public`
with their own user as `user_id`, and bind queues of their own to `events`: those messages have the tag `public`.
`commands` and `answers` are the services' own, with the tag `internal`.
"""
BINDING: Final = "0.3.0"
SERVER: Final = "broker"
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": LONGEST_ATTRIBUTE}
_ATTRIBUTES: Final[dict[str, Json]] = {
    "specversion": {"const": "1.0", "description": "The version of CloudEvents."},
    "id": {**_TEXT, "description": "The message's own; the same id is the same message.", "examples": ["7d0f6f2e"]},
    "source": {**_TEXT, "description": "Who says it.", "examples": ["/partner"]},
    "time": {**_TEXT, "format": "date-time", "description": "When it was said.", "examples": ["2027-01-20T10:00:00Z"]},
    "correlationid": {**_TEXT, "description": "The purchase it is about.", "examples": ["0198f0c2"]},
    "causationid": {**_TEXT, "description": "The message that it answers or follows.", "examples": ["5b1c8a90"]},
    "traceparent": {**_TEXT, "description": "W3C trace context.", "examples": [f"00-{'1' * 32}-{'2' * 16}-01"]},
}


def document(version: str, queues: Queues, broker_url: str) -> Json:
    """The whole document; `version` is the software's. Of the broker's URL nothing secret is told."""
    contracts = sorted(CATALOGUE.values(), key=lambda contract: contract.type)
    _, shapes = models_json_schema(
        [(contract, "validation") for contract in contracts], ref_template="#/components/schemas/{model}"
    )
    schemas = {name: _without_mappings(schema) for name, schema in shapes["$defs"].items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Milesaga",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
            "tags": [{"name": "public"}, {"name": "internal"}],
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {SERVER: _server(broker_url)},
        "channels": {contract.type: _channel(contract, broker_url) for contract in contracts},
        "operations": {contract.type: _operation(contract, queues, broker_url) for contract in contracts},
        "components": {
            "messages": {contract.type: _message(contract, schemas) for contract in contracts},
            "schemas": schemas,
            "securitySchemes": {"user": {"type": "userPassword", "description": "A user of the broker"}},
        },
    }


def _without_mappings(node: Any) -> Any:
    """The schema with AsyncAPI's kind of discriminator, which is a property's name; OpenAPI's is an object."""
    if isinstance(node, list):
        return [_without_mappings(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        name: each["propertyName"] if name == "discriminator" else _without_mappings(each)
        for name, each in node.items()
    }


def _server(broker_url: str) -> Json:
    parts = urlsplit(broker_url)
    port = parts.port or (5671 if parts.scheme == "amqps" else 5672)
    return {
        "host": f"{parts.hostname}:{port}",
        "protocol": parts.scheme,
        "protocolVersion": "0-9-1",
        "pathname": f"/{_vhost(broker_url)}",
        "description": "RabbitMQ",
        "security": [{"$ref": "#/components/securitySchemes/user"}],
    }


def _vhost(broker_url: str) -> str:
    return urlsplit(broker_url).path.removeprefix("/")


def _channel(contract: type[Message], broker_url: str) -> Json:
    exchange = next(each for each in EXCHANGES if each.name == contract.exchange)
    described = {"name": exchange.name, "type": exchange.type.value, "durable": exchange.durable, "autoDelete": False}
    return {
        "address": contract.exchange,
        "title": contract.type,
        "description": _words(contract),
        "servers": [{"$ref": f"#/servers/{SERVER}"}],
        "messages": {contract.type: {"$ref": f"#/components/messages/{contract.type}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": described | {"vhost": _vhost(broker_url) or "/"},
                "bindingVersion": BINDING,
            }
        },
    }


def _operation(contract: type[Message], queues: Queues, broker_url: str) -> Json:
    """As this side sees it: events are sent, everything else is received."""
    told = issubclass(contract, Event)
    operation: Json = {
        "action": "send" if told else "receive",
        "channel": {"$ref": f"#/channels/{contract.type}"},
        "summary": _words(contract).partition("\n")[0],
        "messages": [{"$ref": f"#/channels/{contract.type}/messages/{contract.type}"}],
        "bindings": {"amqp": {"cc": [contract.type], "deliveryMode": 2, "bindingVersion": BINDING}},
        "tags": [{"name": audience(contract)}],
    }
    if told:
        operation["description"] = f"Through the exchange `{contract.exchange}`, to every queue that is bound to it."
    else:
        queue = _receiver(contract, queues)
        operation["description"] = f"By the queue `{queue}` of the virtual host `{_vhost(broker_url) or '/'}`."
    return operation


def _message(contract: type[Message], schemas: Json) -> Json:
    words = _words(contract)
    return {
        "name": contract.type,
        "title": contract.__name__,
        "summary": words.partition("\n")[0],
        "description": words,
        "contentType": CONTENT_TYPE,
        "correlationId": {"location": "$message.header#/cloudEvents:correlationid"},
        "headers": _headers(contract),
        "payload": {"$ref": f"#/components/schemas/{contract.__name__}"},
        "tags": [{"name": audience(contract)}],
        "examples": [
            {
                "name": contract.__name__,
                "headers": _example_headers(contract),
                "payload": example(schemas[contract.__name__], schemas),
            }
        ],
    }


def audience(contract: type[Message]) -> str:
    """`public` for what outsiders may say or hear."""
    return "public" if issubclass(contract, Event | PublicMessage) else "internal"


def _headers(contract: type[Message]) -> Json:
    attributes = _ATTRIBUTES | {"type": {"const": contract.type, "description": "The message's type."}}
    return {
        "type": "object",
        "required": [f"cloudEvents:{name}" for name in REQUIRED],
        "properties": {f"cloudEvents:{name}": {"type": "string", **about} for name, about in attributes.items()},
    }


def _example_headers(contract: type[Message]) -> Json:
    values = {"specversion": "1.0", "id": "7d0f6f2e-5d5e-4f0b-9c39-0b2a6f1f7a11", "source": "/partner"}
    return {f"cloudEvents:{name}": value for name, value in {**values, "type": contract.type}.items()}


def _words(contract: type[Message]) -> str:
    return inspect.getdoc(contract) or contract.__name__


def _receiver(contract: type[Message], queues: Queues) -> str:
    """The service whose queue is bound to the contract's exchange and type."""
    for service, patterns in queues.items():
        for exchange, pattern in patterns:
            if exchange == contract.exchange and fnmatch(contract.type, pattern.replace("#", "*")):
                return service
    raise ValueError(f"no queue is bound to {contract.type} on {contract.exchange}")
