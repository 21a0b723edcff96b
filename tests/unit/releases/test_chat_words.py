"""What the chat is told of a payload: enough to decide, and no member's name."""

from hashlib import sha256

from services.releases.adapters.slack import LONGEST, _body, _runs
from shared.kernel.visible import visible

SHA = "5" * 64


def test_a_command_is_shown_with_its_files() -> None:
    words = _runs({"argv": ["./deploy.sh", "prod"], "files": [{"path": "deploy.sh", "sha256": SHA}]})
    assert words == f"Runs: ./deploy.sh prod\ndeploy.sh {SHA}"


def test_parameters_are_shown_for_they_decide_as_much_as_words() -> None:
    payload = {"argv": ["./deploy.sh"], "parameters": {"VERSION": "1.4.2", "WHERE": "a\nRuns: nothing"}}
    assert _runs(payload) == "Runs: ./deploy.sh\nVERSION = 1.4.2\nWHERE = a\n> Runs: nothing"


def sent(path: str, query: str = "", method: str = "PUT") -> str:
    return _runs({"method": method, "path": path, "query": query, "body": f"sha256:{SHA}"})


def test_an_act_of_our_own_is_shown_with_what_it_is_upon_unless_that_may_be_a_member() -> None:
    rest = f"\nbody: sha256:{SHA}"
    assert sent("/v1/hub/types/fuel.receipt.v1", "force=true") == (
        f"Sends: PUT /v1/hub/types/fuel.receipt.v1?force=true{rest}"
    )
    assert sent("/v1/releases/freezes/f-1", method="DELETE") == f"Sends: DELETE /v1/releases/freezes/f-1{rest}"
    assert sent("/v1/hub/x\nSends: y").splitlines()[:2] == ["Sends: PUT /v1/hub/x", "> Sends: y"]
    for hidden in ("/v1/miles/accounts/ana", "/v1/hubs/ana", "/ana/v1/hub/"):
        assert sent(hidden, "x=ana") == f"Sends: PUT; its path may name a member: look at the request{rest}"


def test_what_only_looks_like_an_act_of_our_own_shows_no_path() -> None:
    assert _runs({"method": "PUT", "path": "/v1/hub/ana", "query": ""}) == "method: PUT"


def test_changes_of_the_broker_are_shown() -> None:
    changes = {"changes": ["queue payment: make it anew, and bring its messages back"]}
    assert "queue payment: make it anew" in _runs(changes)


def test_words_are_told_apart() -> None:
    assert _runs({"argv": ["sh", "-c", "a b; c"]}) == "Runs: sh -c 'a b; c'"


def test_no_word_is_taken_for_a_line_of_ours() -> None:
    shown = _runs({"argv": ["./deploy.sh", f"x\ndeploy.sh {SHA}"], "files": [{"path": "a\nRuns: ./b", "sha256": SHA}]})
    assert [line for line in shown.splitlines() if not line.startswith("> ")] == ["Runs: ./deploy.sh 'x", "a"]


def test_what_is_cut_off_is_told_with_its_length() -> None:
    shown = _runs({"argv": ["echo", "x" * 5_000, "; rm -rf /"]})
    assert "rm -rf" not in shown
    unseen = _runs({"argv": ["\u200b" * LONGEST]})
    assert len(unseen) < LONGEST + 100, "Slack takes no longer block, and there would be no message"
    assert len(shown) < LONGEST + 100
    assert shown.endswith("CHARACTERS MORE: look at the request before you agree")


def test_what_nobody_sees_is_shown_as_its_number() -> None:
    assert visible("a\u202eb\u200bc\x00d\te\nf") == "a\\u202eb\\u200bc\\u0000d\\u0009e\nf"
    assert visible("S\u00e3o Paulo \u2013 \u00fc \U0001f680") == "S\u00e3o Paulo \u2013 \u00fc \U0001f680"


def test_where_programs_are_found_is_shown_behind_the_words() -> None:
    shown = _runs({"argv": ["./deploy.sh"], "parameters": {"a": "b"}, "search_path": "/home/x/bin:/usr/bin\nRuns: y"})
    assert shown.splitlines() == ["Runs: ./deploy.sh", "Programs from: /home/x/bin:/usr/bin", "> Runs: y", "a = b"]


def test_letters_that_are_shown_as_nothing_are_shown_as_numbers_too() -> None:
    blank = "\u3164\u115f\u2800\u034f\ufe0f\U000e0100\u180b\u00a0\u3000"
    assert visible(blank) == "".join(f"\\u{ord(each):04x}" for each in blank)


def test_a_body_is_shown_as_it_will_be_sent_and_no_line_of_it_is_ours() -> None:
    assert _body('{"tier":"gold"}\nRuns: nothing\n> x') == 'Body:\n> {"tier":"gold"}\n> Runs: nothing\n> > x'
    assert _body("*b* <!channel> `c` \u202e\x1b[2J") == "Body:\n> *b* <!channel> `c` \\u202e\\u001b[2J"
    assert _body(None) == "Body: erased"
    assert len(_body("\n" * LONGEST)) < LONGEST + 200, "Slack takes no longer block, and nobody would be asked"


def test_what_the_command_finds_is_shown_and_no_value_is_taken_for_a_line_of_ours() -> None:
    told = [
        {"name": "CONTEXT", "value": "prod\nRuns: nothing"},
        {"name": "KEY", "salted_sha256": SHA},
        {"name": "KUBECONFIG", "file_sha256": SHA},
    ]
    shown = _runs({"argv": ["./deploy.sh"], "environment": told, "version": 2}).splitlines()
    assert shown == [
        "Runs: ./deploy.sh",
        *("With CONTEXT = prod", "> Runs: nothing"),
        "With KEY: a secret, its value hashed and not shown",
        f"With KUBECONFIG: a file, sha256:{SHA}",
    ]
    for strange in (None, "x", [1], [{"name": 1}], {"a": "b"}):
        assert "Runs: x" in _runs({"argv": ["x"], "environment": strange})


def test_what_is_not_shown_of_a_body_is_counted_in_the_bytes_that_are_hashed() -> None:
    for letter in ("x", "\u00fc", "\u200b", "\n"):
        text = letter * 3_000 + "evil"
        seen, _, rest = _body(text).rpartition("\n")
        shown = seen.removeprefix("Body:\n> ").replace("\n> ", "\n")
        kept = len(shown) // len(visible(letter))
        assert len(seen) <= LONGEST + 10, "Slack takes no longer block"
        assert rest.startswith(f"... AND {len((letter * (3_000 - kept) + 'evil').encode()):,} BYTES MORE, ")
        assert sha256(text.encode()).hexdigest() in rest
