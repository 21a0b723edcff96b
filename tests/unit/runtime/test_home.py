"""The data folder."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from shared.runtime.home import LONGEST_PATH, Home
from shared.runtime.settings import WrongSettings


def test_a_secret_made_by_many_at_once_is_one_and_private(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: home.secret("token"), range(64)))
    assert len(made) == 1
    assert [path.name for path in home.path.iterdir()] == ["token"], "no drafts are left"
    assert (home.path / "token").stat().st_mode & 0o777 == 0o600


def test_a_note_is_read_back_and_forgotten(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.read("http.url") is None
    home.write("http.url", "http://127.0.0.1:1")
    home.write("http.url", "http://127.0.0.1:2")
    assert home.read("http.url") == "http://127.0.0.1:2"
    home.remove("http.url")
    home.remove("http.url")
    assert home.read("http.url") is None


def test_a_folder_that_cannot_be_used_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "taken" / "run.lock").mkdir(parents=True)
    sentence = r"^MILESAGA_HOME: /.* cannot be used \([^()]+\)$"
    for path in (tmp_path / "file" / "home", tmp_path / "taken"):
        with pytest.raises(WrongSettings, match=sentence), Home(path).claimed():
            pytest.fail("claimed what cannot be used")


def test_a_path_in_which_sqlite_opens_no_file_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    longest = tmp_path
    while (left := LONGEST_PATH - len(str(longest))) > 1:
        longest /= "x" * min(left - 1, 100)
    assert Home(longest).folder("stores").is_dir()
    database = longest / "stores" / "notifications.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE t (n)")
    longer = longest.with_name(longest.name + "xx")
    with pytest.raises(WrongSettings, match=r"^MILESAGA_HOME: the path has \d+ bytes, at most \d+ can be used$"):
        Home(longer).folder("stores")
    assert not longer.exists()


def test_a_claimed_folder_refuses_a_second_claim_until_the_first_is_given_up(tmp_path: Path) -> None:
    with Home(tmp_path).claimed(), pytest.raises(WrongSettings, match=r"^MILESAGA_HOME: "), Home(tmp_path).claimed():
        pytest.fail("claimed twice")
    with Home(tmp_path).claimed():
        pass


def test_a_folder_is_deserted_when_the_last_of_its_processes_has_gone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.await_desertion(0.0)
    with home.inhabited(), home.inhabited(), pytest.raises(WrongSettings, match="MILESAGA_HOME: processes"):
        home.await_desertion(0.05)
    home.await_desertion(0.0)
