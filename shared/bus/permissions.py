"""Who may do what on the broker, as RabbitMQ's definitions say it.

A partner writes to `public`, and has exchanges and queues of its own, all named `<partner>.<anything>`, which it may
bind to `events`. A service takes from its own queues, and writes what is its own to say. RabbitMQ checks topics beside
exchanges: without a rule for a user and an exchange every topic is open, so every exchange of ours has one.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.bus.topology import turn_queue

NOTHING: Final = "^$"
EVERYTHING: Final = ".*"
TOPIC_EXCHANGES: Final = ("commands", "answers", "events", "public")


@dataclass(frozen=True, slots=True)
class Rights:
    """Expressions for what a user may make, write and read; `topics` has them by exchange, written and read."""

    configure: str
    write: str
    read: str
    topics: Mapping[str, tuple[str, str]]


NO_RIGHTS: Final = Rights(NOTHING, NOTHING, NOTHING, dict.fromkeys(TOPIC_EXCHANGES, (NOTHING, NOTHING)))
"""Of a process that takes no messages and sends none, and yet is connected."""


def partner_rights(name: str, targets: Iterable[str] = ()) -> Rights:
    """`targets` are the queues of buses that it may read, each by its whole name."""
    own = rf"{re.escape(name)}\..+"
    read = "|".join(("events", own, *(re.escape(target) for target in sorted(targets))))
    return Rights(
        configure=f"^{own}$",
        write=f"^(public|{own})$",
        read=f"^({read})$",
        topics={
            "commands": (NOTHING, NOTHING),
            "answers": (NOTHING, NOTHING),
            "events": (NOTHING, EVERYTHING),
            "public": (EVERYTHING, NOTHING),
        },
    )


def service_rights(
    name: str,
    bindings: Sequence[tuple[str, str]],
    families: Sequence[str] = (),
    listens: Sequence[str] = (),
    reads: Sequence[str] = (),
    *,
    commands: Sequence[str] = (),
) -> Rights:
    """`bindings` are those of the service's queue, `families` the first words of queues that it makes while it runs,
    `listens` the exchanges that it binds its queue to by whatever pattern, `reads` the first words of queues that
    others make, and that it reads, taking turns at their dead letters; `commands` the services that it commands beside
    itself. Who hears the answers commands all of them."""
    own = "|".join((rf"{re.escape(name)}(\..+)?", *(rf"{re.escape(family)}\..+" for family in families)))
    others = [rf"{re.escape(each)}\..+" for each in reads]
    turns = [rf"{re.escape(each)}\..+{re.escape(turn_queue(''))}" for each in reads]
    speaks = rf"^{re.escape(name)}\."
    commanded = rf"^({'|'.join(map(re.escape, (name, *commands)))})\."
    given = EVERYTHING if "answers" in dict(bindings) else commanded
    written = {"commands": given, "answers": rf"^({re.escape(name)}|saga)\.", "events": speaks, "public": NOTHING}
    return Rights(
        configure=f"^({'|'.join((own, *turns))})$" if families or turns else f"^{own}$",
        write=rf"^(commands|answers|events|retry\..+|amq\.default|{own})$",
        read=f"^({'|'.join(('commands|answers|events|public', own, *others))})$",
        topics={
            exchange: (written[exchange], EVERYTHING if exchange in listens else _read(exchange, bindings))
            for exchange in TOPIC_EXCHANGES
        },
    )


def _read(exchange: str, bindings: Sequence[tuple[str, str]]) -> str:
    patterns = [pattern for bound, pattern in bindings if bound == exchange]
    if not patterns:
        return NOTHING
    return "|".join(EVERYTHING if pattern == "#" else f"^{re.escape(pattern.rstrip('#*'))}" for pattern in patterns)


def password_hash(password: str, salt: bytes | None = None) -> str:
    """As RabbitMQ keeps it; `salt` are four bytes, at random where not given."""
    salt = salt or secrets.token_bytes(4)
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def definitions(users: Mapping[str, tuple[str, Rights]], virtual_host: str) -> dict[str, Any]:
    """What RabbitMQ imports: each user's password hash and rights. Whoever is not named stays as it is."""
    return {
        "users": [
            {
                "name": name,
                "password_hash": hashed,
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": "",
            }
            for name, (hashed, _) in users.items()
        ],
        "permissions": [
            {
                "user": name,
                "vhost": virtual_host,
                "configure": rights.configure,
                "write": rights.write,
                "read": rights.read,
            }
            for name, (_, rights) in users.items()
        ],
        "topic_permissions": [
            {"user": name, "vhost": virtual_host, "exchange": exchange, "write": write, "read": read}
            for name, (_, rights) in users.items()
            for exchange, (write, read) in rights.topics.items()
        ],
    }
