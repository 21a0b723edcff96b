"""Leaves: what a log says happened, in one form, each chained to the one before.

    {"actor","at","facts","kind","n","prev","request","via"}

`prev` is the SHA-256 of the leaf before, as `sha256sum` prints it, so that the chain is seen without any program of
ours. Free text stands outside: a leaf holds its salted hash, so that it can be erased and nothing else changes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self

from shared.kernel.digest import NoCanonicalForm, canonical, read_canonical

NOTHING_BEFORE: Final = "0" * 64
SALT_SIZE: Final = 32
"""Bytes."""
LARGEST: Final = 256 * 1024
"""Bytes of a leaf."""
_FIELDS: Final = frozenset(("n", "at", "kind", "request", "actor", "via", "facts", "prev"))


class BadLeaf(ValueError):
    """Bytes that are no leaf, or a leaf in another form than its one."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of a log.

    `n` counts from 0; `at` is aware and to the microsecond, never before that of an earlier leaf; `kind` says what
    happened, `request` to what (empty: to nothing in particular); `actor` is an opaque id, empty for the log's own
    clock; `via` how it came; `facts` is JSON without fractions; `prev` is the leaf before's SHA-256 in hexadecimal.
    """

    n: int
    at: datetime
    kind: str
    request: str
    actor: str
    via: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    prev: str = NOTHING_BEFORE

    def written(self) -> bytes:
        """Raises NoCanonicalForm."""
        return canonical(
            {
                "n": self.n,
                "at": written_time(self.at),
                "kind": self.kind,
                "request": self.request,
                "actor": self.actor,
                "via": self.via,
                "facts": self.facts,
                "prev": self.prev,
            }
        )

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Raises BadLeaf unless it is exactly what `written` makes."""
        try:
            found = read_canonical(text)
            if not isinstance(found, dict) or found.keys() != _FIELDS or len(text) > LARGEST:
                raise BadLeaf("it has other fields than a leaf")
            written, found["at"] = found["at"], datetime.fromisoformat(found["at"])
            leaf = cls(**found)
            if not leaf._is_of_its_types() or written_time(leaf.at) != written:
                raise BadLeaf("it has other values than a leaf")
        except NoCanonicalForm as error:
            raise BadLeaf(str(error)) from error
        except (ValueError, TypeError, OverflowError) as error:
            raise error if isinstance(error, BadLeaf) else BadLeaf("it has other values than a leaf") from error
        return leaf

    def _is_of_its_types(self) -> bool:
        texts = (self.kind, self.request, self.actor, self.via, self.prev)
        return type(self.n) is int and all(type(each) is str for each in texts) and isinstance(self.facts, dict)


def written_time(at: datetime) -> str:
    """RFC 3339 in UTC, to the microsecond: texts sort as times."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def chain_hash(leaf: bytes) -> str:
    """What the next leaf says of this one."""
    return hashlib.sha256(leaf).hexdigest()


@dataclass(frozen=True, slots=True)
class FreeText:
    """What somebody wrote, beside the salt, in hexadecimal, that makes its hash tell nothing when both are erased."""

    salt: str
    text: str

    @property
    def hash(self) -> str:
        """Of the salt's bytes and the text's, in hexadecimal: what a leaf holds."""
        return hashlib.sha256(bytes.fromhex(self.salt) + self.text.encode()).hexdigest()
