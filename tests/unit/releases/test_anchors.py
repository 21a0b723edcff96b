"""Checkpoints in a folder."""

import os
from pathlib import Path

import pytest

from services.releases.adapters.anchors import FolderAnchor


async def test_a_checkpoint_is_kept_whole_and_never_changed(tmp_path: Path) -> None:
    anchor = FolderAnchor(tmp_path / "anchors")
    await anchor.keep(7, "seven")
    await anchor.keep(7, "another seven")
    await anchor.keep(12, "twelve")
    assert kept(tmp_path / "anchors") == {
        "checkpoint-000000000007.note": "seven",
        "checkpoint-000000000012.note": "twelve",
    }


async def test_another_log_of_the_same_size_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A store that was put back from a backup, or changed; whose key alone is another one tells the same."""
    anchor = FolderAnchor(tmp_path)
    for note in ("o\n7\nroot\n\n- o key\n", "o\n7\nroot\n\n- o other\n"):
        await anchor.keep(7, note)
    assert caplog.messages == []
    await anchor.keep(7, "o\n7\nanother\n\n- o key\n")
    assert caplog.messages == ["a checkpoint was kept of another log than this"]


async def test_what_a_killed_process_began_is_taken_away_and_what_another_one_writes_is_not(tmp_path: Path) -> None:
    """Else who verifies by all files of the folder finds one that is no checkpoint."""
    dead, alive = (tmp_path / f".checkpoint-000000000007.note.{pid}" for pid in (4711, 4712))
    for each in (dead, alive):
        each.write_text("sev")
    os.utime(dead, (0, 0))
    await FolderAnchor(tmp_path).keep(12, "twelve")
    assert kept(tmp_path) == {alive.name: "sev", "checkpoint-000000000012.note": "twelve"}


def kept(folder: Path) -> dict[str, str]:
    return {each.name: each.read_text() for each in folder.iterdir()}
