"""Members to test with: their accounts are opened at the miles service, and kept here too."""

import json
import sqlite3
from datetime import date
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.sandbox.memory import Memory
from services.sandbox.miles.client import Miles
from services.sandbox.problems import ProblemError, as_json, body_of


class Lot(BaseModel):
    """Miles that end together."""

    model_config = ConfigDict(extra="forbid")

    miles: int = Field(ge=0, strict=True)
    expires_on: date


class Member(BaseModel):
    model_config = ConfigDict(extra="forbid")

    member_id: str = Field(pattern=r"^[ -~]{1,255}$")
    tier: Literal["member", "silver", "gold", "diamond"] = "member"
    lots: list[Lot] = Field(default_factory=list, max_length=1000)


def router(memory: Memory, miles: Miles) -> APIRouter:
    routes = APIRouter(prefix="/sandbox/members", tags=["tests"])

    @routes.post("")
    async def open_member(request: Request) -> Response:
        try:
            member = await body_of(request, Member)
            shown = member.model_dump(mode="json")
            await miles.open_account(member.member_id, member.tier, shown["lots"])
        except ProblemError as error:
            return error.response(request.url.path)
        await memory.run(lambda connection: _keep(connection, shown))
        return as_json(shown, 201)

    @routes.get("")
    async def list_members() -> Response:
        return as_json({"members": await memory.run(_kept)})

    return routes


def _keep(connection: sqlite3.Connection, member: dict[str, Any]) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO members (member_id, body) VALUES (?, ?)",
        (member["member_id"], json.dumps(member)),
    )


def _kept(connection: sqlite3.Connection) -> list[Any]:
    rows = connection.execute("SELECT body FROM members ORDER BY member_id").fetchall()
    return [json.loads(body) for (body,) in rows]
