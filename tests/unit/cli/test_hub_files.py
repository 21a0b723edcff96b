"""`milesaga hub apply`, `diff`, `rollback`, `list` over a scripted hub."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from services.cli.client import Api
from services.cli.hub import app, changing, files
from services.cli.release.agreed import Act, Consent
from services.cli.release.gate import exits
from shared.kernel.acts import payload

PARTNER = """
partner: coles
clients: [coles-tills]
publishes: [retail.receipt.*]
"""
TYPE = """
type: retail.receipt.issued.v1
schema: {type: object}
"""
BUS = """
bus: fuel
partner: coles
rules:
  - {name: all, when: {type: [retail.receipt.issued.v1]}, to: [books]}
targets:
  books: {queue: true}
"""


class Hub:
    """Keeps what it is sent, with a revision; a dry run of a bus is answered from `plan`."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[int, Any]] = {}
        self.asked: list[str] = []
        self.refuses: dict[str, tuple[int, Any]] = {}
        self.bodies: list[bytes] = []
        self.grants: list[str] = []
        self.plan = {"changes": [], "queues": ["target.fuel.books"], "cost": 7}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        dry = request.url.params.get("dry_run") == "true"
        self.asked.append(f"{request.method} {path}{' dry' if dry else ''}")
        if (refused := self.refuses.get(f"{request.method} {path}")) and not dry:
            return httpx.Response(refused[0], json=refused[1])
        revision, body = self.kept.get(path, (0, None))
        if request.method == "GET":
            return self._shown(path, revision, body)
        if request.headers["if-match"] != f'"{revision}"':
            return httpx.Response(412, json={"code": "precondition_failed", "detail": "It was changed meanwhile"})
        if dry:
            return httpx.Response(200, json=self.plan)
        if request.method == "DELETE":
            del self.kept[path]
            return httpx.Response(204)
        self.bodies.append(request.content)
        self.grants += [request.headers["milesaga-grant"]] if "milesaga-grant" in request.headers else []
        self.kept[path] = revision + 1, json.loads(request.content)
        return self._shown(path, *self.kept[path])

    def _shown(self, path: str, revision: int, body: Any) -> httpx.Response:
        if body is None:
            return httpx.Response(404, json={"code": "not_found", "detail": "There is no such thing"})
        *_, plural, name = path.split("/")
        shown = {"id": name, **body}
        if plural == "types":
            shown["schema_document"] = shown.pop("schema")
        if plural == "buses":
            shown = {"id": name, "revision": revision, "by": "me", "at": "2027-01-20T10:00:00Z", "terms": body}
            shown["active"] = True
        return httpx.Response(200, json=shown, headers={"ETag": f'"{revision}"'})


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Hub:
    scripted = Hub()
    monkeypatch.setattr(files, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(scripted)))
    return scripted


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


@pytest.fixture
def written(tmp_path: Path) -> Any:
    def write(*documents: str, name: str = "hub.yaml") -> str:
        path = tmp_path / name
        path.write_text("\n---\n".join(documents))
        return str(path)

    return write


def test_partners_come_first_then_types_then_buses_wherever_they_stand(hub: Hub, written: Any) -> None:
    result = run("apply", written(BUS, TYPE), written(PARTNER, name="partner.yaml"))
    assert result.exit_code == 0, result.output
    puts = [each for each in hub.asked if each.startswith("PUT")]
    assert puts == [
        "PUT /v1/hub/partners/coles",
        "PUT /v1/hub/types/retail.receipt.issued.v1",
        "PUT /v1/hub/buses/fuel",
    ]
    assert "bus fuel: new, revision 1, in force everywhere" in result.stdout
    assert hub.kept["/v1/hub/buses/fuel"][1]["rules"][0]["to"] == ["books"]


def test_what_is_as_it_should_be_is_left_alone(hub: Hub, written: Any) -> None:
    file = written(PARTNER, TYPE, BUS)
    run("apply", file)
    hub.asked.clear()
    again = run("apply", file, "--json")
    assert [each for each in hub.asked if each.startswith("PUT")] == []
    assert {each["change"] for each in json.loads(again.stdout)["things"]} == {"same"}


