"""Which files a gate copies, and what it says of those that it cannot."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.cli.release.gate.payload import MOST_FILES, Copies, WrongPayload


def loop(here: Path) -> None:
    (here / "x").symlink_to("x")


def pipe_in_a_folder(here: Path) -> None:
    (here / "x").mkdir()
    os.mkfifo(here / "x" / "pipe")


def socket_in_a_folder(here: Path) -> None:
    (here / "x").mkdir()
    os.chdir(here)  # a socket's name is short
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("x/socket")


def link_to_a_folder_in_a_folder(here: Path) -> None:
    (here / "x").mkdir()
    (here / "x" / "link").symlink_to(here)


def empty(here: Path) -> None:
    (here / "x").mkdir()


def empty_in_a_folder(here: Path) -> None:
    (here / "x" / "logs").mkdir(parents=True)
    (here / "x" / "file").touch()


def many(here: Path) -> None:
    (here / "x").mkdir()
    for n in range(MOST_FILES + 1):
        (here / "x" / str(n)).touch()


def nothing(_: Path) -> None:
    return None


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("x", loop),
        ("x", pipe_in_a_folder),
        ("x", socket_in_a_folder),
        ("x", link_to_a_folder_in_a_folder),
        ("x", empty),
        ("x/.", empty),
        ("x", empty_in_a_folder),
        ("x", many),
        ("x" * 300, nothing),
        ("x\0", nothing),
        ("..", nothing),
        ("../x", nothing),
    ],
)
def test_what_cannot_be_copied_is_named_and_not_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, made: Callable[[Path], None]
) -> None:
    monkeypatch.chdir(tmp_path)
    made(tmp_path)
    with pytest.raises(WrongPayload):
        Copies(tmp_path, [name])


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files would be missing from what others agree to, and from what runs."""
    (tmp_path / "x" / "closed").mkdir(parents=True)
    (tmp_path / "x" / "open").touch()
    scanned = os.scandir

    def scan(place: Any) -> Any:
        if str(place).endswith("closed"):
            raise PermissionError(13, "Permission denied", place)
        return scanned(place)

    monkeypatch.setattr(os, "scandir", scan)
    with pytest.raises(WrongPayload, match="closed cannot be read"):
        Copies(tmp_path, ["x"])


def test_two_dots_are_also_how_a_name_begins(tmp_path: Path) -> None:
    (tmp_path / "..x").write_text("1")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "b").touch()
    with Copies(tmp_path, ["folder", "./..x", "folder/b"]) as copies:
        assert [each.path for each in copies.files] == ["..x", "folder/b"]


def test_what_the_command_left_behind_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate would end with 97, "nothing ran", after what ran."""
    (tmp_path / "x").touch()

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with Copies(tmp_path, ["x"]):
        monkeypatch.setattr(Path, "chmod", refused)
