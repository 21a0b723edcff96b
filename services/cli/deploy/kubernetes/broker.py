"""The broker: what it holds from its first start, and who may do what on it."""

import json
from collections.abc import Iterable
from typing import Any, Final

from services.cli.deploy.kubernetes.objects import Object, named, resource
from services.cli.deploy.kubernetes.secrets import SCALER
from services.cli.rights import rights
from shared.bus.permissions import NOTHING, TOPIC_EXCHANGES, Rights, definitions, password_hash, service_rights
from shared.bus.topology import topology
from shared.runtime.description import Description, queues

VHOST: Final = "/"
MAJOR: Final = 4
CLUSTER: Final = "rabbitmq"
ADMINISTRATOR: Final = "administrator"
PASSWORD: Final = "development"  # noqa: S105 - of clusters of one's own
SALT: Final = b"dev0"
"""Definitions of a development cluster are the same each time they are made."""


def described(house: Iterable[Description]) -> dict[str, Any]:
    """Exchanges, queues and bindings, as RabbitMQ imports them."""
    whole = topology(queues(house), broker_major=MAJOR)
    return {
        "vhosts": [{"name": VHOST}],
        "exchanges": [
            {
                "name": each.name,
                "vhost": VHOST,
                "type": each.type.value,
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
            }
            for each in whole.exchanges
        ],
        "queues": [
            {
                "name": each.name,
                "vhost": VHOST,
                "durable": True,
                "auto_delete": False,
                "arguments": {"x-queue-type": "quorum", **dict(each.arguments or {})},
            }
            for each in whole.queues
        ],
        "bindings": [
            {
                "source": each.exchange,
                "vhost": VHOST,
                "destination": each.queue,
                "destination_type": "queue",
                "routing_key": each.pattern,
                "arguments": {},
            }
            for each in whole.bindings
        ],
    }


def development_definitions(house: Iterable[Description]) -> str:
    """Everything for a broker of one's own, users with one known password included."""
    hashed = password_hash(PASSWORD, SALT)
    services = {name: (hashed, each) for name, each in rights(house).items()}
    services["sandbox"] = (hashed, service_rights("sandbox", ()))
    made = definitions(services, VHOST)
    for name, tag, pattern in ((SCALER, "monitoring", NOTHING), (ADMINISTRATOR, "administrator", ".*")):
        made["users"].append(
            {
                "name": name,
                "password_hash": hashed,
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": tag,
            }
        )
        made["permissions"].append(
            {"user": name, "vhost": VHOST, "configure": pattern, "write": pattern, "read": pattern}
        )
    return as_json({**described(house), **made})


def as_json(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=1) + "\n"


def users(house: Iterable[Description]) -> list[Object]:
    """For RabbitMQ's topology operator: a user per service, what it may, and KEDA's."""
    made: list[Object] = []
    nothing = Rights(NOTHING, NOTHING, NOTHING, {})
    for name, each in {**rights(house), SCALER: nothing}.items():
        made += _user(name, each, tags=["monitoring"] if name == SCALER else [])
    return made


def _user(name: str, each: Rights, tags: list[str]) -> list[Object]:
    cluster = {"rabbitmqClusterReference": {"name": CLUSTER}}
    user = {"userReference": {"name": f"{resource(name)}-broker"}}
    version = "rabbitmq.com/v1beta1"
    allowed = {"configure": each.configure, "write": each.write, "read": each.read}
    secret = {"importCredentialsSecret": {"name": f"{resource(name)}-broker-user"}}
    return [
        named("User", version, f"{resource(name)}-broker", service=name, spec={"tags": tags, **secret, **cluster}),
        named(
            "Permission",
            version,
            f"{resource(name)}-broker",
            service=name,
            spec={"vhost": VHOST, **user, "permissions": allowed, **cluster},
        ),
        *(
            named(
                "TopicPermission",
                version,
                f"{resource(name)}-{exchange}",
                service=name,
                spec={
                    "vhost": VHOST,
                    **user,
                    "permissions": {
                        "exchange": exchange,
                        "write": each.topics[exchange][0],
                        "read": each.topics[exchange][1],
                    },
                    **cluster,
                },
            )
            for exchange in TOPIC_EXCHANGES
            if exchange in each.topics
        ),
    ]
