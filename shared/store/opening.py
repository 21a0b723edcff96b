"""Which engine keeps a service's documents."""

from pathlib import Path

from shared.store.documents import Store


def open_store(name: str, folder: Path, mongodb_url: str | None = None) -> Store:
    """The store of service `name`, still to be opened: on MongoDB where a URL is given, else a file in `folder`.

    Imports only the engine it returns: the MongoDB driver costs memory and start time that SQLite's users need
    not pay.
    """
    if mongodb_url:
        from shared.store.mongo import MongoStore  # noqa: PLC0415

        return MongoStore(name, mongodb_url)
    from shared.store.sqlite import SqliteStore  # noqa: PLC0415

    return SqliteStore(folder / f"{name}.sqlite3")
