"""What would run: the command's words, private copies of its files, and the hash of it all that people agree to."""

import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

from services.cli.release.gate.signals import undisturbed
from shared.kernel.digest import digest

MOST_FILES: Final = 500
LARGEST_FILE: Final = 64 * 1024 * 1024
"""Bytes: what is larger is an artifact with a digest of its own, and no script."""
ARTIFACT: Final = re.compile(r"(?P<name>[^\s@]{1,200})@(?P<digest>sha256:[0-9a-f]{64})")
LEADS_OUT: Final = re.compile(r"([^=]*=)?(\./)?\.\.(/.*)?", re.DOTALL)
"""A word, or an option's value, that begins above the folder in which the command runs: in one for temporary files,
where others of the machine may have put something of that name."""
READ: Final = 1024 * 1024
SEARCH_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where the command and what it calls find their programs: folders in which nobody but a machine's administrator
writes. Another one is asked for, shown to whoever decides, and hashed."""


VERSION: Final = 2
"""Of a gate's payload; one of before said nothing of the environment, and had no number."""


class WrongPayload(Exception):
    """It cannot be made; the message says why."""


@dataclass(frozen=True)
class Copied:
    """One file: its name as given, below the folder from which the gate was called, and the hash of its bytes."""

    path: str
    sha256: str


class Copies:
    """Files that nobody else can change, in a folder of this process's own. Remove it by leaving."""

    def __init__(self, origin: Path, names: Sequence[str]) -> None:
        """Copies at once. Raises WrongPayload for a file that is not there, is none, or lies elsewhere."""
        self._origin = origin.resolve()
        self.folder = Path(tempfile.mkdtemp(prefix="milesaga-gate-"))
        try:
            self.files = tuple(self._copy(name) for name in _listed(self._origin, names))
            self._close()
        except BaseException:
            self.remove()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def changed(self) -> str | None:
        """The first file whose bytes are no longer those of the beginning: the original's, or the copy's."""
        for file in self.files:
            for place in (self._origin, self.folder):
                if not is_still(place / file.path, file.sha256):
                    return file.path
        return None

    def remove(self) -> None:
        """As far as that goes: what the command left there does not say that it never ran."""
        with undisturbed():
            for folder, _, _ in os.walk(self.folder):
                with suppress(OSError):
                    Path(folder).chmod(stat.S_IRWXU)
            shutil.rmtree(self.folder, ignore_errors=True)

    def _copy(self, name: str) -> Copied:
        place = self.folder / name
        place.parent.mkdir(parents=True, exist_ok=True, mode=stat.S_IRWXU)
        return Copied(name, copied(self._origin / name, place, name, stat.S_IXUSR))

    def _close(self) -> None:
        """Read and run, and nothing else."""
        for folder, _, _ in os.walk(self.folder):
            Path(folder).chmod(stat.S_IRUSR | stat.S_IXUSR)


