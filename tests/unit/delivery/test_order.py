"""How far a lane has come at a target."""

from datetime import UTC, datetime, timedelta

import pytest

from services.delivery.domain import order
from services.delivery.domain.order import LIFE, Progress
from services.delivery.domain.patience import waiting_tier
from shared.contracts.copies import Copy

NOW = datetime(2027, 1, 20, 12, tzinfo=UTC)
LANE = "coles:4711:5f0c2b7a91d4"


def a_copy(number: int) -> Copy:
    return Copy(
        hubid="0190", accepted_at=NOW, partner="coles", bus="fuel", target="bi", rule="all",
        deliveryid=f"msg_{number}", attributes={}, body=b"", lane=LANE, laneseq=number,
    )  # fmt: skip


def at(done: int) -> Progress:
    return order.done(order.first("fuel/bi", LANE, NOW), done, NOW)


@pytest.mark.parametrize(("number", "stand"), [(1, "past"), (3, "past"), (4, "next"), (5, "waits")])
def test_a_copy_goes_when_the_one_before_it_is_done(number: int, stand: str) -> None:
    assert order.stand(at(3), a_copy(number)) == stand


def test_what_is_done_is_never_undone() -> None:
    assert order.done(at(3), 2, NOW) == at(3)
    assert order.blocked(at(3), a_copy(3), NOW) == at(3)
    assert order.blocked(at(3), a_copy(5), NOW) == at(3)


def test_a_lane_stands_before_a_dead_copy_until_it_is_done_without() -> None:
    stands = order.blocked(at(3), a_copy(4), NOW)
    assert (stands.blocked, stands.blocks, order.wakes(stands)) == ("msg_4", "fuel/bi", None)
    assert order.blocked(stands, a_copy(4), NOW + timedelta(days=1)) is stands
    assert order.stand(stands, a_copy(5)) == "waits"
    goes_on = order.done(stands, 4, NOW)
    assert (goes_on.blocked, goes_on.blocks, order.wakes(goes_on)) == (None, None, NOW + LIFE)
    assert order.stand(goes_on, a_copy(5)) == "next"


def test_what_a_person_did_not_wait_for_is_sent_when_it_comes() -> None:
    skipped = order.skipped(at(3), 6, NOW)
    stands = [order.stand(skipped, a_copy(number)) for number in range(3, 9)]
    assert stands == ["past", "late", "late", "late", "next", "waits"]
    assert order.skipped(skipped, 6, NOW) is skipped


def test_whoever_waits_long_comes_seldom() -> None:
    assert [waiting_tier(n, blocked=False) for n in (1, 5, 6, 10, 11, 1_000)] == ["1s", "1s", "5s", "5s", "30s", "30s"]
    assert waiting_tier(1, blocked=True) == "30s"
