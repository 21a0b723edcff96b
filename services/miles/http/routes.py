"""Miles over HTTP: the member's balance and statement; for operators, accounts and the ledger's entries."""

from collections.abc import Awaitable
from typing import Annotated, TypeVar

from fastapi import Depends, Path, Query, Response

from services.miles.domain.rules import NewLot
from services.miles.http.bodies import AccountBody
from services.miles.http.views import (
    Accounts,
    Entries,
    Line,
    ShownAccount,
    ShownBalance,
    Statement,
    shown_balance,
    shown_entries,
)
from services.miles.ports import MemberAccounts, StaleRevision
from shared.kernel.errors import NotSent
from shared.kernel.members import MEMBER_ID
from shared.web.answers import answer
from shared.web.auth import Authenticator, Caller
from shared.web.docs import READING, WRITING, answers
from shared.web.grants import Gate, Gated, Guard
from shared.web.pages import Cursor, decode_cursor, next_cursor
from shared.web.preconditions import IfMatch, check_if_match, etag
from shared.web.problems import Problem, invalid_parameter
from shared.web.routes import Routes

T = TypeVar("T")

LARGEST_SEQUENCE = 2**53
"""No account has so many transactions: a cursor that says so is not ours."""

MemberId = Annotated[
    str, Path(pattern=MEMBER_ID, description="The member: the subject of its tokens.", examples=["ana-1"])
]
Reference = Annotated[
    str | None, Query(max_length=255, description="Only of this purchase: its id.", examples=["0198f0c2-5a61-7c3e"])
]


def routes(members: MemberAccounts, authenticator: Authenticator, gate: Gate | None) -> Routes:
    """The service's routes, under `/v1/miles`. Where there is a gate, an account is replaced by a grant only."""
    router = Routes("miles", "/v1/miles")
    _members(router, members, authenticator)
    _accounts(router, members, authenticator, gate)
    _entries(router, members, authenticator)
    return router


def _members(router: Routes, members: MemberAccounts, authenticator: Authenticator) -> None:
    caller = authenticator.allowed("miles")

    @router.get("/balance", responses=answers(ShownBalance, *READING, 409, headers=("ETag",)), response_model=None)
    async def balance(member: Annotated[Caller, caller]) -> Response:
        """The member's miles; nothing for a member without an account."""
        found = await _patiently(members.balance(member.subject))
        return answer(shown_balance(found), revision=found.revision)

    @router.get("/statement", responses=answers(Statement, *READING, 409), response_model=None)
    async def statement(member: Annotated[Caller, caller], cursor: Cursor = None) -> Response:
        """The member's movements, newest first."""
        after = decode_cursor(cursor, (int,))
        before = _sequence(after[0]) if after else None
        lines, last = await _patiently(members.statement(member.subject, before))
        shown = [Line.model_validate(line) for line in lines]
        return answer(Statement(lines=shown, next_cursor=next_cursor((last,) if last is not None else None)))


def _accounts(router: Routes, members: MemberAccounts, authenticator: Authenticator, gate: Gate | None) -> None:
    gated = Gated("miles.replace_account", gate)

    @router.put(
        "/accounts/{member_id:path}",
        dependencies=[authenticator.allowed("ops:write")],
        responses=answers(ShownBalance, *WRITING, headers=("ETag",)),
        response_model=None,
    )
    async def replace(
        member_id: MemberId,
        body: AccountBody,
        guard: Annotated[Guard, Depends(gated.guard)],
        if_match: IfMatch = None,
    ) -> Response:
        """Open an account, or give it this tier and these lots instead of its own; open holds stay. Takes a grant where
        gated."""
        revision = await _matching(members, member_id, if_match)
        lots = [NewLot(lot.miles, lot.expires_on) for lot in body.lots]
        try:
            async with guard():
                after = await _patiently(members.replace(member_id, body.tier, lots, revision))
        except StaleRevision as stale:
            detail = "It was changed meanwhile: read it again"
            raise Problem(412, "precondition_failed", detail, headers={"ETag": etag(stale.revision)}) from stale
        return answer(shown_balance(after), revision=after.revision)

    @router.get(
        "/accounts",
        dependencies=[authenticator.allowed("ops:read")],
        responses=answers(Accounts, *READING, 409),
        response_model=None,
    )
    async def accounts(cursor: Cursor = None) -> Response:
        """Every account, checked against its entries: `books_differ` should never be true."""
        after = decode_cursor(cursor, (str,))
        found, last = await _patiently(members.checks(str(after[0]) if after else None))
        shown = [ShownAccount.model_validate(check) for check in found]
        return answer(Accounts(accounts=shown, next_cursor=next_cursor((last,) if last is not None else None)))


def _entries(router: Routes, members: MemberAccounts, authenticator: Authenticator) -> None:
    @router.get(
        "/entries",
        dependencies=[authenticator.allowed("ops:read")],
        responses=answers(Entries, *READING, 409),
        response_model=None,
    )
    async def entries(reference: Reference = None, cursor: Cursor = None) -> Response:
        """The ledger's entries: of one purchase, or all of them."""
        after = decode_cursor(cursor, (str, int))
        place = (str(after[0]), _sequence(after[1])) if after else None
        if reference is not None:
            return answer(Entries(entries=shown_entries(await members.entries_of(reference)), next_cursor=None))
        found, last = await members.entries(place)
        return answer(Entries(entries=shown_entries(found), next_cursor=next_cursor(last)))


async def _matching(members: MemberAccounts, member_id: str, if_match: str | None) -> int | None:
    """The revision that the account must still have when it is replaced; None where any will do."""
    if if_match is None:
        return None
    revision = (await _patiently(members.balance(member_id))).revision
    check_if_match(if_match, revision)
    return None if if_match.strip() == "*" else revision


async def _patiently(reading: Awaitable[T]) -> T:
    """Reading may have to post an expiry first; an account that others keep changing is asked for again later."""
    try:
        return await reading
    except NotSent as busy:
        detail = "Others are changing this at the same time; try again."
        raise Problem(409, "busy", detail, headers={"Retry-After": "1"}) from busy


def _sequence(part: object) -> int:
    if not isinstance(part, int) or not 0 <= part < LARGEST_SEQUENCE:
        raise invalid_parameter("cursor", "must be a next_cursor as it came with the page before")
    return part
