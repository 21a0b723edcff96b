"""Events of one class of keeping share segments, which go whole and exactly when it is time."""

from pathlib import Path

from tests.component.archive.vault import HubInMind, Vault
from tests.kit.clock import HandClock


def kept(vault: Vault, folder: str) -> list[Path]:
    return list((vault.folder / folder).glob("writer-*/*.zst"))


async def test_a_class_goes_at_its_time_and_the_others_stay(tmp_path: Path, clock: HandClock, hub: HubInMind) -> None:
    async with Vault.opened(tmp_path, clock, hub) as vault:
        first = vault.event()
        await vault.keep(first, keep="P400D")
        clock.pass_by(minutes=5)
        last, forever = vault.event(), vault.event()
        await vault.keep(last, keep="P400D")
        await vault.keep(forever)
        assert await vault.found() == [first.hubid, last.hubid, forever.hubid]
    async with Vault.opened(tmp_path, clock, hub) as vault:
        clock.pass_by(days=400, milliseconds=-1)
        await vault.once("removing")
        assert (len(kept(vault, "P400D")), len(await vault.found())) == (1, 3)
        clock.pass_by(milliseconds=1)
        await vault.once("removing")
        assert (kept(vault, "P400D"), await vault.found()) == ([], [forever.hubid])
        assert len(kept(vault, "")) == 1
        await vault.once("removing")


async def test_a_file_that_went_before_a_crash_is_no_loss(tmp_path: Path, clock: HandClock, hub: HubInMind) -> None:
    async with Vault.opened(tmp_path, clock, hub) as vault:
        await vault.keep(vault.event(), keep="P1D")
    async with Vault.opened(tmp_path, clock, hub) as vault:
        clock.pass_by(days=1)
        kept(vault, "P1D")[0].unlink()
        assert await vault.found() == []
        await vault.once("removing")
        assert await vault.found() == []


async def test_a_class_that_was_begun_before_the_restart_is_gone_on_with(
    tmp_path: Path, clock: HandClock, hub: HubInMind
) -> None:
    async with Vault.opened(tmp_path, clock, hub) as vault:
        (event,) = await vault.keep(vault.event(), keep="P1D")
        (vault.folder / "P1D" / "no-writer").mkdir()
    async with Vault.opened(tmp_path, clock, hub) as vault:
        await vault.once("segments")
        assert await vault.found() == [event.hubid]
