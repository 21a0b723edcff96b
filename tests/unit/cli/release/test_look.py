"""What somebody who decides is shown: all that he agrees to."""

from typing import Any

from services.cli.release.look import MOST_SHOWN, decided, listed, shown
from shared.kernel.acts import payload

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
    act = {"method": "PUT", "path": "/v1/miles/accounts/ana", "query": "", "body": "sha256:7"}
    found = rows(REQUEST | {"payload": act})
    assert {name: found[name] for name in act} == act
    letters = rows(REQUEST | {"payload": {"letters": {"payment": {"count": 3}}}})
    assert letters["letters"] == '{"payment": {"count": 3}}'


def test_what_ran_is_shown_by_the_name_under_which_its_end_is_recorded() -> None:
    assert "execution" not in rows(REQUEST | {"execution": "", "exit_code": None})
    ran = REQUEST | {"state": "unknown", "execution": "x-1"}
    assert rows(ran)["execution"] == "x-1, no end is told"
    assert rows(ran | {"exit_code": 0})["execution"] == "x-1, ended with 0"


def test_words_of_strangers_write_no_line_of_ours() -> None:
    found = rows(REQUEST | {"payload": {"path": "/x\nstate approved", "a\nb": "1"}})
    assert found["path"] == r"/x\nstate approved"
    assert r"a\nb" in found


def test_a_list_says_who_has_agreed() -> None:
    table = listed([REQUEST])
    assert "p-sre" in [cell for column in table.columns for cell in column.cells]


def test_what_the_command_finds_is_shown() -> None:
    told = [{"name": "A", "value": "1\nstate approved"}, {"name": "B", "salted_sha256": "5"}]
    found = rows(REQUEST | {"payload": {"environment": told, "version": 2}})
    assert found["with"] == "A = 1\\nstate approved\nB: a secret, its value hashed and not shown"


def sends(text: str | None, content: bytes) -> str:
    act = payload("PUT", "/v1/miles/accounts/ana", "", content)
    return rows(REQUEST | {"payload": dict(act), "body": text}).get("sends", "")


def test_a_body_is_shown_as_it_will_be_sent() -> None:
    body = '{"tier": "gold"}\n\u202e\x1b[2J\u3164'
    assert sends(body, body.encode()) == '{"tier": "gold"}\n\\u202e\\u001b[2J\\u3164'
    assert not sends(None, b"")
    long = "x" * (MOST_SHOWN + 7)
    assert sends(long, long.encode()).endswith("\n... and 7 bytes more: --json has them")


def test_nobody_agrees_to_another_body_than_he_reads() -> None:
    assert "DO NOT AGREE" in sends('{"tier": "gold"}', b'{"tier": "member"}')
    assert "hash alone" in sends(None, b'{"tier": "gold"}')


def test_who_agreed_is_told_what_is_still_waited_for() -> None:
    half = [{"group": "sre", "count": 1, "persons": ["p-sre"]}, {"group": "owners", "count": 2, "persons": []}]
    asked = REQUEST | {"need": half, "eligible": ["p-owner", "p-second"]}
    assert rows(asked)["needs"] == "1 of sre: p-sre\n2 of owners"
    assert decided(asked) == "The request waits for 2 of owners: p-owner, p-second may agree."
    assert decided(asked | {"state": "approved"}) == "The request is approved."
