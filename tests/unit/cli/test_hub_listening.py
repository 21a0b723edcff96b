"""`milesaga hub listen` over a scripted API, before a program that is really listening."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.cli.client import Api
from services.cli.hub import listening
from services.delivery.domain.signing import Secret, new_key
from services.sandbox.receiver.signatures import verified
from services.sandbox.receiver.terms import Terms
from tests.unit.cli.test_hub_events import Stack, run
from tests.unit.cli.test_hub_feeds import EVENT, FEED, page

SECRET = Secret(new_key()).shown
PRIVATE, PUBLIC = (
    "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=",
)
FIRST, SECOND = EVENT | {"deliveryid": "msg_1"}, EVENT | {"deliveryid": "msg_2", "id": "4712", "data": {"é": 1}}


class Program:
    """What somebody writes: it answers as it is told to, and 200 after that."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.retry_after = ""
        """Of what it answers but 200."""
        self.body = b""
        """Of 200, said to be gzip."""
        self.got: list[tuple[dict[str, str], bytes]] = []
        program = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                program.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(status := program.answers.pop(0) if program.answers else 200)
                if program.retry_after and status != 200:
                    self.send_header("Retry-After", program.retry_after)
                if program.body and status == 200:
                    self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                if status == 200:
                    self.wfile.write(program.body)

            def log_message(self, *_: object) -> None:
                """Nothing on standard error."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def program() -> Iterator[Program]:
    with ExitStack() as opened:
        made = Program()
        opened.callback(made.server.server_close)
        serving = Thread(target=made.server.serve_forever, args=(0.02,))
        serving.start()
        opened.callback(serving.join)
        opened.callback(made.server.shutdown)
        yield made


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr("services.cli.hub.listening.time.sleep", taken.append)
    return taken


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    scripted = Stack()
    monkeypatch.setattr(listening, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(scripted)))
    return scripted


def test_events_come_in_their_order_as_signed_webhooks(stack: Stack, program: Program, tmp_path: Path) -> None:
    stack.answers[FEED] = [page("c1", FIRST, more=True), page("c2", SECOND)]
    cursor = tmp_path / "cursor"
    options = "--secret", SECRET, "--cursor", str(cursor), "--until-now"
    told = run("listen", "history/own", "--forward", program.url, *options)
    assert (told.exit_code, cursor.read_text()) == (0, "c2\n"), told.output
    assert [Webhook(SECRET).verify(body, headers) for headers, body in program.got] == [FIRST, SECOND]
    assert [headers["webhook-id"] for headers, _ in program.got] == ["msg_1", "msg_2"]
    with pytest.raises(WebhookVerificationError):
        Webhook(Secret(new_key()).shown).verify(program.got[0][1], program.got[0][0])


def test_a_secret_is_made_and_shown(stack: Stack, program: Program) -> None:
    stack.answers[FEED] = [page("c1", FIRST)]
    told = run("listen", "history/own", "--forward", program.url, "--until-now")
    secret = told.stdout.splitlines()[0].removeprefix("Verify by ")
    assert Webhook(secret).verify(program.got[0][1], program.got[0][0]) == FIRST


def test_a_key_pair_is_made_or_given_and_its_public_half_verifies(stack: Stack, program: Program) -> None:
    stack.answers[FEED] = [page("c1", FIRST), page("c1", FIRST)]
    listens = "listen", "history/own", "--forward", program.url, "--until-now"
    told = run(*listens, "--signature", "ed25519")
    made = told.stdout.splitlines()[0].removeprefix("Verify by ")
    assert run(*listens, "--secret", PRIVATE).exit_code == 0
    for key, (headers, body) in zip((made, PUBLIC), program.got, strict=True):
        assert verified(Terms(public_keys=(key,)), headers, body) == "public key 1"
        assert verified(Terms(public_keys=(key,)), headers, body + b" ") is None


def test_a_program_that_fails_is_given_the_same_again_and_a_refusal_is_left_behind(
    stack: Stack, program: Program, pauses: list[float]
) -> None:
    stack.answers[FEED] = [page("c1", FIRST, SECOND)]
    program.answers = [500, 404, 422]
    told = run("listen", "history/own", "--forward", program.url, "--until-now")
    assert told.exit_code == 0
    assert [json.loads(body)["id"] for _, body in program.got] == ["4711", "4711", "4711", "4712"]
    assert [headers["milesaga-attempt"] for headers, _ in program.got] == ["1", "2", "3", "1"]
    assert pauses == [1.0, 2.0]
    assert [line.split()[-3] for line in told.stdout.splitlines()[1:]] == ["500", "404", "422", "200"]


def test_a_program_that_asks_for_patience_is_left_alone_for_so_long(
    stack: Stack, program: Program, pauses: list[float]
) -> None:
    stack.answers[FEED] = [page("c1", FIRST)]
    program.answers, program.retry_after = [429, 503], "7"
    assert run("listen", "history/own", "--forward", program.url, "--until-now").exit_code == 0
    assert pauses == [7.0, 7.0]


def test_a_program_that_is_not_there_yet_is_waited_for(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
) -> None:
    stack.answers[FEED] = [page("c1", FIRST)]

    class Waited(Exception):
        """It would have been asked again."""

    def sleep(_: float) -> None:
        raise Waited

    monkeypatch.setattr("services.cli.hub.listening.time.sleep", sleep)
    told = run("listen", "history/own", "--forward", f"http://127.0.0.1:{unused_tcp_port}/", "--until-now")
    assert isinstance(told.exception, Waited)
    assert "ConnectError" in told.stdout


def test_whoever_ends_before_the_first_page_was_told_begins_there_again(
    stack: Stack, program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By then it is later: what was not taken was accepted before that."""
    stack.answers[FEED] = [page("c1", FIRST)]
    program.answers, cursor = [500], tmp_path / "cursor"

    def sleep(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("services.cli.hub.listening.time.sleep", sleep)
    listens = "listen", "history/own", "--forward", program.url, "--until-now", "--cursor", str(cursor)
    assert run(*listens).exit_code != 0
    assert run(*listens).exit_code == 0
    begins = [each.url.params.get("from") for each in stack.asked]
    assert begins[0] == begins[1] is not None
    assert (cursor.read_text(), [path.name for path in tmp_path.iterdir()]) == ("c1\n", ["cursor"])


def test_a_cursor_that_was_lost_is_no_beginning(stack: Stack, tmp_path: Path) -> None:
    cursor = tmp_path / "cursor"
    cursor.touch()
    told = run("listen", "history/own", "--forward", "http://127.0.0.1:9/", "--cursor", str(cursor))
    assert (told.exit_code, stack.asked) == (1, [])
    assert "is empty" in told.stderr


def test_what_a_program_says_besides_its_status_is_nobodys_business(stack: Stack, program: Program) -> None:
    stack.answers[FEED] = [page("c1", FIRST)]
    program.body = b"no gzip" * 10_000
    assert run("listen", "history/own", "--forward", program.url, "--until-now").exit_code == 0
    assert len(program.got) == 1


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--forward", "localhost:9000"), "--forward"),
        (("--forward", "http://x:99999/"), "--forward"),
        (("--forward", "http://[::1/"), "--forward"),
        (("--forward", "http://xn--zz.example/"), "--forward"),
        (("--forward", "http://x/", "--secret", "whsec_!"), "--secret"),
        (("--forward", "http://x/", "--secret", "whsk_AAEC"), "--secret"),
        (("--forward", "http://x/", "--secret", SECRET, "--signature", "ed25519"), "--signature"),
    ],
)
def test_what_is_no_url_or_no_secret_is_named(stack: Stack, options: tuple[str, ...], named: str) -> None:
    told = run("listen", "history/own", *options)
    assert (told.exit_code, stack.asked) == (1, [])
    assert named in told.stderr
