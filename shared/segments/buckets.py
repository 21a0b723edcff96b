"""An object store, as far as segments need it: objects that are made once, or changed by one of several who want to.

Everything here blocks. What a store does not answer, or not in time, is OSError: what was asked for may be done or not.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol, cast

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import ObjectStore

from shared.segments.places import Unreachable

Version = tuple[str | None, str | None]
"""By which a store knows what an object was when it was read: an ETag, a generation."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An object's key, its bytes, and the seconds since it was written, by the store's clock and ours."""

    key: str
    size: int
    age: float


@dataclass(frozen=True, slots=True)
class Read:
    """An object as it was at one moment."""

    content: bytes
    version: Version
    age: float


class Bucket(Protocol):
    """Keys are paths. A list shows all that was written before it was asked for."""

    def create(self, key: str, content: bytes) -> Version | None:
        """None where there is such an object already. Raises OSError."""
        ...

    def replace(self, key: str, content: bytes, version: Version) -> Version | None:
        """None where it is not of that version any more. Raises OSError."""
        ...

    def read(self, key: str) -> Read:
        """Raises FileNotFoundError, OSError."""
        ...

    def between(self, key: str, start: int, end: int) -> bytes:
        """Some of its bytes. Raises FileNotFoundError, OSError."""
        ...

    def look(self, key: str) -> Listed:
        """Raises FileNotFoundError, OSError."""
        ...

    def list(self, folder: str, after: str = "") -> Sequence[Listed]:
        """All that lies in a folder and below it, with keys greater than `after`, in their order. Raises OSError."""
        ...

    def names(self, folder: str) -> tuple[Sequence[str], Sequence[str]]:
        """The names of folders and of objects in a folder. Raises OSError."""
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Also what is not there. Raises OSError."""
        ...


class ObjectBucket:
    """A bucket of S3, of Google Cloud Storage, of Azure, or whatever speaks as one of them does, by obstore."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def create(self, key: str, content: bytes) -> Version | None:
        with _asked("create", key), _there(key):
            try:
                made = obstore.put(self._store, key, content, mode="create")
            except (AlreadyExistsError, PreconditionError):
                return None
            return made["e_tag"], made["version"]

    def replace(self, key: str, content: bytes, version: Version) -> Version | None:
        known = {name: told for name, told in zip(("e_tag", "version"), version, strict=True) if told is not None}
        with _asked("replace", key):
            try:
                made = obstore.put(self._store, key, content, mode=cast("Any", known))
            except (PreconditionError, AlreadyExistsError, FileNotFoundError):
                return None
            return made["e_tag"], made["version"]

    def read(self, key: str) -> Read:
        with _asked("read", key):
            found = obstore.get(self._store, key)
            told = found.meta
            age = time.time() - told["last_modified"].timestamp()
            return Read(bytes(found.bytes()), (told["e_tag"], told["version"]), age)

    def between(self, key: str, start: int, end: int) -> bytes:
        with _asked("read", key):
            return bytes(obstore.get_range(self._store, key, start=start, end=end)) if end > start else b""

    def look(self, key: str) -> Listed:
        with _asked("look at", key):
            told = obstore.head(self._store, key)
            return Listed(key, told["size"], time.time() - told["last_modified"].timestamp())

    def list(self, folder: str, after: str = "") -> Sequence[Listed]:
        now = time.time()
        with _asked("list", folder), _there(folder):
            pages = obstore.list(self._store, folder or None, offset=after or None, chunk_size=1_000)
            found = [
                Listed(each["path"], each["size"], now - each["last_modified"].timestamp())
                for page in pages
                for each in page
                if each["path"]
                > after  # Azure is asked where to begin, which not every store that speaks as it does heeds
            ]
        return sorted(found, key=lambda each: each.key)

    def names(self, folder: str) -> tuple[Sequence[str], Sequence[str]]:
        with _asked("list", folder), _there(folder):
            found = obstore.list_with_delimiter(self._store, folder or None)
            folders = [path.rstrip("/").rpartition("/")[2] for path in found["common_prefixes"]]
            return sorted(folders), sorted(each["path"].rpartition("/")[2] for each in found["objects"])

    def delete(self, keys: Sequence[str]) -> None:
        if not keys:
            return
        with _asked("delete", keys[0]):
            try:
                obstore.delete(self._store, list(keys))
            except FileNotFoundError:  # where many are not deleted by one request, the first that is not there ends it
                for key in keys:
                    with suppress(FileNotFoundError):
                        obstore.delete(self._store, key)


@contextmanager
def _asked(what: str, key: str) -> Iterator[None]:
    try:
        yield
    except BaseError as error:
        raise Unreachable(f"{what} {key}: {str(error).partition(' - ')[2][:200] or type(error).__name__}") from error


@contextmanager
def _there(key: str) -> Iterator[None]:
    """Where an object need not be there, what is not found is the bucket."""
    try:
        yield
    except FileNotFoundError as error:
        raise Unreachable(f"{key}: there is no such bucket") from error
