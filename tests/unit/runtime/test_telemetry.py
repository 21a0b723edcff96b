"""Counters, as Prometheus reads them."""

from prometheus_client.parser import text_string_to_metric_families

from shared.runtime.telemetry import Telemetry


def samples(telemetry: Telemetry, **unsent: float) -> dict[tuple[str, ...], float]:
    """(sample's name, its labels' values in order) -> value."""
    text = telemetry.exposition(0, unsent).decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_handled_messages_are_counted_by_service_type_and_outcome() -> None:
    telemetry = Telemetry()
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


def test_somebody_elses_types_cannot_make_series_without_end() -> None:
    telemetry = Telemetry()
    for number in range(20):
        telemetry.handled("checkout", f"{number}" * 60_000, "dead", 0.001)
    telemetry.handled("checkout", "", "dead", 0.001)
    telemetry.handled("checkout", "checkout.start.v1\n", "dead", 0.001)
    found = samples(telemetry)
    assert [key for key in found if key[0] == "milesaga_messages_total"] == [
        ("milesaga_messages_total", "dead", "checkout", "other")
    ]
    assert found["milesaga_messages_total", "dead", "checkout", "other"] == 22
    assert len(telemetry.exposition(0, {})) < 10_000


def test_somebody_elses_methods_cannot_make_series_without_end() -> None:
    telemetry = Telemetry()
    for method in ("get", "BREW", "G" * 60_000, "", "GET\n"):
        telemetry.answered(method, "/v1/carts", 405, 0.001)
    telemetry.answered("HEAD", "/v1/carts", 200, 0.001)
    found = samples(telemetry)
    assert found["milesaga_http_requests_total", "other", "/v1/carts", "405"] == 5
    assert found["milesaga_http_requests_total", "HEAD", "/v1/carts", "200"] == 1
    assert len(telemetry.exposition(0, {})) < 10_000


def test_requests_to_providers_are_counted_and_those_left_alone_are_told() -> None:
    telemetry = Telemetry()
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


def test_requests_published_messages_and_the_outbox_are_told() -> None:
    telemetry = Telemetry()
    telemetry.answered("GET", "/v1/carts/{id}", 404, 0.01)
    telemetry.restarts["cart: outbox"] += 1
    found = samples(telemetry, cart=12.5)
    assert found["milesaga_http_requests_total", "GET", "/v1/carts/{id}", "404"] == 1
    assert found["milesaga_outbox_unsent_seconds", "cart"] == 12.5
    assert found["milesaga_task_restarts_total", "cart: outbox"] == 1
    assert found["process_resident_memory_bytes",] > 1_000_000
