"""The archive's figures: how far it is behind, how much it holds, what replays sent."""

import pytest

from shared.kernel.errors import Later
from shared.telemetry import catalogue
from tests.component.archive.vault import Vault
from tests.kit.clock import HandClock


async def read(vault: Vault) -> dict[str, float]:
    return {each.metric.name: each.value for figure in vault.service.figures for each in await figure()}


async def test_lag_and_bytes_are_those_of_what_was_kept(vault: Vault, clock: HandClock) -> None:
    assert await read(vault) == {
        catalogue.ARCHIVE_LAG.name: 0.0,
        catalogue.ARCHIVE_BYTES.name: 0,
        catalogue.REPLAY_COPIES.name: 0,
    }
    event = vault.event()
    clock.pass_by(seconds=3)
    await vault.keep(event)
    found = await read(vault)
    files = [path for path in vault.folder.glob("*/*") if path.is_file()]
    assert found[catalogue.ARCHIVE_LAG.name] == 3.0
    clock.pass_by(minutes=2)
    assert (await read(vault))[catalogue.ARCHIVE_LAG.name] == 0.0, "nothing was late since"
    assert found[catalogue.ARCHIVE_BYTES.name] == sum(path.stat().st_size for path in files) > 0


async def test_what_cannot_be_kept_grows_older_until_it_is(
    vault: Vault, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = vault.event()
    with monkeypatch.context() as full:
        full.setattr("shared.segments.files.os.fdatasync", no_space)
        for _ in range(3):  # as it comes again
            clock.pass_by(seconds=50)
            with pytest.raises(Later):
                await vault.keep(event)
    assert (await read(vault))[catalogue.ARCHIVE_LAG.name] == 150.0
    await vault.keep(event)
    assert (await read(vault))[catalogue.ARCHIVE_LAG.name] == 150.0
    clock.pass_by(seconds=10)
    await vault.keep(vault.event())
    assert (await read(vault))[catalogue.ARCHIVE_LAG.name] == 0.0


async def test_what_another_replica_keeps_instead_is_no_lag_for_ever(
    vault: Vault, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr("shared.segments.files.os.fdatasync", no_space)
        with pytest.raises(Later):
            await vault.keep(vault.event())
    clock.pass_by(minutes=2)
    assert (await read(vault))[catalogue.ARCHIVE_LAG.name] == 0.0


def no_space(_: int) -> None:
    raise OSError(28, "No space left on device")
