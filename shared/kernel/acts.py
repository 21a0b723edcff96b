"""What a request of our own API is asked for by, where another person must agree to exactly it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from shared.kernel.digest import PREFIX, digest_of_bytes

LARGEST_BODY: Final = 128 * 1024
"""Bytes of a body that is agreed to: what nobody can be shown, nobody agrees to."""

SINGLES: Final = 10
SINGLES_WITHIN: Final = timedelta(hours=1)
"""One act of a gated kind is work as usual where its design says so; more than so many upon one target within that time
are what the gate is for, done piece by piece: then others must agree."""


def payload(method: str, path: str, query: str, body: bytes) -> Mapping[str, Any]:
    """As the payload of a release: its digest is the act's."""
    return {"method": method, "path": path, "query": query, "body": digest_of_bytes(body)}


def body_digest(asked: Mapping[str, Any]) -> str | None:
    """What the payload of one of our requests says its body is; None for a payload of anything else."""
    told = asked.get("body")
    return told if asked.keys() == {"method", "path", "query", "body"} and isinstance(told, str) else None


def variables(told: Any) -> list[str]:
    """A line for each variable that a payload's command finds: its value, or what is known of one that is not shown."""
    found = []
    for each in told if isinstance(told, list | tuple) else ():
        if not isinstance(each, Mapping):
            continue
        name = each.get("name")
        if "value" in each:
            found.append(f"{name} = {each['value']}")
        elif "file_sha256" in each:
            found.append(f"{name}: a file, {PREFIX}{each['file_sha256']}")
        else:
            found.append(f"{name}: a secret, its value hashed and not shown")
    return found


def target_of(path: str) -> str:
    """What a path is called where it is asked for: it may name a member, and does not go into a log."""
    return f"path:{digest_of_bytes(path.encode()).removeprefix(PREFIX)[:32]}"