def payload(
    argv: Sequence[str],
    files: Iterable[Copied] = (),
    *,
    artifacts: Iterable[str] = (),
    parameters: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
    search_path: str | None = None,
    environment: Iterable[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """As it is sent, with everything in one order. Artifacts are `NAME@sha256:...`; `search_path` is None where nothing
    is run; `environment` by name. Raises WrongPayload."""
    found = []
    for each in sorted(set(artifacts)):
        named = ARTIFACT.fullmatch(each)
        if named is None:
            raise WrongPayload(f"{each!r} is no NAME@sha256: and 64 hexadecimal digits.")
        found.append(named.groupdict())
    said = {
        "argv": list(argv),
        "artifacts": found,
        "files": [{"path": each.path, "sha256": each.sha256} for each in sorted(files, key=lambda each: each.path)],
        "parameters": dict(parameters or {}),
        "links": dict(links or {}),
    }
    if search_path is None:
        return said
    return said | {"environment": [*environment], "search_path": search_path, "version": VERSION}


def digest_of(said: Mapping[str, Any]) -> str:
    """What people agree to. Raises WrongPayload for text that is none."""
    try:
        return digest(said)
    except ValueError as error:
        raise WrongPayload(f"This cannot be hashed: {error}.") from error


def check_search_path(search_path: str, origin: Path) -> None:
    """Each folder by its whole name, and none of those in which the gate was called: what lies there is the asker's,
    and may be changed until the last moment. Raises WrongPayload."""
    for folder in search_path.split(":"):
        if not folder.startswith("/"):
            raise WrongPayload(f"--path: {folder!r} is no folder named from the root.")
        if _inside(folder, origin.resolve()) is not None:
            raise WrongPayload(f"--path: {folder} lies below the folder in which the gate was called.")


def check_command(argv: Sequence[str], files: Iterable[Copied], origin: Path, search_path: str = SEARCH_PATH) -> None:
    """A program given by a path below the folder must be among the files: else another than the hashed one would run.
    One by its name alone, or from the root, is the machine's, and the name must be found there; what lies in the folder
    is not, by whatever path it is named: the original may be changed until the last moment. Raises WrongPayload."""
    names = {each.path for each in files}
    for place, word in enumerate(argv):
        if LEADS_OUT.fullmatch(word):
            raise WrongPayload(f"{word} leads out of the copies' folder, in which the command runs: give it by --file.")
        inside = _inside(word, origin.resolve()) if word.startswith("/") else None
        if inside is not None and (place == 0 or inside in names):
            raise WrongPayload(f"{word} names the original, which is not what is hashed: name it as ./{inside}.")
    program = argv[0]
    if "/" not in program and shutil.which(program, path=search_path) is None:
        raise WrongPayload(f"{program} is not in {search_path}: name where it is by --path.")
    if "/" not in program or program.startswith("/"):
        return
    if os.path.normpath(program) not in names:
        raise WrongPayload(f"{program} is not among the files: give it by --file, so that it is copied and hashed.")


def _inside(word: str, origin: Path) -> str | None:
    """The name below the folder of what lies there."""
    try:
        place = Path(word).resolve()
    except (OSError, ValueError, RuntimeError):
        return None
    return str(place.relative_to(origin)) if place.is_relative_to(origin) else None


def _listed(origin: Path, names: Sequence[str]) -> list[str]:
    """Names below the folder, each once; folders stand for the files in them."""
    found = set[str]()
    for name in names:
        normal = os.path.normpath(name)
        if Path(normal).is_absolute() or normal.split("/", 1)[0] == "..":
            raise WrongPayload(f"{name} does not lie below the folder in which the gate was called.")
        for each in _files_at(normal, name, origin):
            found.add(each)
            if len(found) > MOST_FILES:
                raise WrongPayload(f"more than {MOST_FILES} files.")
    return sorted(found)


def _files_at(normal: str, name: str, origin: Path) -> Iterator[str]:
    place = origin / normal
    try:
        inside, is_folder = place.resolve().is_relative_to(origin), place.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # a name too long, or none; links that lead to each other
        raise WrongPayload(f"{name} cannot be read ({error}).") from error
    if not inside:
        raise WrongPayload(f"{name} leads out of the folder in which the gate was called.")
    if is_folder:
        yield from _files_in(place, origin)
    else:
        yield normal


def _files_in(folder: Path, origin: Path) -> Iterator[str]:
    """All that is no folder, be it nothing that can be copied: what is left out unsaid is missed when it runs. An empty
    folder would be, too."""
    for here, folders, names in os.walk(folder, onerror=_unread):
        if not (folders or names):
            raise WrongPayload(f"{Path(here).relative_to(origin)} is empty, and what is copied are files.")
        for name in (*folders, *names):
            path = Path(here, name)
            if path.is_symlink():
                raise WrongPayload(f"{path.relative_to(origin)} is a link: name the files that are meant.")
        yield from (str(Path(here, name).relative_to(origin)) for name in names)


def _unread(error: OSError) -> None:
    raise WrongPayload(f"{error.filename} cannot be read ({error.strerror}).") from error


def copied(original: Path, place: Path, name: str, kept: int = 0) -> str:
    """The SHA-256 of the bytes that were written, so that nothing comes in between. The copy's owner may read it, and
    what is `kept` of the original's mode. Raises WrongPayload, naming a file that is too large as `name`."""
    hashed = hashlib.sha256()
    with _opened(original) as source, place.open("xb") as out:
        mode = os.fstat(source.fileno()).st_mode & kept
        for part in _parts(source, name):
            hashed.update(part)
            out.write(part)
    place.chmod(mode | stat.S_IRUSR)
    return hashed.hexdigest()


def is_still(place: Path, sha256: str) -> bool:
    """Is the file there, with the bytes of this hash?"""
    hashed = hashlib.sha256()
    try:
        with _opened(place) as file:
            for part in _parts(file, str(place)):
                hashed.update(part)
    except (OSError, WrongPayload):
        return False
    return hashed.hexdigest() == sha256


def _opened(place: Path) -> BinaryIO:
    """A regular file, and no pipe that never ends."""
    try:
        file = os.fdopen(os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    except OSError as error:
        raise WrongPayload(f"{place} cannot be read ({error.strerror}).") from error
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise WrongPayload(f"{place} is no file.")
    return file


def _parts(file: BinaryIO, name: str) -> Iterator[bytes]:
    size = 0
    while part := file.read(READ):
        size += len(part)
        if size > LARGEST_FILE:
            raise WrongPayload(f"{name} has more than {LARGEST_FILE} bytes: give it as an artifact, with its digest.")
        yield part
