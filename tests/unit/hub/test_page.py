"""What the page on buses says is so."""

import re

from shared.contracts.buses import MOST_RULES, MOST_TARGETS, BusTerms, RuleTerms, TargetTerms
from shared.routing.bus import MOST_COPIES, compiled
from shared.rules.reading import from_yaml
from tests.kit.stack import REPOSITORY
from tests.unit.routing.samples import an_event

PAGE = (REPOSITORY / "docs" / "hub.md").read_text()


def example() -> BusTerms:
    found = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return BusTerms.model_validate(from_yaml(found[1]))


def test_the_example_has_ten_lines_at_most_and_is_a_bus_that_routes() -> None:
    assert len(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1].splitlines()) <= 10  # type: ignore[index]
    bus = compiled("fuel", 1, example())
    small, large = ({"total": {"amount": amount}} for amount in (2_999, 3_000))
    assert not bus.route(an_event(data=small)).copies
    assert [copy.target for copy in bus.route(an_event(data=large)).copies] == ["coles-bi"]
    refund = an_event(kind="retail.receipt.refunded.v1", data=small)
    assert [copy.target for copy in bus.route(refund).copies] == ["coles-bi", "coles-books"]


def test_every_field_is_on_the_page_and_every_limit() -> None:
    fields = {*BusTerms.model_fields, *TargetTerms.model_fields, *RuleTerms.model_fields} - {"as_type"} | {"as"}
    assert [name for name in fields if f"`{name}" not in PAGE] == []
    assert f"at most {MOST_RULES}" in PAGE
    assert f"at most {MOST_TARGETS}" in PAGE
    assert f"More than {MOST_COPIES} copies" in PAGE
