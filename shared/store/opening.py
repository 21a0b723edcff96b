"""Which engine keeps a service's documents."""

from functools import partial
from pathlib import Path

from shared.store.documents import Store


def open_store(name: str, folder: Path, mongodb_url: str | None = None, ca_file: Path | None = None) -> Store:
    """The store of service `name`, still to be opened: on MongoDB where a URL is given, else a file in `folder`.

    `ca_file` has the authorities, in PEM, that MongoDB's certificate is checked by; with it there is TLS.

    Imports only the engine it returns: the MongoDB driver costs memory and start time that SQLite's users need
    not pay.
    """
    if mongodb_url:
        from shared.store.mongo import MongoStore, motor_client  # noqa: PLC0415

        trusted = {} if ca_file is None else {"tlsCAFile": str(ca_file)}
        return MongoStore(name, mongodb_url, partial(motor_client, **trusted))
    from shared.store.sqlite import SqliteStore  # noqa: PLC0415

    return SqliteStore(sqlite_file(folder, name))


def sqlite_file(folder: Path, name: str) -> Path:
    """Where SQLite keeps the documents of service `name`."""
    return folder / f"{name}.sqlite3"
