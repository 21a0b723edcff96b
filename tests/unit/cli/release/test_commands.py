"""The commands over a scripted API: what they ask, print and exit with."""

import json
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from services.cli import release
from services.cli.client import Api
from services.cli.release import holding, log, requests, wishes
from shared.kernel.acts import payload
from shared.kernel.digest import digest
from shared.ledgerlog.leaves import Leaf
from tests.unit.ledgerlog.logs import written

PAYLOAD = {"argv": ["./deploy.sh", "a\nb"], "files": [{"path": "deploy.sh", "sha256": "cd" * 32}]}
DIGEST = digest(PAYLOAD)
REQUEST: dict[str, Any] = {
    "id": "r1",
    "state": "pending",
    "digest": DIGEST,
    "revision": 1,
    "action": "deploy",
    "environment": "production",
    "target": "checkout",
    "reason": "a fix\nrequest  r2 \x1b[2J",
    "requester": "ana",
    "need": [{"group": "sre", "count": 1}],
    "eligible": ["bia", "caio"],
    "payload": PAYLOAD,
    "expires_at": "2026-11-21T12:00:00Z",
    "log_index": 7,
}
LEAVES = [each.decode() for each in written(30)]


class Office:
    """Answers with the request, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any], httpx.Headers]] = []
        self.raw = b""
        self.request = REQUEST
        self.leaves = LEAVES

    def __call__(self, request: httpx.Request) -> httpx.Response:
        said = json.loads(request.content) if request.content else {}
        self.asked.append((request.method, request.url.path, said, request.headers))
        self.raw = request.url.raw_path
        if request.method == "DELETE":
            return httpx.Response(204)
        if request.url.path == "/v1/releases/requests" and request.method == "GET":
            return httpx.Response(200, json={"requests": [REQUEST], "next_cursor": None})
        if request.url.path == "/v1/releases/log":
            first, limit = (int(request.url.params.get(name, "0")) for name in ("from", "limit"))
            return httpx.Response(
                200, json={"first": first, "size": len(self.leaves), "leaves": self.leaves[first : first + limit]}
            )
        if "unknown" in request.url.path:
            return httpx.Response(404, json={"code": "not_found", "detail": "There is no such thing."})
        return httpx.Response(200, json=self.request)


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    scripted = Office()
    for module in (requests, holding, log):
        monkeypatch.setattr(module, "as_person", lambda _: Api("http://stack", transport=httpx.MockTransport(scripted)))
    return scripted


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(release.app, list(arguments), input=stdin, env={"COLUMNS": "200"})


def test_requests_are_listed(office: Office) -> None:
    assert json.loads(run("list", "--json").stdout) == {"requests": [REQUEST]}
    assert "deploy checkout on production" in run("list").stdout


def test_a_request_is_shown_with_all_that_somebody_who_decides_must_see(office: Office) -> None:
    shown = run("show", "r1").stdout
    for word in (DIGEST, "./deploy.sh", "cdcdcdcdcdcd deploy.sh", "1 of sre", "bia, caio", "ana"):
        assert word in shown
    assert "\x1b" not in shown


def test_an_approval_names_the_digest_that_was_meant(office: Office) -> None:
    assert run("approve", "r1", "--digest", DIGEST.removeprefix("sha256:")[:12]).exit_code == 0
    method, path, said, _ = office.asked[-1]
    assert (method, path) == ("POST", "/v1/releases/requests/r1/decisions")
    assert said == {"decision": "approve", "digest": DIGEST}


def test_a_digest_of_few_digits_is_told_how_many_are_enough(office: Office) -> None:
    assert "12 at least" in run("approve", "r1", "--digest", "ab12").stderr


@pytest.mark.parametrize("digest", ["ab12", "ffffffffffff", "sha256:ab12ab12abff", ""])
def test_another_digest_than_the_requests_approves_nothing(office: Office, digest: str) -> None:
    assert run("approve", "r1", "--digest", digest).exit_code == 1
    assert [method for method, *_ in office.asked] == ["GET"]


@pytest.mark.parametrize(("answer", "decided"), [("y\n", True), ("n\n", False), ("", False)])
def test_without_a_digest_one_is_asked_over_what_is_shown(office: Office, answer: str, decided: bool) -> None:
    result = run("approve", "r1", stdin=answer)
    assert (result.exit_code == 0) == decided
    assert DIGEST in result.stderr
    assert (office.asked[-1][0] == "POST") == decided


def act(body: bytes, text: str) -> dict[str, Any]:
    about = payload("PUT", "/v1/miles/accounts/ana", "", body)
    return REQUEST | {"payload": dict(about), "digest": digest(about), "body": text}


@pytest.mark.parametrize(
    "shown", [REQUEST | {"payload": PAYLOAD | {"argv": ["./other.sh"]}}, act(b"{}", "[]"), REQUEST | {"body": "{}"}]
)
def test_what_is_shown_and_not_what_is_asked_for_can_be_denied_alone(office: Office, shown: dict[str, Any]) -> None:
    """Whoever shows it: the digest is worked out here once more."""
    office.request = shown
    for words in (("approve", "r1"), ("break-glass", "r1", "--incident", "INC-7", "--reason", "now")):
        refused = run(*words, "--digest", shown["digest"])
        assert (refused.exit_code, "nobody agrees to it" in refused.stderr) == (1, True)
    assert {method for method, *_ in office.asked} == {"GET"}
    assert run("deny", "r1", "--reason", "no", "--digest", shown["digest"]).exit_code == 0
    office.request = act(b"{}", "{}")
    assert run("approve", "r1", "--digest", office.request["digest"]).exit_code == 0


def test_a_denial_says_why(office: Office) -> None:
    assert run("deny", "r1").exit_code == 2
    assert run("deny", "r1", "--reason", "not tonight", "--digest", DIGEST).exit_code == 0
    assert office.asked[-1][2] == {"decision": "deny", "digest": DIGEST, "reason": "not tonight"}


@pytest.mark.parametrize(
    ("words", "path", "said"),
    [
        (("withdraw", "r1"), "requests/r1/withdraw", {}),
        (("revoke", "r1", "--reason", "no"), "requests/r1/revoke", {"reason": "no"}),
        (
            ("review", "r1", "rejected", "--reason", "no"),
            "requests/r1/review",
            {"verdict": "rejected", "reason": "no"},
        ),
        (
            ("break-glass", "r1", "--incident", "INC-1", "--reason", "fire", "--digest", DIGEST),
            "requests/r1/break-glass",
            {"digest": DIGEST, "incident": "INC-1", "reason": "fire"},
        ),
        (("record", "x1", "--exit-code", "3"), "executions/x1/outcome", {"exit_code": 3, "summary": ""}),
        (
            ("freeze", "--environment", "prod*", "--reason", "friday"),
            "freezes",
            {"match": {"environment": "prod*"}, "reason": "friday"},
        ),
        (("deactivate", "bia", "--reason", "left"), "people/bia/deactivate", {"reason": "left"}),
    ],
)
def test_what_is_wanted_is_sent(office: Office, words: tuple[str, ...], path: str, said: dict[str, Any]) -> None:
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert office.asked[-1][:3] == ("POST", f"/v1/releases/{path}", said)


def test_a_freeze_is_lifted_with_its_grant(office: Office) -> None:
    assert run("lift", "f1", "--grant", "g").exit_code == 0
    method, path, _, headers = office.asked[-1]
    assert (method, path, headers["milesaga-grant"]) == ("DELETE", "/v1/releases/freezes/f1", "g")


def test_a_request_without_a_gate_is_asked_for(office: Office) -> None:
    about = ("--action", "miles.replace_account", "--environment", "production", "--target", "ana", "--reason", "r")
    assert run("request", *about, "--parameter", "body=sha256:1", "--key", "k").exit_code == 0
    _, path, said, headers = office.asked[-1]
    assert (path, headers["idempotency-key"]) == ("/v1/releases/requests", "k")
    assert said["payload"] == {
        "argv": [],
        "artifacts": [],
        "files": [],
        "parameters": {"body": "sha256:1"},
        "links": {},
    }


def test_what_is_not_there_is_one_sentence(office: Office) -> None:
    result = run("show", "unknown")
    assert (result.exit_code, result.stderr) == (1, "There is no request unknown.\n")


def test_ids_lead_nowhere_else(office: Office) -> None:
    run("withdraw", "../freezes")
    assert office.raw == b"/v1/releases/requests/..%2Ffreezes/withdraw"


@pytest.mark.parametrize("text", ["", "/", "tonight/", "2027-01-20T22:00:00/", "2027-01-21T00:00Z/2027-01-20T00:00Z"])
def test_a_window_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(wishes.WrongWish, match=r"^--window: "):
        wishes.interval(text, "--window")


def test_the_logs_newest_entries_are_shown_for_people_and_as_they_are_for_programs(office: Office) -> None:
    told = run("log", "show").stdout
    assert [line.split()[0] for line in told.splitlines()[:-1]] == [str(n) for n in range(10, 30)]
    assert told.splitlines()[-2:] == [
        "   29 2027-01-20 10:00:29  asked of request-1 by ana (cli): number 29, reason 000000000000",
        "20 of 30 entries.",
    ]
    assert json.loads(run("log", "show", "--json").stdout)["leaves"] == LEAVES[10:]


def test_of_a_longer_log_it_is_told_how_to_go_on(office: Office) -> None:
    assert "20 of 30 entries; --from 20 goes on." in run("log", "show", "--from", "0").stdout
    assert run("log", "show", "--from", "30").stdout == "0 of 30 entries.\n"


def test_words_of_strangers_in_the_log_write_no_line_of_ours(office: Office) -> None:
    leaf = Leaf(
        0, Leaf.read(LEAVES[0].encode()).at, "asked", "r", "ana", "cli", {"action": "x\n9 granted\x1b[2J\u202e"}
    )
    office.leaves = [leaf.written().decode()]
    assert "x\\n9 granted\\u001b[2J\\u202e" in run("log", "show").stdout


def test_an_entry_that_is_none_is_told(office: Office) -> None:
    office.leaves = [LEAVES[0], '{"n": 1}']
    result = run("log", "show")
    assert (result.exit_code, "Entry 1 cannot be read" in result.stderr) == (1, True)
