"""The gate's questions over HTTP: one answer or silence for each, and no error besides."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx

from services.cli.client import Api, ApiError, segment
from services.cli.release.access import ROOT
from services.cli.release.gate.course import Ask, GetGrant, Heard, Question, Redeem, Watch

ANSWERED_WITHIN: Final = 10.0
"""Seconds, beyond those that an answer may be waited for."""
OUTCOME_TRIES: Final = 5


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
            if self._api is None:
                self._api = self._connect()
            response = self._sent(self._api, question)
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

    def tell_outcome(self, execution: str, code: int, summary: str) -> bool:
        """Say how the command ended; False where nobody took it, and the log will say that nobody knows."""
        path = f"{ROOT}/executions/{segment(execution)}/outcome"
        for number in range(OUTCOME_TRIES):
            time.sleep(number**2 * 0.5)
            try:
                if self._api is None:
                    self._api = self._connect()
                response = self._api.ask("POST", path, json={"exit_code": code, "summary": summary})
            except (httpx.HTTPError, ApiError):
                self.close()
                continue
            if response.is_success:
                return True
            if response.status_code == httpx.codes.UNAUTHORIZED:
                self.close()
        return False

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
