"""A cluster of one's own: everybody's password is known, and the outside world is the sandbox."""

from collections.abc import Iterable
from typing import Final

from services.cli.deploy.kubernetes.broker import PASSWORD
from services.cli.deploy.kubernetes.objects import NAMESPACE, Object, named
from services.cli.deploy.kubernetes.secrets import SCALER, secrets_of
from shared.runtime.description import Description

SANDBOX: Final = "sandbox"
INTERNAL_TOKEN: Final = "development-only"  # noqa: S105 - so it says


def secrets(house: Iterable[Description]) -> list[Object]:
    """What External Secrets would bring, with the broker's users of `broker.development_definitions`."""
    names = [*(each.name for each in house), SANDBOX]
    made = [_secret(secrets_of(name), name, _of_service(name)) for name in names]
    domain = f"{NAMESPACE}.svc.cluster.local"
    looks = {
        "BROKER_URL": f"http://{SCALER}:{PASSWORD}@rabbitmq.{domain}:15672/",
        "MONGODB_URL": f"mongodb://mongodb.{domain}:27017/",
    }
    return [*made, _secret(SCALER, SCALER, looks)]


def _of_service(name: str) -> dict[str, str]:
    return {
        "BROKER_URL": f"amqp://{name}:{PASSWORD}@rabbitmq:5672/",
        "MONGODB_URL": "mongodb://mongodb:27017/",
        "INTERNAL_TOKEN": INTERNAL_TOKEN,
    }


def _secret(name: str, service: str, values: dict[str, str]) -> Object:
    return named("Secret", "v1", name, service=service, type="Opaque", stringData=values)
