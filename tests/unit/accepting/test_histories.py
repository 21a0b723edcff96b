"""Whatever befalls those who gather pages, what is accepted is accepted once, whole, and as it was told."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.accepting import protocol
from shared.accepting.protocol import Held
from shared.accepting.steps import Take
from tests.unit.accepting.histories import history

HISTORIES = 10_000
SHARES = 5
MOST_UNTIL_CAUGHT = 3_000
LONG = timedelta(days=1_000)


@pytest.mark.parametrize("share", range(SHARES))
def test_random_histories_accept_everything_once_and_whole(share: int) -> None:
    for seed in range(share * HISTORIES // SHARES, (share + 1) * HISTORIES // SHARES):
        try:
            history(seed)
        except Exception as wrong:  # noqa: BLE001 - a fault of the protocol's own is to be told by its seed as well
            pytest.fail(f"history({seed}): {wrong!r}")


def no(*_: Any) -> bool:
    return False


def yes(*_: Any) -> bool:
    return True


def never(*_: Any) -> None:
    return None


def unclosed(judge: Callable[..., Any]) -> Callable[..., Any]:
    def judged(*about: Any) -> Any:
        stand = judge(*about)
        return "free" if stand == "orphan" else stand

    return judged


def blind(rows: Any) -> Take:
    return Take(tuple(replace(found, version=-1) for found in rows))


def parts(units: Any, stands: Any) -> Any:
    return tuple(thing.id for unit in units for thing in unit.things if stands[thing.key] == Held())


def again(units: Any, stands: Any) -> Any:
    going = [unit for unit in units if protocol._refusal(unit, stands) is None]
    return tuple(thing.id for unit in going for thing in unit.things)


TAKEN_OUT = {
    "a young page is waited for": ("is_young", no),
    "an old one is not waited for": ("SETTLES", LONG),
    "a page must hold what its row leads to": ("is_in", yes),
    "what a page holds is accepted": ("is_in", no),
    "other contents are no duplicate": ("is_same", yes),
    "equal contents are one": ("is_same", no),
    "an orphan's page is closed before its row is taken": ("judge", unclosed(protocol.judge)),
    "a row is taken by compare-and-set": ("Take", blind),
    "the first to write a page decides": ("is_ours", yes),
    "one's own write is known again": ("is_ours", no),
    "a page is saved in time": ("SAVED_WITHIN", LONG),
    "a unit is refused for one of its things": ("_refusal", never),
    "a page holds whole units": ("_goes", parts),
    "what another page holds is not accepted again": ("_goes", again),
}


@pytest.mark.parametrize("name", TAKEN_OUT)
def test_each_guard_is_missed_when_it_is_taken_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, *TAKEN_OUT[name])
    assert any(_fails(seed) for seed in range(MOST_UNTIL_CAUGHT)), f"nothing notices that {name} does not hold any more"


def _fails(seed: int) -> bool:
    try:
        history(seed)
    except Exception:  # noqa: BLE001 - however it fails, it is noticed
        return True
    return False
