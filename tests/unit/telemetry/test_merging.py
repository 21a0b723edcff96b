"""One page of metrics for several processes."""

from prometheus_client.parser import text_string_to_metric_families

from shared.telemetry.merging import together
from shared.telemetry.process import Telemetry


def page(*, of: str, handled: int) -> bytes:
    telemetry = Telemetry()
    for _ in range(handled):
        telemetry.handled(of, "payment.void.v1", "done", 0.2)
    return telemetry.series.exposition()


def samples(text: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(text.decode())
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def test_every_series_of_each_page_is_there_and_says_whose_it_is() -> None:
    pages = {"1": page(of="payment", handled=3), "2": page(of="payment", handled=4)}
    expected = {
        (name, labels | {("process", process)}): value
        for process, text in pages.items()
        for (name, labels), value in samples(text).items()
    }
    assert samples(together(pages)) == expected


def test_what_a_process_counts_is_told_in_the_words_that_it_tells_it_by_itself() -> None:
    lines = together({"1": page(of="payment", handled=3)}).decode().splitlines()
    assert 'milesaga_messages_total{outcome="done",process="1",service="payment",type="payment.void.v1"} 3.0' in lines
    assert [line for line in lines if line.startswith("# TYPE milesaga_handler_seconds ")] == [
        "# TYPE milesaga_handler_seconds histogram"
    ]


def test_a_metric_that_several_have_stands_once() -> None:
    """Prometheus' format has one group of lines for each."""
    lines = together({"1": page(of="cart", handled=1), "2": page(of="payment", handled=1)}).decode().splitlines()
    heads = [line for line in lines if line.startswith("# TYPE ")]
    assert len(heads) == len(set(heads))
    kinds = [line.partition("{")[0] for line in lines if line.startswith("milesaga_messages_total{")]
    first = lines.index(next(line for line in lines if line.startswith("milesaga_messages_total{")))
    assert all(line.startswith("milesaga_messages_total{") for line in lines[first : first + len(kinds)])
