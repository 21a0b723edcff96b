"""`milesaga backup` and `restore`: the stores' files, copied while the stack runs and put back while it does not."""

import shutil
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer

from services.cli import printing
from services.cli.options import AsJson
from services.house import HOUSE
from shared.runtime.description import Description
from shared.runtime.home import Home
from shared.runtime.host import STORES
from shared.runtime.settings import RuntimeSettings, WrongSettings, read
from shared.store.opening import sqlite_file
from shared.store.sqlite.copies import NotCopied, check, put, take

PARTNERS: Final = "partners.json"
OF_MONGODB: Final = (
    "the stores are on MongoDB, whose own tools copy all databases as of one moment: see docs/operating/backup.md"
)

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the copies are: one file for each service.")]
Some = Annotated[list[str] | None, typer.Option("--service", help="Only this service's store; may be repeated.")]


def backup(folder: Folder, service: Some = None, as_json: AsJson = False) -> None:
    """Copy every service's store, each as of one moment, while the stack runs. Who asks others comes before them."""
    settings, stores = _stores(service)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        copied = [name for name, store in stores if store.exists()]
        for name, store in stores:
            if name in copied:
                take(store, sqlite_file(folder, name))
        if settings.partners.exists():
            shutil.copy(settings.partners, folder / PARTNERS)
    except (NotCopied, OSError) as error:
        raise _failed(_why(error)) from error
    if not copied:
        raise _failed(f"there are no stores in {settings.milesaga_home}")
    if as_json:
        printing.tell({"copied": copied}, indent=None)
    else:
        printing.say(f"copied: {', '.join(copied)}")


def restore(
    folder: Folder,
    service: Some = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put copies in the place of the stores, while no stack runs. What was there stays beside them, as `.replaced`."""
    settings, stores = _stores(service)
    copies = [(sqlite_file(folder, name), name, store) for name, store in stores]
    there = [each for each in copies if each[0].exists()]
    try:
        for copy, _, _ in there:
            check(copy)
        if missing := [name for copy, name, _ in copies if not copy.exists()]:
            printing.complain(f"milesaga: no copy of {', '.join(missing)} in {folder}: left as it is")
        if not there:
            raise _failed(f"there are no copies in {folder}")
        if not yes:
            typer.confirm(f"Replace the stores of {', '.join(name for _, name, _ in there)}?", abort=True)
        with ExitStack() as held:
            held.enter_context(Home(settings.milesaga_home).claimed())
            for copy, _, store in there:
                put(copy, store)
            if (folder / PARTNERS).exists() and not settings.partners.exists():
                shutil.copy(folder / PARTNERS, settings.partners)
    except (NotCopied, OSError, WrongSettings) as error:
        raise _failed(_why(error)) from error
    restored = [name for _, name, _ in there]
    if as_json:
        printing.tell({"restored": restored}, indent=None)
    else:
        printing.say(f"restored: {', '.join(restored)}")
        printing.say("Start the stack with AFTER_RESTORE=on, let it come to rest, and run milesaga audit.")


def asking_first(house: Iterable[Description]) -> list[str]:
    """The services, those that hear answers before those that give them: a copy of who asks then knows of no effect
    that the copies of the others do not have on record."""
    return [each.name for each in sorted(house, key=lambda each: "answers" not in dict(each.bindings))]


def _stores(chosen: Sequence[str] | None) -> tuple[RuntimeSettings, list[tuple[str, Path]]]:
    """Each service and its store's file, in the order of copying."""
    try:
        settings = read(RuntimeSettings)
    except WrongSettings as error:
        raise _failed(str(error), code=2) from error
    if settings.mongodb_url:
        raise _failed(OF_MONGODB)
    names = asking_first(HOUSE)
    for name in chosen or ():
        if name not in names:
            raise typer.BadParameter(f"{name!r} is no service; known are {', '.join(names)}.")
    folder = settings.milesaga_home.absolute() / STORES
    return settings, [(name, sqlite_file(folder, name)) for name in names if not chosen or name in chosen]


def _why(error: Exception) -> str:
    """In a sentence; of the system's errors which file it was."""
    return f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)


def _failed(sentence: str, *, code: int = 1) -> typer.Exit:
    printing.complain(f"milesaga: {sentence}")
    return typer.Exit(code)
