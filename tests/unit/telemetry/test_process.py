"""Counters, as Prometheus reads them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.telemetry import catalogue
from shared.telemetry.process import MOST_NAMED, Telemetry


def samples(telemetry: Telemetry) -> dict[tuple[str, ...], float]:
    """(sample's name, its labels' values in the order of their names) -> value."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(telemetry.series.exposition().decode())
        for sample in family.samples
    }


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


def test_handled_messages_are_counted_by_service_type_and_outcome(telemetry: Telemetry) -> None:
    for outcome, seconds in (("done", 0.003), ("done", 0.2), ("retried", 60.0)):
        telemetry.handled("payment", "payment.void.v1", outcome, seconds)
    found = samples(telemetry)
    assert found["milesaga_messages_total", "done", "payment", "payment.void.v1"] == 2
    assert found["milesaga_messages_total", "retried", "payment", "payment.void.v1"] == 1
    name = "milesaga_handler_seconds"
    assert found[f"{name}_count", "payment", "payment.void.v1"] == 3
    assert found[f"{name}_sum", "payment", "payment.void.v1"] == 60.203
    buckets = {bound: found[f"{name}_bucket", bound, "payment", "payment.void.v1"] for bound in ("0.0025", "0.005")}
    assert buckets == {"0.0025": 0, "0.005": 1}
    assert found[f"{name}_bucket", "10.0", "payment", "payment.void.v1"] == 2
    assert found[f"{name}_bucket", "+Inf", "payment", "payment.void.v1"] == 3


def test_somebody_elses_types_cannot_make_series_without_end(telemetry: Telemetry) -> None:
    for number in range(20):
        telemetry.handled("checkout", f"{number}" * 60_000, "dead", 0.001)
        telemetry.retried("checkout", f"{number}" * 60_000, "1s")
    telemetry.handled("checkout", "", "dead", 0.001)
    telemetry.handled("checkout", "checkout.start.v1\n", "dead", 0.001)
    found = samples(telemetry)
    assert [key for key in found if key[0] == "milesaga_messages_total"] == [
        ("milesaga_messages_total", "dead", "checkout", "other")
    ]
    assert found["milesaga_messages_total", "dead", "checkout", "other"] == 22
    assert found["milesaga_retries_total", "checkout", "1s", "other"] == 20
    assert len(telemetry.series.exposition()) < 20_000


def test_somebody_elses_methods_cannot_make_series_without_end(telemetry: Telemetry) -> None:
    for method in ("get", "BREW", "G" * 60_000, "", "GET\n"):
        telemetry.answered("cart", method, "/v1/carts", 405, 0.001)
    telemetry.answered("cart", "HEAD", "/v1/carts", 200, 0.001)
    found = samples(telemetry)
    assert found["milesaga_http_requests_total", "other", "/v1/carts", "cart", "405"] == 5
    assert found["milesaga_http_requests_total", "HEAD", "/v1/carts", "cart", "200"] == 1
    assert len(telemetry.series.exposition()) < 20_000


def test_services_of_one_process_have_series_of_their_own(telemetry: Telemetry) -> None:
    for service in ("payment", "ticketing"):
        telemetry.called(service, "sabre", "read", "answered", 0.01)
        telemetry.stored(service, "save", 0.01)
        telemetry.died(service, "ValueError@here.there")
    found = samples(telemetry)
    for service in ("payment", "ticketing"):
        assert found["milesaga_provider_requests_total", "read", "answered", "sabre", service] == 1
        assert found["milesaga_store_seconds_count", "save", service] == 1
        assert found["milesaga_deaths_total", "ValueError@here.there", service] == 1


def test_requests_to_providers_are_counted_and_those_left_alone_are_told(telemetry: Telemetry) -> None:
    for outcome, seconds in (("answered", 0.003), ("unknown", 60.0), ("parked", 0.0)):
        telemetry.called("payment", "stripe", "capture", outcome, seconds)
    telemetry.breaker("payment", "stripe", is_open=True)
    found = samples(telemetry)
    for outcome in ("answered", "unknown", "parked"):
        assert found["milesaga_provider_requests_total", "capture", outcome, "stripe", "payment"] == 1
    assert found["milesaga_provider_seconds_count", "capture", "stripe", "payment"] == 2
    assert found["milesaga_provider_left_alone", "stripe", "payment"] == 1
    telemetry.breaker("payment", "stripe", is_open=False)
    assert samples(telemetry)["milesaga_provider_left_alone", "stripe", "payment"] == 0


def test_restarts_and_the_process_itself_are_told(telemetry: Telemetry) -> None:
    telemetry.restarted("cart: outbox")
    found = samples(telemetry)
    assert found["milesaga_task_restarts_total", "cart: outbox"] == 1
    assert found["process_resident_memory_bytes",] > 1_000_000


def test_every_metric_is_exposed_and_those_that_every_replica_tells_are_marked(telemetry: Telemetry) -> None:
    text = telemetry.series.exposition().decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for metric in catalogue.CATALOGUE:
        family = families[f"milesaga_{metric.name}"]
        assert family.type == metric.kind
        assert ("max by, never sum" in family.documentation) == metric.shared
    ours = {name for name in families if name.startswith("milesaga_")}
    assert len(ours) == len(catalogue.CATALOGUE)


def test_only_what_is_a_state_is_told_alike_by_every_replica() -> None:
    assert {metric.kind for metric in catalogue.CATALOGUE if metric.shared} == {"gauge"}


def test_partners_buses_and_rules_make_so_many_series_and_the_rest_is_counted_together() -> None:
    telemetry = Telemetry()
    for number in range(MOST_NAMED + 10):
        telemetry.came(f"p{number}", "accepted", 2)
        telemetry.matched("fuel", f"r{number}", "on", 1)
    counted = telemetry.series.counts
    assert len(counted[catalogue.EVENTS]) == len(counted[catalogue.RULE_MATCHES]) == MOST_NAMED + 1
    assert counted[catalogue.EVENTS]["other", "other"] == 20
    assert counted[catalogue.RULE_MATCHES]["other", "other", "other"] == 10
    telemetry.came("p0", "accepted", 1)
    assert counted[catalogue.EVENTS]["p0", "accepted"] == 3


def test_a_target_that_is_left_is_told_no_more(telemetry: Telemetry) -> None:
    for target in ("bi", "books"):
        telemetry.tried("fuel", target, "none", 0.02)
        telemetry.tried("fuel", target, "http_500", 0.02)
    telemetry.left("fuel", "bi")
    telemetry.left("fuel", "unknown")
    told = {each[1] for each in telemetry.series.counts[catalogue.ATTEMPTS]}
    assert told == {each[1] for each in telemetry.series.times[catalogue.ATTEMPT_SECONDS]} == {"books"}


def test_targets_make_so_many_series_and_the_rest_is_counted_together() -> None:
    telemetry = Telemetry()
    for number in range(MOST_NAMED + 10):
        telemetry.tried("fuel", f"t{number}", "none", 0.02)
    assert telemetry.series.counts[catalogue.ATTEMPTS]["other", "other", "other"] == 10
    assert len(telemetry.series.times[catalogue.ATTEMPT_SECONDS]) == MOST_NAMED + 1
