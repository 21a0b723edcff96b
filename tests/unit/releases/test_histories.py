"""Whatever is pressed whenever, the log tells of nothing that must not be; and each guard is missed when it is out."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.releases.domain import agreeing, asking, authority, case, clock, counting, deciding, executing, glass
from services.releases.domain.request import Request
from services.releases.domain.standing import Standing
from tests.unit.releases.histories import JUDGES, history

HISTORIES = 2_000
SHARES = 4
MOST_UNTIL_CAUGHT = 3_000


@pytest.mark.parametrize("share", range(SHARES))
def test_random_histories_tell_of_nothing_that_must_not_be(share: int) -> None:
    for seed in range(share * HISTORIES // SHARES, (share + 1) * HISTORIES // SHARES):
        try:
            history(seed)
        except Exception as wrong:  # noqa: BLE001 - a fault of the rules' own is to be told by its seed as well
            pytest.fail(f"history({seed}): {wrong!r}")


def test_the_histories_come_to_everything_that_can_happen() -> None:
    seen = Counter(entry.kind for seed in range(300) for entry in history(seed).entries)
    expected = {
        *JUDGES,
        "rules",
        "refused",
        "grant_lapsed",
        "silent",
        "review_overdue",
        "frozen",
        "thawed",
        "deactivated",
    }
    assert expected <= seen.keys()


Guard = Callable[..., Any]
clock_next: Guard = clock._next


def without(guard: Guard, code: str) -> Guard:
    """The guard, as if it did not know that reason."""

    def judged(*given: Any) -> Any:
        why = guard(*given)
        found = why.refusal.code if why is not None and hasattr(why, "refusal") else why and why[0]
        return None if found == code else why

    return judged


def never(*_: Any) -> None:
    return None


def always(*_: Any) -> bool:
    return True


def nothing_due(*_: Any) -> tuple[()]:
    return ()


def at_once(_: Any, __: Any, now: datetime) -> tuple[datetime, None]:
    return now, None


def nobody(_: Any) -> frozenset[str]:
    return frozenset()


def anybody(rule: Any, concerned: Any, standing: Standing, rules: Any) -> dict[str, frozenset[str]]:
    return {each.id: frozenset(each.groups) for each in rules.people.person if each.id not in set(concerned)}


TAKEN_OUT: dict[str, tuple[object, str, Any]] = {
    "whom it concerns does not agree": (Request, "persons_concerned", property(nobody)),
    "nobody decides on his own": (agreeing, "turned_away", without(authority.turned_away, "self_approval")),
    "who has no seat does not agree": (agreeing, "turned_away", without(authority.turned_away, "not_an_approver")),
    "who has no power does not agree": (agreeing, "turned_away", without(authority.turned_away, "inactive")),
    "a rule has its ways": (agreeing, "turned_away", without(authority.turned_away, "via_not_allowed")),
    "power is lost": (Standing, "is_active", always),
    "whoever lost his power is not counted": (counting, "eligible", anybody),
    "seats are counted": (case, "enough", always),
    "a freeze holds": (Standing, "frozen", never),
    "a freeze holds until the last moment": (executing, "_stopped", without(executing._stopped, "frozen")),
    "those who agreed are counted to the last": (executing, "_stopped", without(executing._stopped, "grant_void")),
    "a grant is used once": (executing, "_void", without(executing._void, "grant_used")),
    "an older grant is void": (executing, "_void", without(executing._void, "grant_void")),
    "a grant is for what it names": (executing, "_void", without(executing._void, "payload_changed")),
    "a grant lives for ten minutes": (executing, "GRANT_LIFE", timedelta(hours=1)),
    "the grant is the asker's": (executing, "is_askers", always),
    "only the asker withdraws": (agreeing, "is_askers", always),
    "the clock is heard first": (deciding, "due", nothing_due),
    "windows are kept": (case, "opening", at_once),
    "one waits in a lane": (asking, "_lane_taken", never),
    "what nobody can approve is not asked": (asking, "missing", nothing_due),
    "who has no power does not ask": (asking, "_not_askable", without(asking._not_askable, "inactive")),
    "a robot acts for somebody": (asking, "_not_askable", without(asking._not_askable, "initiator_required")),
    "what is over is not asked for": (asking, "_not_askable", without(asking._not_askable, "in_the_past")),
    "the glass is not everybody's": (glass, "_may_not", without(glass._may_not, "not_an_approver")),
    "who has no power breaks nothing": (glass, "_may_not", without(glass._may_not, "inactive")),
    "what was broken is reviewed first": (glass, "_may_not", without(glass._may_not, "review_overdue")),
    "nobody reviews what he asked for": (glass, "turned_away", never),
    "nobody reviews what he did": (glass, "_did_it", never),
    "an approval ends": (clock, "_next", lambda request, now: _but(clock_next(request, now), "expired")),
    "a grant ends": (clock, "_next", lambda request, now: _but(clock_next(request, now), "grant_lapsed")),
}


def _but(happening: Any, kind: str) -> Any:
    return None if happening is not None and happening.kind == kind else happening


@pytest.mark.parametrize("name", TAKEN_OUT)
def test_each_guard_is_missed_when_it_is_taken_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*TAKEN_OUT[name])
    assert any(_fails(seed) for seed in range(MOST_UNTIL_CAUGHT)), (
        f"nothing notices that {name!r} does not hold any more"
    )


def _fails(seed: int) -> bool:
    try:
        history(seed)
    except Exception:  # noqa: BLE001 - however it fails, it is noticed
        return True
    return False