def test_a_dry_run_tells_the_difference_and_changes_nothing(hub: Hub, written: Any) -> None:
    run("apply", written(PARTNER, TYPE, BUS))
    hub.asked.clear()
    result = run("apply", "--dry-run", written(BUS.replace("[books]}", "[books], share: 10}")))
    assert result.exit_code == 0, result.output
    assert "PUT /v1/hub/buses/fuel dry" in hub.asked
    assert hub.kept["/v1/hub/buses/fuel"][0] == 1
    for told in ("-  share: 100", "+  share: 10", "queue target.fuel.books", "its rules cost 7", "a dry run"):
        assert told in result.stdout, result.stdout


def test_a_bus_whose_partner_is_yet_to_be_made_is_not_asked_about(hub: Hub, written: Any) -> None:
    assert run("apply", "--dry-run", written(PARTNER, BUS)).exit_code == 0
    assert [each for each in hub.asked if "dry" in each] == []


def test_a_refusal_puts_back_what_was_changed_before_it(hub: Hub, written: Any) -> None:
    run("apply", written(PARTNER))
    problem = {"code": "invalid_request", "detail": "Wrong", "errors": [{"pointer": "/rules/0/when", "detail": "bad"}]}
    hub.refuses["PUT /v1/hub/buses/fuel"] = 422, problem
    file = written(PARTNER.replace("retail.receipt.*", "retail.*"), TYPE, BUS)
    result = run("apply", file)
    assert result.exit_code == 1
    assert result.stderr == f"{file}, document 3 (bus fuel): Wrong; /rules/0/when: bad\n"
    assert hub.kept["/v1/hub/partners/coles"][1]["publishes"] == ["retail.receipt.*"]
    assert set(hub.kept) == {"/v1/hub/partners/coles"}


def test_what_cannot_be_put_back_is_told(hub: Hub, written: Any) -> None:
    hub.refuses["PUT /v1/hub/buses/fuel"] = 503, {"code": "broker_unavailable", "detail": "Away"}
    hub.refuses["DELETE /v1/hub/types/retail.receipt.issued.v1"] = 503, {"code": "unavailable", "detail": "Away too"}
    result = run("apply", written(PARTNER, TYPE, BUS))
    assert result.exit_code == 1
    assert "type retail.receipt.issued.v1 could not be put back: Away too" in result.stderr
    assert set(hub.kept) == {"/v1/hub/types/retail.receipt.issued.v1"}


@pytest.mark.parametrize(
    ("documents", "told"),
    [
        (["partner: coles\npartner: aldi"], "/partner: expected"),
        ([PARTNER + "rate: {burst: 5}"], "document 1: (partner coles) /rate/burst: must be at least"),
        (
            [BUS.replace("queue: true", "qeue: true")],
            "document 1: (bus fuel) /targets/books/qeue: is not a field here: did you mean queue?",
        ),
        ([BUS + "admit: {}"], "document 1: (bus fuel) /admit: is not a field here: did you mean admits?"),
        ([PARTNER + "zzz: 1"], "document 1: (partner coles) /zzz: is not a field here: there are broker_user, "),
        ([BUS.replace("[retail.receipt.issued.v1]", "[{prefix: 1}]")], "/rules/0/when/type/0/prefix: expected"),
        ([TYPE.replace("object}", "objekt}")], "(type retail.receipt.issued.v1) /schema"),
        ([PARTNER, PARTNER], "document 2: partner coles stands in another document as well"),
        (["nothing: here"], "document 1: expected one of the fields partner, type, bus"),
        (["bus: Not A Name"], "document 1: /bus: a name is expected"),
        ([""], "nothing is described there"),
    ],
)
def test_what_is_wrong_is_told_by_file_document_and_place_before_anything_is_asked(
    hub: Hub, written: Any, documents: list[str], told: str
) -> None:
    result = run("apply", written(*documents))
    assert result.exit_code == 1
    assert told in result.stderr
    assert hub.asked == []


