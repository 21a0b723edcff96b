"""The archive's figures: how far it is behind, how much it holds, what replays sent."""

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
    assert found[catalogue.ARCHIVE_BYTES.name] == sum(path.stat().st_size for path in files) > 0
