"""The project's files as some commit has them, and the interpreter with what they import."""

import io
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from tests.bench.children import Failed
from tests.bench.places import REPOSITORY

LOCK: Final = "requirements.lock"
VENVS: Final = Path(".bench-venvs")


@dataclass(frozen=True)
class Tree:
    """Where processes are started from: `python -m ...` with `folder` as the working folder."""

    name: str
    """For people: the commit, and whether files differ from it."""
    folder: Path
    python: Path

    @property
    def environment(self) -> dict[str, str]:
        """This tree's modules before those that the interpreter has installed."""
        return {"PYTHONPATH": str(self.folder)}


HERE: Final = Tree("here", REPOSITORY, Path(sys.executable))


def here() -> Tree:
    """The files that this benchmark belongs to, under the name of their commit."""
    changed = "+changes" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return Tree(_git("rev-parse", "--short", "HEAD") + changed, HERE.folder, HERE.python)


def laid_out(ref: str, folder: Path) -> Tree:
    """The files of a commit, in `folder`; its packages in a virtual environment of its own where its lock is not ours.

    Raises `Failed` where there is no such commit, or its packages cannot be installed.
    """
    commit = _git("rev-parse", "--verify", "--short", "--end-of-options", f"{ref}^{{commit}}")
    packed = subprocess.run(["git", "archive", commit], cwd=REPOSITORY, stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as files:
        files.extractall(folder, filter="data")
    lock = folder / LOCK
    same = lock.read_bytes() == (REPOSITORY / LOCK).read_bytes()
    return Tree(commit, folder, HERE.python if same else _own_python(lock))


def _own_python(lock: Path) -> Path:
    """Kept in the clone by the lock's hash: another run, or a commit with the same lock, finds it."""
    return installed(str(lock), str(VENVS / sha256(lock.read_bytes()).hexdigest()[:12]))


def installed(*lock_and_folder: str) -> Path:
    """The interpreter of a virtual environment with a lock's packages, those of the peers unless another is named."""
    done = subprocess.run(
        [REPOSITORY / "deploy" / "bench-setup.sh", sys.executable, *lock_and_folder],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(f"the packages of {' in '.join(lock_and_folder) or 'the peers'} cannot be installed; see above")
    return Path(done.stdout.strip().splitlines()[-1])


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()
