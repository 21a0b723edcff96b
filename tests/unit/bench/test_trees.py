"""A commit's files, beside those that are being changed."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import trees
from tests.bench.children import Failed

IDENTITY = ("-c", "user.name=T", "-c", "user.email=t@example.com")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, and a change that is not in it."""
    folder = tmp_path / "clone"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "rule.py").write_text("RULE = 1\n")
    (folder / trees.LOCK).write_text("a==1\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    (folder / "rule.py").write_text("RULE = 2\n")
    monkeypatch.setattr(trees, "REPOSITORY", folder)
    return folder


def test_a_commit_is_laid_out_as_it_was(clone: Path, tmp_path: Path) -> None:
    tree = trees.laid_out("HEAD", tmp_path / "theirs")
    assert (tree.folder / "rule.py").read_text() == "RULE = 1\n"
    assert tree.name == git(clone, "rev-parse", "--short", "HEAD")
    assert tree.environment == {"PYTHONPATH": str(tmp_path / "theirs")}
    assert (clone / "rule.py").read_text() == "RULE = 2\n"


def test_the_same_lock_is_the_same_interpreter(clone: Path, tmp_path: Path) -> None:
    assert trees.laid_out("HEAD", tmp_path / "theirs").python == Path(sys.executable)
    assert clone.exists()


def test_another_lock_is_another_interpreter(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (clone / trees.LOCK).write_text("a==2\n")
    asked: list[tuple[str, ...]] = []

    def installed(*lock_and_folder: str) -> Path:
        asked.append(lock_and_folder)
        return tmp_path / "python"

    monkeypatch.setattr(trees, "installed", installed)
    assert trees.laid_out("HEAD", tmp_path / "theirs").python == tmp_path / "python"
    ((lock, _),) = asked
    assert Path(lock).read_text() == "a==1\n"


def test_changes_that_are_not_committed_are_told(clone: Path) -> None:
    assert trees.here().name == git(clone, "rev-parse", "--short", "HEAD") + "+changes"


@pytest.mark.parametrize("ref", ["no-such-branch", "--upload-pack=true"])
def test_what_is_no_commit_is_a_sentence(clone: Path, tmp_path: Path, ref: str) -> None:
    with pytest.raises(Failed, match="git rev-parse"):
        trees.laid_out(ref, tmp_path / "theirs")
    assert clone.exists()
