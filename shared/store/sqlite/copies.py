"""Copies of a store's file: taken beside any load, put back while nobody has the file open."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from shared.store.sqlite.schema import LAYOUT

PATIENCE = 5.0
"""Seconds to wait for a lock."""
REPLACED = ".replaced"
"""Ends the name of the file that was there before."""


class NotCopied(Exception):
    """Nothing was copied, and nothing changed; the message says why."""


def take(store: Path, copy: Path) -> None:
    """The store as it is at one moment, whole or not at all at `copy`; its processes go on reading and writing.

    Every acknowledged save before the call is in it. Raises NotCopied.
    """
    if copy.exists():
        raise NotCopied(f"{copy} is there already: a copy is never written over")
    draft = copy.with_name(copy.name + ".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)  # VACUUM takes an empty file as it is
    try:
        with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=rw", uri=True, timeout=PATIENCE)) as connection:
            connection.execute("VACUUM INTO ?", (str(draft),))
        check(draft)
        _keep(draft, copy)
    except (sqlite3.Error, OSError) as error:
        draft.unlink(missing_ok=True)
        raise NotCopied(f"{store} cannot be copied: {error}") from error


def put(copy: Path, store: Path) -> None:
    """Put a copy in the store's place. What was there stays beside it, as `<store>.replaced`, until the next time.

    Raises NotCopied where the copy is damaged or newer than this release, or a process has the store open.
    """
    check(copy)
    try:
        store.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = store.with_name(store.name + ".draft")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        shutil.copyfile(copy, draft)
        if store.exists():
            _let_go(store)
            replaced = store.with_name(store.name + REPLACED)
            replaced.unlink(missing_ok=True)
            os.link(store, replaced)
        _keep(draft, store)
    except OSError as error:
        raise NotCopied(f"{store} cannot be written: {error}") from error


def check(copy: Path) -> None:
    """Raises NotCopied for what is no whole store that this release can read."""
    try:
        with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            (layout,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise NotCopied(f"{copy} is no store: {error}") from error
    if found != "ok":
        raise NotCopied(f"{copy} is damaged: {found}")
    if not 0 < layout <= LAYOUT:
        raise NotCopied(f"{copy} has layout {layout}, this release reads up to {LAYOUT}")


def _let_go(store: Path) -> None:
    """Take the store's log into it, which nobody can while another has it open: a log that stays behind would be
    played into the file that comes. A file that is broken has nothing to be taken into."""
    try:
        with closing(sqlite3.connect(store, timeout=0.0, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as error:
        raise NotCopied(f"{store} is in use ({error}): stop its service first") from error
    except sqlite3.DatabaseError:
        pass
    for log in ("-wal", "-shm"):
        store.with_name(store.name + log).unlink(missing_ok=True)


def _keep(draft: Path, file: Path) -> None:
    """On the disk under its name, or not at all."""
    with draft.open("rb") as written:
        os.fsync(written.fileno())
    draft.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
