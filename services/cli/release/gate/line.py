"""The gate's questions over HTTP: one answer or silence for each, and no error besides."""

import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx

from services.cli.client import Api, ApiError, segment
from services.cli.release.access import ROOT
from services.cli.release.gate.course import Ask, GetGrant, Heard, Question, Redeem, Watch
from services.cli.release.gate.kept import Kept, Told, tell_kept, told
from services.cli.release.gate.signals import ENDS_TELLING

ANSWERED_WITHIN: Final = 10.0
"""Seconds, beyond those that an answer may be waited for."""
TOLD_WITHIN: Final = 120.0
"""Seconds for which an outcome is told where nobody answers: longer than a process is away that starts anew. A machine
that is thrown away afterwards has no later."""
PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 5.0


@dataclass(frozen=True)
class Asked:
    """What one gate asks about."""

    key: str
    attempt: str
    """Names this very process: a grant that another one redeemed is not ours, though the key is."""
    digest: str
    target: str
    body: dict[str, Any]


class Line:
    """To whoever decides. `connect` gives a client with a token that is good now."""

    def __init__(self, connect: Callable[[], Api], asked: Asked) -> None:
        self._connect, self._asked = connect, asked
        self._api: Api | None = None
        self._url = ""
        self.request = ""
        """Its id, once it was made."""

    def close(self) -> None:
        api, self._api = self._api, None
        if api is not None:
            api.close()

    def put(self, question: Question) -> Heard:
        """The answer. After a refusal for the token's sake the next question goes with a fresh one."""
        begun = time.monotonic()
        try:
            response = self._sent(self._connected(), question)
        except (httpx.HTTPError, httpx.InvalidURL, ApiError) as error:
            self.close()
            now = time.monotonic()
            return Heard(question, now, body={"detail": str(error) or type(error).__name__}, took=now - begun)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self.close()
        heard = _heard(question, response, begun)
        if isinstance(question, Ask):
            self.request = str(heard.body.get("id", ""))
        return heard

    def tell_outcome(self, execution: str, code: int, summary: str, within: float = TOLD_WITHIN) -> bool:
        """Say how the command ended; False where nobody took it within so many seconds, or a signal ended the telling.
        It is kept on this machine from before the first try until somebody took it, whatever ends this process."""
        kept, body = self.kept, _outcome(code, summary)
        kept.keep(execution, body)
        until, pause = time.monotonic() + within, PAUSE
        while (end := self._told(execution, body)) is Told.AWAY and time.monotonic() + pause < until:
            if signal.sigtimedwait(ENDS_TELLING, pause) is not None:
                break
            pause = min(2 * pause, LONGEST_PAUSE)
        if end in {Told.TAKEN, Told.IN_VAIN}:
            kept.forget(execution)
        return end is Told.TAKEN

    def tell_kept(self) -> list[str]:
        """Tell what earlier gates of this machine could not; the executions of which somebody knows now."""
        try:
            return tell_kept(self._connected(), self.kept)
        except ApiError:
            return []

    @property
    def kept(self) -> Kept:
        """For whoever was spoken to."""
        return Kept(self._url)

    def _told(self, execution: str, body: bytes) -> Told:
        try:
            found = told(self._connected(), execution, body)
        except ApiError:
            found = Told.AWAY
        if found is Told.AWAY:
            self.close()
        return found

    def _connected(self) -> Api:
        if self._api is None:
            self._api = self._connect()
            self._url = self._api.base_url
        return self._api

    def _sent(self, api: Api, question: Question) -> httpx.Response:
        asked, here = self._asked, f"{ROOT}/requests/{segment(self.request)}"
        match question:
            case Ask():
                return api.ask("POST", f"{ROOT}/requests", json=asked.body, headers={"Idempotency-Key": asked.key})
            case Watch(since, seconds):
                params = {"wait": int(seconds), "since": since} if since >= 0 and seconds >= 1 else {}
                return api.ask("GET", here, params=params, timeout=seconds + ANSWERED_WITHIN)
            case GetGrant():
                return api.ask("POST", f"{here}/grant", json={"digest": asked.digest})
            case Redeem(grant):
                body = {"grant": grant, "digest": asked.digest, "target": asked.target}
                return api.ask("POST", f"{ROOT}/grants/redeem", json=body, headers={"Idempotency-Key": asked.attempt})


def _outcome(code: int, summary: str) -> bytes:
    return json.dumps({"exit_code": code, "summary": summary}).encode()


def _heard(question: Question, response: httpx.Response, begun: float) -> Heard:
    try:
        body = response.json() if response.content else {}
    except ValueError:
        body = {}
    now = time.monotonic()
    return Heard(
        question,
        now,
        response.status_code,
        body if isinstance(body, dict) else {},
        _seconds(response.headers.get("retry-after")),
        now - begun,
    )


def _seconds(said: str | None) -> float | None:
    try:
        return max(0.0, float(said)) if said else None
    except ValueError:
        return None  # a date: nobody of ours says one
