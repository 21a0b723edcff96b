"""What is shown of a request of ours is what will be sent."""

from typing import Any

import pytest

from services.releases.domain.bodies import WrongBody, check
from shared.kernel.acts import LARGEST_BODY, payload

BODY = '{"tier":"gold"}'
ACT = dict(payload("PUT", "/v1/miles/accounts/ana", "", BODY.encode()))
WITHOUT = dict(payload("DELETE", "/v1/hub/types/a.v1", "", b""))


@pytest.mark.parametrize(
    ("asked", "text"), [(ACT, BODY), (WITHOUT, None), (WITHOUT, ""), ({"argv": ["x"]}, None), ({"body": BODY}, None)]
)
def test_the_text_of_the_hash_is_taken_and_none_where_there_is_none(asked: dict[str, Any], text: str | None) -> None:
    check(asked, text)


@pytest.mark.parametrize(
    ("asked", "text", "expected"),
    [
        (ACT, None, "must be given"),
        (ACT, "", "must be given"),
        (ACT, BODY + " ", "must be the text of which"),
        (WITHOUT, "{}", "must be the text of which"),
        (ACT | {"body": "sha256:nothing"}, BODY, "must be the text of which"),
        (ACT | {"more": 1}, BODY, "must be left out"),
        ({"argv": ["x"]}, BODY, "must be left out"),
        (ACT, "\ud800", "surrogate"),
        (ACT, "\u00fc" * (LARGEST_BODY // 2 + 1), f"at most {LARGEST_BODY} bytes"),
    ],
)
def test_another_text_or_none_is_refused(asked: dict[str, Any], text: str | None, expected: str) -> None:
    with pytest.raises(WrongBody, match=expected):
        check(asked, text)
