"""Where a message goes that was not handled."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.bus import headers as names
from shared.bus.arrival import Arrival
from shared.bus.retry import Failed, RetryPolicy, Unreadable
from shared.contracts.messages import OutboxMessage
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Later
from shared.kernel.ids import Uuid7Ids
from shared.kernel.randomness import SystemRandom

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def policy(budget: timedelta = timedelta(hours=24)) -> RetryPolicy:
    return RetryPolicy(Uuid7Ids(SystemClock()), SystemRandom(3), budget)


def failed(error: Exception, **headers: object) -> Failed:
    known = {"cloudEvents:id": "m-1", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Failed("work", Arrival("commands", "work.job.v1", known), b"{}", error)


def stops(error: Exception, count: int) -> list[OutboxMessage]:
    """Where a message goes that fails in the same way again and again, at once."""
    found: list[OutboxMessage] = []
    headers: dict[str, object] = {"cloudEvents:id": "m-1"}
    for _ in range(count):
        found.append(policy().next_stop(Failed("work", Arrival("commands", "work.job.v1", headers), b"{}", error), NOW))
        headers = dict(found[-1].headers)
    return found


def test_a_failure_waits_longer_each_time_up_to_the_longest_tier() -> None:
    tiers = [stop.exchange for stop in stops(RuntimeError(), 30)]
    assert tiers[0] == "retry.1s"
    ladder = ["retry.1s", "retry.5s", "retry.30s", "retry.2m", "retry.10m", "retry.1h", "retry.6h"]
    assert all(tier in ladder[max(i - 1, 0) : i + 1] for i, tier in enumerate(tiers[:7]))
    assert set(tiers[7:]) <= set(ladder[-2:])


@pytest.mark.parametrize(
    ("seconds", "tier"), [(0, "1s"), (1, "1s"), (1.1, "5s"), (20, "30s"), (3600, "1h"), (90_000, "6h")]
)
def test_later_names_its_own_tier(seconds: float, tier: str) -> None:
    stop = policy().next_stop(failed(Later("busy", timedelta(seconds=seconds))), NOW)
    assert (stop.exchange, stop.routing_key) == (f"retry.{tier}", "work")


def test_what_says_later_too_often_waits_longer_than_it_asks_for() -> None:
    tiers = [stop.exchange.removeprefix("retry.") for stop in stops(Later("busy"), 12)]
    assert tiers == ["1s"] * 4 + ["5s"] * 4 + ["30s"] * 4


def test_the_budget_counts_from_the_first_failure() -> None:
    yesterday = (NOW - timedelta(hours=23, minutes=59, seconds=58)).isoformat()
    assert policy().next_stop(failed(RuntimeError(), milesaga_first_failed_at=yesterday), NOW).exchange == "retry.1s"
    earlier = (NOW - timedelta(hours=24)).isoformat()
    stop = policy().next_stop(failed(RuntimeError(), milesaga_first_failed_at=earlier), NOW)
    assert (stop.exchange, stop.routing_key) == ("", "work.dead")


def test_the_unreadable_goes_to_the_dead_at_once_with_its_reason() -> None:
    stop = policy().next_stop(failed(Unreadable("/name: Field required")), NOW)
    assert stop.routing_key == "work.dead"
    assert stop.headers[names.REASON] == "/name: Field required"


def test_a_fingerprint_is_the_same_for_the_same_fault_and_holds_no_value() -> None:
    def fail(value: str) -> Exception:
        with pytest.raises(ValueError, match="invalid literal") as caught:
            int(value)
        return caught.value

    long_ago = (NOW - timedelta(days=2)).isoformat()
    one, other = (
        policy().next_stop(failed(fail(value), milesaga_first_failed_at=long_ago), NOW).headers
        for value in ("ana@example.com", "rui@example.com")
    )
    assert one[names.FINGERPRINT] == other[names.FINGERPRINT]
    assert "example.com" not in str(one)


def test_what_brokers_and_strangers_wrote_into_headers_does_no_harm() -> None:
    odd = {"x-death": [{"count": 1}], "x-delivery-count": 3, "milesaga-attempts": b"\xff", "other": b"bytes"}
    stop = policy().next_stop(Failed("work", Arrival("", "work", odd), b"{}", RuntimeError()), NOW)
    assert not any(name.startswith("x-") for name in stop.headers)
    assert all(isinstance(value, str) for value in stop.headers.values())
    assert stop.headers[names.ATTEMPTS] == "1"


def test_where_a_message_came_from_first_is_kept_through_every_tier() -> None:
    last = stops(RuntimeError(), 5)[-1]
    assert (last.headers[names.EXCHANGE], last.headers[names.ROUTING_KEY]) == ("commands", "work.job.v1")
    assert last.headers[names.ATTEMPTS] == "5"
