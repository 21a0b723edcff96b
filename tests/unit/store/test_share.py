"""How much a pass may take before an operator is asked."""

import pytest

from shared.store.share import Share


async def many() -> int:
    return 1000


def a_share(part: float = 0.1) -> Share:
    return Share("miles", "MILES_EXPIRY_SHARE", share=part, least=20)


async def test_a_pass_takes_its_share_in_pages_and_then_nothing(caplog: pytest.LogCaptureFixture) -> None:
    share = a_share()
    assert [await share.of(40, many) for _ in range(5)] == [40, 40, 20, 0, 0]
    told = [record for record in caplog.records if record.levelname == "ERROR"]
    assert len(told) == 1
    assert "MILES_EXPIRY_SHARE" in vars(told[0])["reason"]


async def test_few_documents_are_no_share() -> None:
    async def few() -> int:
        return 5

    assert await a_share().of(5, few) == 5


async def test_a_pass_ends_when_nothing_is_due_any_more() -> None:
    share = a_share()
    assert await share.of(100, many) == 100
    assert await share.of(100, many) == 0
    share.ended()
    assert await share.of(100, many) == 100


async def test_an_operator_may_allow_everything() -> None:
    share = a_share(1.0)
    assert sum([await share.of(100, many) for _ in range(11)]) == 1000


async def test_where_it_refills_as_much_may_be_taken_again_later() -> None:
    passed = [0.0]
    share = Share("carts", "CART_SWEEP_SHARE", share=0.1, least=20, refill=3600, seconds=lambda: passed[0])
    assert await share.of(500, many) == 100
    passed[0] = 3599
    assert await share.of(500, many) == 0
    passed[0] = 3600
    assert await share.of(500, many) == 100
