"""An endpoint's two faces: the one that partners' senders meet, and the one by which it is told how to behave."""

import re
from collections import Counter
from random import Random
from typing import Any

from fastapi import APIRouter, Request, Response

from services.sandbox.clock import Clock
from services.sandbox.line import wait
from services.sandbox.memory import Memory
from services.sandbox.plain import PlainRoute
from services.sandbox.problems import ProblemError, as_json, body_of
from services.sandbox.receiver import records
from services.sandbox.receiver.records import Heard
from services.sandbox.receiver.terms import NAME, Answer, Terms

LARGEST = 1024 * 1024
"""Bytes of a request: an event has a quarter of it."""
PAGE = 1_000
SILENCE = 3_600.0
"""Seconds after which a sender that was never answered is let go."""


class Receivers:
    """Every endpoint that anybody sends to: one exists as soon as it is spoken of."""

    def __init__(self, memory: Memory, now: Clock, random: Random) -> None:
        self._memory, self._now, self._random = memory, now, random
        self._in_hand: Counter[str] = Counter()
        self._at_once: Counter[str] = Counter()

    async def take(self, request: Request, name: str) -> Response:
        """A webhook. It lies on the disk before it is answered."""
        body = await request.body()
        if len(body) > LARGEST:
            return Response(status_code=413)
        heard = Heard(name, dict(request.headers), body)
        self._in_hand[name] += 1
        self._at_once[name] = max(self._at_once[name], self._in_hand[name])
        try:
            answer = await self._memory.run(
                lambda connection: records.take(connection, heard, self._now(), self._random)
            )
            return await _given(request, answer)
        finally:
            self._in_hand[name] -= 1

    async def shake_hands(self, request: Request, name: str) -> Response:
        """CloudEvents' web hook validation: may the one who asks send here, and how much?"""
        terms, _ = await self._memory.run(lambda connection: records.terms_of(connection, name))
        if terms.handshake == "refuse":
            return Response(status_code=403)
        told = {"Allow": "OPTIONS, POST"}
        if origin := request.headers.get("webhook-request-origin"):
            told["WebHook-Allowed-Origin"] = origin
            if terms.rate is not None or "webhook-request-rate" in request.headers:
                told["WebHook-Allowed-Rate"] = str(terms.rate or "*")
        return Response(status_code=204, headers=told)

    async def agree(self, request: Request, name: str) -> Response:
        terms = await body_of(request, Terms)
        await self._memory.run(lambda connection: records.agree(connection, name, terms, self._now()))
        return await self.show(request, name)

    async def show(self, _: Request, name: str) -> Response:
        (terms, standings), counts = await self._memory.run(
            lambda connection: (records.terms_of(connection, name), records.counts(connection, name))
        )
        shown: dict[str, Any] = terms.model_dump() | {"name": name, **counts, "at_once": self._at_once[name]}
        shown["answers"] = [each.model_dump(mode="json") | {"hits": each.hits} for each in standings]
        return as_json(shown)

    async def requests(self, request: Request, name: str) -> Response:
        after, limit = _number(request, "after", 0), min(_number(request, "limit", PAGE), PAGE)
        found = await self._memory.run(lambda connection: records.listed(connection, name, after, limit))
        more = found[-1]["position"] if len(found) == limit else None
        return as_json({"requests": found, "next_after": more})

    async def forget(self, _: Request, name: str) -> Response:
        await self._memory.run(lambda connection: records.forget(connection, name))
        self._at_once.pop(name, None)
        return Response(status_code=204)


def router(receivers: Receivers) -> APIRouter:
    routes = APIRouter(prefix="/sandbox/receiver", tags=["receiver"], route_class=PlainRoute)

    @routes.post("/{name}")
    async def take_webhook(request: Request, name: str) -> Response:
        return await receivers.take(request, name) if re.fullmatch(NAME, name) else Response(status_code=404)

    @routes.options("/{name}")
    async def validate_webhook(request: Request, name: str) -> Response:
        return await receivers.shake_hands(request, name) if re.fullmatch(NAME, name) else Response(status_code=404)

    for method, path, act in (
        ("PUT", "/{name}", receivers.agree),
        ("GET", "/{name}", receivers.show),
        ("DELETE", "/{name}", receivers.forget),
        ("GET", "/{name}/requests", receivers.requests),
    ):
        routes.add_api_route(path, _asked(act), methods=[method], name=act.__name__)
    return routes


def _asked(act: Any) -> Any:
    async def endpoint(request: Request, name: str) -> Response:
        if not re.fullmatch(NAME, name):
            return ProblemError(404, "not_found", "no receiver can have this name").response(request.url.path)
        try:
            answered: Response = await act(request, name)
        except ProblemError as error:
            return error.response(request.url.path)
        return answered

    return endpoint


def _number(request: Request, name: str, usual: int) -> int:
    text = request.query_params.get(name, str(usual))
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise ProblemError(422, "invalid_query", f"{name} is a whole number")
    return int(text)


async def _given(request: Request, answer: Answer) -> Response:
    if answer.status == 0:
        await wait(request, SILENCE)
        return Response(status_code=503)
    if answer.delay:
        await wait(request, answer.delay)
    headers = {
        name: value
        for name, value in (("Retry-After", answer.retry_after), ("Location", answer.location))
        if value is not None
    }
    return Response(status_code=answer.status, headers=headers)
