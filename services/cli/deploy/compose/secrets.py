"""Passwords and tokens of a composed stack: made on the machine that it runs on, kept in `.env`, committed nowhere."""

import re
import secrets
from collections.abc import Sequence
from typing import Final

from shared.runtime.addresses import SANDBOX
from shared.runtime.description import Description

OF_THE_STACK: Final = ("INTERNAL_TOKEN", "BROKER_PASSWORD", "MONGODB_PASSWORD", "PARTNER_PASSWORD", "GRAFANA_PASSWORD")
BYTES: Final = 24
LINE: Final = re.compile(r"^\s*(?:export\s+)?([A-Z][A-Z0-9_]*)=")


def password_variable(user: str) -> str:
    """Of a service's, or the sandbox's, user on the broker."""
    return f"{user.upper()}_BROKER_PASSWORD"


def store_password_variable(service: str) -> str:
    """Of a service's user on MongoDB."""
    return f"{service.upper()}_MONGODB_PASSWORD"


def variables(house: Sequence[Description]) -> list[str]:
    """What a composed stack must be told, and nobody else may know."""
    names = [each.name for each in house]
    return [*OF_THE_STACK, *map(password_variable, [*names, SANDBOX]), *map(store_password_variable, names)]


def missing(house: Sequence[Description], known: str) -> str:
    """Lines to add to a `.env` that says `known`, each with a random value that needs no quotes, in a URL either."""
    there = {found[1] for line in known.splitlines() if (found := LINE.match(line))}
    wanted = [name for name in variables(house) if name not in there]
    cut_off = "\n" if wanted and known and not known.endswith("\n") else ""
    return cut_off + "".join(f"{name}={secrets.token_urlsafe(BYTES)}\n" for name in wanted)
