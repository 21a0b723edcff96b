"""How a gated act ended is told by what is known of it, and nothing where nobody knows."""

import asyncio
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from starlette.requests import Request

from shared.kernel.errors import OutcomeUnknown
from shared.store.documents import Conflict, Unavailable
from shared.web.grants import Act, Declined, Gated, Redeemed
from shared.web.problems import Problem


class Gate:
    """Agrees to everything, and remembers how it ended."""

    def __init__(self) -> None:
        self.ends = list[bool]()

    async def redeem(self, grant: str, act: Act, key: str) -> Redeemed | Declined:
        return Redeemed(f"r-{grant}", f"x-{key}", act.token)

    async def ended(self, _: Redeemed, *, well: bool) -> None:
        self.ends.append(well)


def request() -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    scope = {"type": "http", "method": "PUT", "path": "/v1/x", "query_string": b"", "headers": []}
    return Request(scope, receive)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (None, [True]),
        (Problem(412, "precondition_failed", "It was changed meanwhile"), [False]),
        (Conflict("it was changed meanwhile"), [False]),
        (Unavailable("whether it was written nobody knows"), []),
        (OutcomeUnknown("a broken line"), []),
        (asyncio.CancelledError(), []),
    ],
    ids=repr,
)
async def test_an_end_is_told_as_far_as_it_is_known(fault: BaseException | None, told: list[bool]) -> None:
    gate = Gate()
    expected: AbstractContextManager[Any] = pytest.raises(type(fault)) if fault is not None else nullcontext()
    with expected:
        async with Gated("miles.replace_account", gate).passed(request(), "grant"):
            ends(fault)
    assert gate.ends == told


def ends(fault: BaseException | None) -> None:
    if fault is not None:
        raise fault
