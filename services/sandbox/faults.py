"""Misfortune by order: which request fails, how, and how often."""

import json
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, Literal, Self

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from services.sandbox.line import hang_up, wait
from services.sandbox.memory import Memory
from services.sandbox.problems import ProblemError, as_json, body_of

Mode = Literal["refuse", "timeout_before", "timeout_after", "error", "slow"]

ANNOUNCED = ("orders", "pix", "siebel", "sms", "desk")
"""Providers whose faults may be ordered though they are not built: tests written for them need not wait."""

Operations = Mapping[str, frozenset[str]]
"""What can fail, by provider."""


class Rule(BaseModel):
    """One order, checked against the `Operations` that are its validation's context.

    `times` counts hits, null is for ever; `seconds` is how long the line stays open or slow.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str
    operation: str = "*"
    mode: Mode
    code: str | None = Field(default=None, max_length=80)
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1.0, ge=0.0, le=1.0)
    seconds: float = Field(default=2.0, ge=0.0, le=3600.0)

    @field_validator("provider")
    @classmethod
    def _is_known(cls, provider: str, info: ValidationInfo) -> str:
        names = (*(info.context or {}), *ANNOUNCED)
        if info.context is not None and provider not in names:
            *others, last = map(repr, names)
            said = {"names": f"{', '.join(others)} or {last}"}
            raise PydanticCustomError("literal_error", "Input should be {names}", said)
        return provider

    @model_validator(mode="after")
    def _names_a_known_operation(self, info: ValidationInfo) -> Self:
        """A misspelt one would never fire, in silence."""
        known = (info.context or {}).get(self.provider)
        if known is not None and self.operation != "*" and self.operation not in known:
            raise ValueError(f"operation {self.operation!r} is none of {', '.join(sorted(known))}, *")
        return self

    def meets(self, provider: str, operation: str) -> bool:
        return self.provider == provider and self.operation in {"*", operation}

    @property
    def http_status(self) -> int | None:
        """A `code` that is an HTTP error status is answered as such."""
        if self.code is not None and self.code.isdecimal() and 400 <= int(self.code) <= 599:  # noqa: PLR2004
            return int(self.code)
        return None


class Rules(BaseModel):
    model_config = ConfigDict(extra="forbid")

    rules: list[Rule] = Field(max_length=1000)


class Faults:
    """The rules, remembered on disk with their hits."""

    def __init__(self, memory: Memory, operations: Operations, random: Random) -> None:
        self._memory, self.operations, self._random = memory, operations, random
        self._rules: list[Rule] = []

    async def load(self) -> None:
        self._rules = [rule for _, rule, _ in await self._memory.run(_stored)]

    async def replace(self, rules: list[Rule]) -> None:
        await self._memory.run(lambda connection: _store(connection, rules))
        self._rules = list(rules)

    async def listed(self) -> list[dict[str, Any]]:
        return [rule.model_dump() | {"hits": hits} for _, rule, hits in await self._memory.run(_stored)]

    async def fire(self, provider: str, operation: str) -> Rule | None:
        """The first rule that hits this request, its hit counted on disk; None in the usual case."""
        if not any(rule.meets(provider, operation) for rule in self._rules):
            return None
        return await self._memory.run(lambda connection: self._pick(connection, provider, operation))

    def _pick(self, connection: sqlite3.Connection, provider: str, operation: str) -> Rule | None:
        for position, rule, hits in _stored(connection):
            if not rule.meets(provider, operation) or (rule.times is not None and hits >= rule.times):
                continue
            if rule.probability < 1.0 and self._random.random() >= rule.probability:
                continue
            connection.execute("UPDATE faults SET hits = hits + 1 WHERE position = ?", (position,))
            return rule
        return None


Act = Callable[[], Awaitable[Response]]


async def answer(
    request: Request, rule: Rule | None, act: Act, *, refuse: Act, broken: Callable[[], Response]
) -> Response:
    """Carry out `act` as the rule allows. `act` has its effect on disk when it returns."""
    match rule.mode if rule is not None else None:
        case "refuse":
            return await refuse()
        case "error":
            return broken()
        case "timeout_before" if rule is not None:
            return await hang_up(request, rule.seconds)
        case "timeout_after" if rule is not None:
            await act()
            return await hang_up(request, rule.seconds)
        case "slow" if rule is not None:
            response = await act()
            await wait(request, rule.seconds)
            return response
        case _:
            return await act()


def router(faults: Faults) -> APIRouter:
    routes = APIRouter(prefix="/sandbox/faults", tags=["tests"])

    @routes.put("")
    async def replace_faults(request: Request) -> Response:
        try:
            await faults.replace((await body_of(request, Rules, faults.operations)).rules)
        except ProblemError as error:
            return error.response(request.url.path)
        return as_json({"rules": await faults.listed()})

    @routes.get("")
    async def list_faults() -> Response:
        return as_json({"rules": await faults.listed()})

    @routes.delete("")
    async def clear_faults() -> Response:
        await faults.replace([])
        return Response(status_code=204)

    return routes


def _stored(connection: sqlite3.Connection) -> list[tuple[int, Rule, int]]:
    rows = connection.execute("SELECT position, rule, hits FROM faults ORDER BY position").fetchall()
    return [(position, Rule.model_validate_json(rule), hits) for position, rule, hits in rows]


def _store(connection: sqlite3.Connection, rules: list[Rule]) -> None:
    connection.execute("DELETE FROM faults")
    connection.executemany(
        "INSERT INTO faults (position, rule, hits) VALUES (?, ?, 0)",
        [(position, json.dumps(rule.model_dump())) for position, rule in enumerate(rules)],
    )
