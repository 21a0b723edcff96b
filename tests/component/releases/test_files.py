"""The two files: which ones are in force, and what becomes of a process that reads others."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.releases.settings import ON_A_LAPTOP, ReleasesSettings
from shared.runtime.every import Every
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


@pytest.fixture
async def newer(
    desk: Desk, tmp_path: Path, clock: HandClock, store_url: str | None, policy: Path
) -> AsyncIterator[Desk]:
    """A process of newer files, beside one that decides by the older ones."""
    await desk.service.ready["files"]()
    edit(policy, "version = 1", "version = 2")
    async with releases(tmp_path, clock, store_url) as newer:
        yield newer


async def is_ready(desk: Desk) -> bool:
    await desk.tick()
    try:
        await desk.service.ready["files"]()
    except LookupError:
        return False
    return True


async def test_a_process_of_older_files_decides_nothing_when_one_of_newer_files_was_asked(
    desk: Desk, newer: Desk
) -> None:
    assert (await newer.ask()).status_code == 201
    assert (await is_ready(newer), await is_ready(desk)) == (True, False)
    refused = await desk.ask(key="k-2")
    assert (refused.status_code, refused.json()["code"]) == (503, "policy_outdated")


async def test_the_older_ones_are_ready_until_the_newer_one_must_have_been_found_ready(
    desk: Desk, newer: Desk, clock: HandClock
) -> None:
    """A roll-out never has a moment at which nobody is ready, though nobody asks anything, and timers run."""
    request = (await desk.ask()).json()
    clock.pass_by(seconds=29)
    assert (await is_ready(newer), await is_ready(desk)) == (True, True)
    assert (await desk.decide("sre", request)).status_code == 200
    clock.pass_by(seconds=1)
    assert (await is_ready(newer), await is_ready(desk)) == (True, False)
    assert (await desk.decide("owner", request)).json()["code"] == "policy_outdated"
    assert (await newer.decide("owner", request)).json()["state"] == "approved"


async def test_what_is_due_is_done_by_a_newer_process_and_takes_nothing_from_the_older_one(
    desk: Desk, newer: Desk, clock: HandClock
) -> None:
    request = (await desk.ask()).json()
    await desk.settled()
    clock.pass_by(seconds=14_400)
    [timers] = [each for each in newer.service.tasks if isinstance(each, Every) and each.__name__ == "timers"]
    await timers._page()
    assert (await newer.show(request))["state"] == "expired"
    assert await is_ready(desk)


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