def test_faults_are_told_in_the_order_of_the_file(hub: Hub, written: Any) -> None:
    result = run("apply", written(BUS.replace("queue: true", "queue: 3, rate: x") + "zzz: 1"))
    told = [line.split(") ")[1].split(":")[0] for line in result.stderr.splitlines()]
    assert told == ["/targets/books/queue", "/targets/books/rate", "/zzz"]


def test_a_file_that_is_not_there_is_one_sentence(hub: Hub) -> None:
    result = run("apply", "nowhere.yaml")
    assert (result.exit_code, result.stderr) == (1, "nowhere.yaml: No such file or directory\n")


def test_the_difference_is_shown_and_nothing_is_sent(hub: Hub, written: Any) -> None:
    run("apply", written(PARTNER))
    hub.asked.clear()
    result = run("diff", written(PARTNER + "contact: me@coles.example", TYPE))
    assert [each.split()[0] for each in hub.asked] == ["GET", "GET"]
    for told in ("-contact: ''", "+contact: me@coles.example", "+type: retail.receipt.issued.v1"):
        assert told in result.stdout


def test_a_bus_is_brought_back_and_its_revisions_are_listed(hub: Hub, written: Any) -> None:
    run("apply", written(PARTNER, BUS))
    terms = hub.kept["/v1/hub/buses/fuel"][1]
    bus = {"id": "fuel", "revision": 3, "by": "me", "at": "2027-01-20T10:00:00Z", "terms": terms, "active": True}
    past = {"bus": "fuel", "revision": 2, "by": "you", "at": "2027-01-19T10:00:00Z", "terms": None}
    answers = {
        "/v1/hub/buses/fuel/rollback": bus,
        "/v1/hub/buses": {"buses": [bus], "next_cursor": None},
        "/v1/hub/buses/fuel": bus,
        "/v1/hub/buses/fuel/revisions": {"revisions": [past], "next_cursor": None},
    }

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=answers[request.url.path])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(answer)))
        assert "revision 3, in force everywhere" in run("rollback", "fuel", "2").stdout
        assert "fuel" in run("list").stdout
        listed = run("list", "fuel").stdout
    assert "(deleted)" in listed
    assert "you" in listed


def test_others_are_asked_for_what_gives_power_over_a_partner_and_for_exactly_what_is_sent(
    hub: Hub, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    required = 409, {"code": "grant_required", "detail": "Another person must agree"}
    hub.refuses["PUT /v1/hub/partners/coles"] = required
    asked: list[tuple[Act, str, str | None]] = []

    @contextmanager
    def granted(act: Act, environment: str, consent: Consent) -> Iterator[str]:
        asked.append((act, environment, consent.reason))
        del hub.refuses["PUT /v1/hub/partners/coles"]
        yield "a-grant"

    monkeypatch.setattr(changing, "granted", granted)
    result = run("apply", written(PARTNER, TYPE), "--reason", "a new till", "--environment", "test")
    assert result.exit_code == 0, result.output
    [(act, environment, reason)] = asked
    assert (act.action, environment, reason) == ("hub.partner_clients", "test", "a new till")
    assert act.payload == payload("PUT", "/v1/hub/partners/coles", "", hub.bodies[-2])
    assert hub.grants == ["a-grant"]
    assert hub.kept["/v1/hub/partners/coles"][1]["clients"] == ["coles-tills"]


def test_without_a_reason_nobody_is_asked_and_what_was_changed_before_is_put_back(hub: Hub, written: Any) -> None:
    other = PARTNER.replace("partner: coles", "partner: aldi")
    hub.refuses["PUT /v1/hub/partners/coles"] = 409, {"code": "grant_required", "detail": "Another person must agree"}
    result = run("apply", written(other, PARTNER))
    assert (result.exit_code, "--reason" in result.stderr) == (exits.WRONG, True)
    assert hub.kept == {}
