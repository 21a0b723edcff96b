"""The two files: which ones are in force, and what becomes of a process that reads others."""

from pathlib import Path

import pytest

from services.releases.settings import ON_A_LAPTOP, ReleasesSettings
from shared.runtime.settings import WrongSettings, read
from tests.component.releases.desk import Desk, releases
from tests.kit.clock import HandClock

POLICY = ON_A_LAPTOP / "release-policy.toml"


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of our own, which is read from now on."""
    own = tmp_path / "release-policy.toml"
    own.write_text(POLICY.read_text())
    monkeypatch.setenv("RELEASES_POLICY", str(own))
    return own


def edit(file: Path, before: str, after: str) -> None:
    file.write_text(file.read_text().replace(before, after))


async def test_a_process_of_older_files_decides_nothing_and_takes_no_work(
    desk: Desk, tmp_path: Path, clock: HandClock, store_url: str | None, policy: Path
) -> None:
    await desk.service.ready["files"]()
    edit(policy, "version = 1", "version = 2")
    async with releases(tmp_path, clock, store_url) as newer:
        await newer.service.ready["files"]()
        await desk.tick()
        with pytest.raises(LookupError):
            await desk.service.ready["files"]()
        refused = await desk.ask()
        assert (refused.status_code, refused.json()["code"]) == (503, "policy_outdated")
        assert (await newer.ask()).status_code == 201


async def test_a_file_that_changed_without_a_version_takes_no_work_either(
    desk: Desk, tmp_path: Path, clock: HandClock, store_url: str | None, policy: Path
) -> None:
    edit(policy, "ask_ttl = 14400", "ask_ttl = 14401")
    async with releases(tmp_path, clock, store_url) as changed:
        with pytest.raises(LookupError):
            await changed.service.ready["files"]()
        assert (await changed.ask()).json()["code"] == "policy_outdated"
    await desk.tick()
    await desk.service.ready["files"]()


def test_a_group_in_which_there_is_nobody_is_named_with_its_line_before_anything_starts(
    policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RELEASES_PEOPLE", str(ON_A_LAPTOP / "people.toml"))
    monkeypatch.setenv("RELEASES_SIGNING_KEY", "A" * 43 + "=")
    edit(policy, '"owners" }]', '"elders" }]')
    with pytest.raises(WrongSettings) as found:
        read(ReleasesSettings)
    line = 1 + policy.read_text().splitlines().index('need = [{ group = "sre" }, { group = "elders" }]')
    (fault,) = found.value.faults
    assert fault.startswith(f"RELEASES_POLICY: {policy}, line {line}:")
    assert "elders" in fault


def test_a_file_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEASES_POLICY", str(POLICY))
    monkeypatch.setenv("RELEASES_PEOPLE", str(tmp_path / "nobody.toml"))
    monkeypatch.setenv("RELEASES_SIGNING_KEY", "A" * 43 + "=")
    with pytest.raises(WrongSettings, match=r"RELEASES_PEOPLE: .*nobody\.toml cannot be read"):
        read(ReleasesSettings)
