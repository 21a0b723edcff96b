"""What a service must not show: its variables, as files of one Secret that nobody else reads."""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.cli.deploy.kubernetes.objects import Object, named, resource
from shared.runtime.description import Description
from shared.runtime.environment import FILE, is_passing, is_secret
from shared.runtime.settings import Settings

MOUNTED: Final = "/run/secrets/milesaga"
OF_ALL: Final = ("BROKER_URL", "MONGODB_URL", "INTERNAL_TOKEN")
"""What every service has; its own user on broker and store is in the URL."""
SCALER: Final = "scaler"
"""KEDA, as broker, store and Secrets know it."""
STORE: Final = "milesaga"
"""The ClusterSecretStore: where the secrets are kept is the cluster's business."""


def secrets_of(name: str) -> str:
    return f"{resource(name)}-secrets"


def secret_variables(description: Description) -> list[Object]:
    """Where the process finds them: a file each, since variables are seen in every listing."""
    del description
    return [_from_file(variable) for variable in OF_ALL]


def provider_variables(description: Description) -> list[Object]:
    """The same for the secrets of providers, which nobody has beside the sandbox."""
    return [_from_file(variable) for variable in _of_providers(description)]


def external_secrets(description: Description) -> list[Object]:
    """What is kept outside under `milesaga/<service>`: the variables, and the users that operators make of it."""
    name = description.name
    variables = [*OF_ALL, *_of_providers(description)]
    return [_external(secrets_of(name), name, {variable: variable for variable in variables}), *_users(name)]


def scaler_secrets() -> list[Object]:
    """KEDA's: of users who may only look."""
    return [_external(SCALER, SCALER, {"BROKER_URL": "BROKER_URL", "MONGODB_URL": "MONGODB_URL"}), *_users(SCALER)]


def _users(name: str) -> list[Object]:
    """For the broker's and the store's operators; the URLs say the same names and passwords."""
    broker = {"username": "BROKER_USERNAME", "password": "BROKER_PASSWORD"}
    return [
        _external(f"{resource(name)}-broker-user", name, broker),
        _external(f"{resource(name)}-store-user", name, {"password": "MONGODB_PASSWORD"}),
    ]


def _external(target: str, name: str, keys: Mapping[str, str]) -> Object:
    """`keys`: in the Secret, and what each is called where it is kept."""
    spec = {
        "refreshInterval": "15m",
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": STORE},
        "target": {"name": target, "creationPolicy": "Owner"},
        "data": [
            {"secretKey": key, "remoteRef": {"key": f"milesaga/{name}", "property": kept}} for key, kept in keys.items()
        ],
    }
    return named("ExternalSecret", "external-secrets.io/v1", target, service=name, spec=spec)


def _from_file(variable: str) -> Object:
    return {"name": f"{variable}{FILE}", "value": f"{MOUNTED}/{variable}"}


def settings_of(description: Description) -> Iterator[type[Settings]]:
    """Its settings classes."""
    for place in description.settings:
        module, _, name = place.partition(":")
        found: Any = getattr(importlib.import_module(module), name)
        yield found


def _of_providers(description: Description) -> list[str]:
    """Those that are always there: a Secret that names one which is kept nowhere is never made."""
    return [
        f"{each.model_config.get('env_prefix', '')}{name}".upper()
        for each in settings_of(description)
        for name, field in each.model_fields.items()
        if is_secret(field) and not is_passing(field)
    ]
