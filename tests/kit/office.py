"""Whoever decides, as the gate sees it: the HTTP of requests, grants and outcomes, told by a test what to say."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from shared.kernel.digest import digest

Json = dict[str, Any]
Answer = tuple[int, Json, dict[str, str]]
ROOT = "/v1/releases"
OBJECTED = frozenset({"denied", "revoked"})
"""States into which a person brings a request, and says why."""


@dataclass
class Made:
    """One request."""

    id: str
    key: str
    said: Json
    digest: str
    state: str = "pending"
    revision: int = 1
    grants: int = 0
    execution: str = ""
    redeemed_by: str = ""
    outcome: Json | None = None

    def shown(self) -> Json:
        objected = self.state in OBJECTED
        return {"id": self.id, "state": self.state, "digest": self.digest, "revision": self.revision} | {
            "payload": {"parameters": {"state": "approved", "digest": "sha256:0"}},
            "reason": 'he said: "state":"denied"\n\\"code',
            "closed_by": "p-sre" if objected else "",
            "closed_reason": 'not "tonight"' if objected else None,
        }


@dataclass
class Scripted:
    """What is answered to the next calls of one kind, in place of the truth."""

    status: int
    code: str = ""
    retry_after: int | None = None
    body: Json = field(default_factory=dict)
    happens: bool = False
    """It has its effect all the same: only the answer is lost."""


class Office:
    """Serves while it is entered. `url` is where."""

    def __init__(self) -> None:
        self.requests: dict[str, Made] = {}
        self.calls: list[tuple[str, str, Json]] = []
        self.headers: list[dict[str, str]] = []
        self.singles: list[Json] = []
        self.script: dict[str, list[Scripted]] = {}
        self.on_grant: Callable[[], None] = lambda: None
        self.on_redeem: Callable[[], None] = lambda: None
        self.on_call: Callable[[str], None] = lambda _: None
        """Of its kind, when it came and before it is answered."""
        self.news = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nobody answers any more."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()
            with self.news:
                self.news.notify_all()

    @property
    def only(self) -> Made:
        [made] = self.requests.values()
        return made

    def decide(self, state: str) -> None:
        with self.news:
            self.only.state = state
            self.only.revision += 1
            self.news.notify_all()

    def say(self, kind: str, *answers: Scripted) -> None:
        """`kind`: ask, watch, grant, redeem, outcome, single."""
        self.script[kind] = list(answers)

    def kinds(self) -> list[str]:
        with self.news:
            return [kind for kind, _, _ in self.calls]

    def answer(self, kind: str, path: str, said: Json, key: str, query: dict[str, list[str]]) -> Answer | None:
        """None: nobody answers."""
        with self.news:
            if self._server is None:
                return None
            self.calls.append((kind, path, said))
            self.on_call(kind)
            scripted = self.script.get(kind) or []
            first = scripted.pop(0) if scripted else None
            if first is not None and not first.happens:
                return _told(first)
            true = getattr(self, f"_{kind}")(path, said, key, query)
            answer: Answer | None = true if first is None else _told(first)
            return answer

    def _ask(self, _: str, said: Json, key: str, __: object) -> Answer:
        for made in self.requests.values():
            if made.key == key:
                return 201, made.shown(), {}
        made = Made(f"r{len(self.requests) + 1}", key, said, digest(said["payload"]))
        self.requests[made.id] = made
        self.news.notify_all()
        return 201, made.shown(), {}

    def _watch(self, path: str, _: Json, __: str, query: dict[str, list[str]]) -> Answer:
        made = self.requests[path.split("/")[4]]
        since, wait = int(query.get("since", ["-1"])[0]), float(query.get("wait", ["0"])[0])
        until = time.monotonic() + wait
        while made.revision <= since and self._server is not None:
            if (left := until - time.monotonic()) <= 0:
                return 304, {}, {}
            self.news.wait(left)
        return 200, made.shown(), {}

    def _grant(self, path: str, said: Json, _: str, __: object) -> Answer:
        made = self.requests[path.split("/")[4]]
        if made.state not in {"approved", "granted"}:
            code = "not_approved" if made.state == "pending" else "closed"
            return 409, {"code": code, "detail": "Not now."}, {}
        if said["digest"] != made.digest:
            return 409, {"code": "payload_changed", "detail": "Something else."}, {}
        made.state, made.grants = "granted", made.grants + 1
        made.revision += 1
        self.on_grant()
        return 200, {"grant": f"{made.id}.{made.grants}", "expires_at": "2027-01-01T00:00:00Z"}, {}

    def _redeem(self, _: str, said: Json, key: str, __: object) -> Answer:
        id_, _, number = said["grant"].partition(".")
        made = self.requests[id_]
        if made.redeemed_by:
            if made.redeemed_by == key:
                return 200, {"execution": made.execution}, {}
            return 409, {"code": "grant_used", "detail": "It was used."}, {}
        if int(number) != made.grants:
            return 409, {"code": "grant_void", "detail": "There is a newer one."}, {}
        if said["digest"] != made.digest or said["target"] != made.said["target"]:
            return 409, {"code": "payload_changed", "detail": "Something else."}, {}
        made.state, made.redeemed_by, made.execution = "executing", key, f"x-{made.id}"
        made.revision += 1
        self.on_redeem()
        return 200, {"execution": made.execution}, {}

    def _outcome(self, path: str, said: Json, _: str, __: object) -> Answer:
        [made] = [each for each in self.requests.values() if each.execution == path.split("/")[4]]
        made.outcome = said
        made.state = "failed" if said["exit_code"] else "succeeded"
        made.revision += 1
        return 200, {}, {}

    def _single(self, _: str, said: Json, __: str, ___: object) -> Answer:
        self.singles.append(said)
        return 200, {"log_index": len(self.singles)}, {}


def kind_of(method: str, path: str) -> str:
    if method == "GET":
        return "watch"
    ends = {"requests": "ask", "grant": "grant", "redeem": "redeem", "outcome": "outcome", "singles": "single"}
    return ends[path.rsplit("/", 1)[-1]]


def _told(scripted: Scripted) -> Answer | None:
    if scripted.status == 0:
        return None
    headers = {} if scripted.retry_after is None else {"Retry-After": str(scripted.retry_after)}
    body = scripted.body or {"code": scripted.code, "detail": "As told."}
    return scripted.status, body, headers


def _handler(office: Office) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def answer(self) -> None:
            at = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            office.headers.append({name.lower(): value for name, value in self.headers.items()})
            said = json.loads(body) if body else {}
            key = self.headers.get("idempotency-key", "")
            told = office.answer(kind_of(self.command, at.path), at.path, said, key, parse_qs(at.query))
            if told is None:
                self.close_connection = True
                return
            status, shown, headers = told
            content = b"" if status == 304 else json.dumps(shown).encode()
            with suppress(OSError):  # a gate that was killed does not listen
                self.send_response(status)
                for name, value in (headers | {"Content-Length": str(len(content))}).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815 - the names that http.server calls

    return Handler
