"""What somebody who decides is shown: all that he agrees to."""

from typing import Any

from services.cli.release.look import listed, shown

REQUEST: dict[str, Any] = {
    "id": "r1",
    "state": "pending",
    "action": "miles.replace_account",
    "environment": "production",
    "target": "path:0",
    "digest": "sha256:5",
    "reason": "INC-7",
    "approvals": ["p-sre"],
}


def rows(request: dict[str, Any]) -> dict[str, str]:
    names, values = (list(column.cells) for column in shown(request).columns)
    return dict(zip(map(str, names), map(str, values), strict=True))


def test_an_act_of_our_own_is_shown_with_all_that_decides_it() -> None:
    payload = {"method": "PUT", "path": "/v1/miles/accounts/ana", "query": "", "body": "sha256:7"}
    found = rows(REQUEST | {"payload": payload})
    assert {name: found[name] for name in payload} == payload
    letters = rows(REQUEST | {"payload": {"letters": {"payment": {"count": 3}}}})
    assert letters["letters"] == '{"payment": {"count": 3}}'


def test_words_of_strangers_write_no_line_of_ours() -> None:
    found = rows(REQUEST | {"payload": {"path": "/x\nstate approved", "a\nb": "1"}})
    assert found["path"] == r"/x\nstate approved"
    assert r"a\nb" in found


def test_a_list_says_who_has_agreed() -> None:
    table = listed([REQUEST])
    assert "p-sre" in [cell for column in table.columns for cell in column.cells]
