"""Miles over HTTP: the member's balance and statement; for operators, accounts and the ledger's entries."""

from collections.abc import Awaitable
from datetime import date
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.miles.domain.account import MEMBER_ID, Tier
from services.miles.domain.journal import Kind
from services.miles.domain.rules import NewLot
from services.miles.ports import Balance, Books, Posted, StaleRevision
from shared.kernel.errors import NotSent
from shared.web.auth import Authenticator, Caller
from shared.web.docs import READING, WRITING, problems
from shared.web.pages import decode_cursor, encode_cursor
from shared.web.preconditions import check_if_match, etag
from shared.web.problems import Problem, invalid_parameter

T = TypeVar("T")

LARGEST_SEQUENCE = 2**53
"""No account has so many transactions: a cursor that says so is not ours."""

LAST_EXPIRY = date(2999, 12, 31)

Cursor = Annotated[str | None, Query(description="`next_cursor` of the page before")]


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Expiring(Shown):
    """Free miles that can be spent through a day, and not after it."""

    on: date
    miles: int


class ShownBalance(Shown):
    """What a member has. `expiring` lists what ends within 12 months; held miles do not expire."""

    member_id: str
    available: int
    held: int
    expiring: list[Expiring]
    tier: Tier


class Line(Shown):
    """One movement. `miles` is signed, and the lines of all pages add up to what is available.

    Miles set aside leave by a `hold`; a `release` brings them back, also at the moment when a `redemption` spends them.
    """

    at: AwareDatetime
    kind: Kind
    miles: int
    reference: str | None
    balance_after: int


class Statement(Shown):
    """Newest first."""

    lines: list[Line]
    next_cursor: str | None


class Entry(Shown):
    """One entry of the ledger: miles go from `debit` to `credit`; signed as the member can spend them."""

    id: str
    at: AwareDatetime
    member_id: str
    kind: Kind
    miles: int
    reference: str | None
    debit: str
    credit: str


class Entries(Shown):
    """By member, in the order of posting."""

    entries: list[Entry]
    next_cursor: str | None


class ShownHold(Shown):
    reference: str
    miles: int
    at: AwareDatetime


class ShownAccount(Shown):
    """An account beside what its entries add up to."""

    member_id: str
    tier: Tier
    available: int
    held: int
    holds: list[ShownHold]
    entries_available: int
    entries_held: int
    books_differ: bool


class Accounts(Shown):
    accounts: list[ShownAccount]
    next_cursor: str | None


class GrantedLot(BaseModel):
    """Miles good through a day."""

    model_config = ConfigDict(extra="forbid")

    miles: Annotated[int, Field(ge=0, le=10**12, strict=True)]
    expires_on: Annotated[date, Field(le=LAST_EXPIRY)]


class AccountBody(BaseModel):
    """What an account shall be."""

    model_config = ConfigDict(extra="forbid")

    tier: Tier = "member"
    lots: Annotated[list[GrantedLot], Field(max_length=200)]


def routes(books: Books, authenticator: Authenticator) -> APIRouter:
    """The service's routes, under `/v1/miles`."""
    router = APIRouter(prefix="/v1/miles", tags=["miles"])
    _members(router, books, authenticator)
    _accounts(router, books, authenticator)
    _entries(router, books, authenticator)
    return router


def _members(router: APIRouter, books: Books, authenticator: Authenticator) -> None:
    caller = Depends(authenticator.requires("miles"))

    @router.get("/balance", responses={200: {"model": ShownBalance}, **problems(*READING)}, response_model=None)
    async def balance(member: Annotated[Caller, caller]) -> Response:
        """The member's miles; nothing for a member without an account."""
        found = await _patiently(books.balance(member.subject))
        return _json(_shown_balance(found), {"ETag": etag(found.revision)})

    @router.get("/statement", responses={200: {"model": Statement}, **problems(*READING, 422)}, response_model=None)
    async def statement(member: Annotated[Caller, caller], cursor: Cursor = None) -> Response:
        """The member's movements, newest first."""
        after = decode_cursor(cursor, (int,))
        before = _sequence(after[0]) if after else None
        lines, last = await _patiently(books.statement(member.subject, before))
        shown = [Line.model_validate(line) for line in lines]
        return _json(Statement(lines=shown, next_cursor=encode_cursor((last,)) if last is not None else None))


def _accounts(router: APIRouter, books: Books, authenticator: Authenticator) -> None:
    @router.put(
        "/accounts/{member_id}",
        dependencies=[Depends(authenticator.requires("ops:write"))],
        responses={200: {"model": ShownBalance}, **problems(*WRITING)},
        response_model=None,
    )
    async def replace(
        member_id: Annotated[str, Path(pattern=MEMBER_ID)],
        body: AccountBody,
        if_match: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Open an account, or give it this tier and these lots instead of its own; open holds stay."""
        revision = await _matching(books, member_id, if_match)
        lots = [NewLot(lot.miles, lot.expires_on) for lot in body.lots]
        try:
            after = await _patiently(books.replace(member_id, body.tier, lots, revision))
        except StaleRevision as stale:
            detail = "It was changed meanwhile: read it again"
            raise Problem(412, "precondition_failed", detail, headers={"ETag": etag(stale.revision)}) from stale
        return _json(_shown_balance(after), {"ETag": etag(after.revision)})

    @router.get(
        "/accounts",
        dependencies=[Depends(authenticator.requires("ops:read"))],
        responses={200: {"model": Accounts}, **problems(*READING, 422)},
        response_model=None,
    )
    async def accounts(cursor: Cursor = None) -> Response:
        """Every account, checked against its entries: `books_differ` should never be true."""
        after = decode_cursor(cursor, (str,))
        found, last = await _patiently(books.accounts(str(after[0]) if after else None))
        shown = [ShownAccount.model_validate(check) for check in found]
        return _json(Accounts(accounts=shown, next_cursor=encode_cursor((last,)) if last is not None else None))


def _entries(router: APIRouter, books: Books, authenticator: Authenticator) -> None:
    @router.get(
        "/entries",
        dependencies=[Depends(authenticator.requires("ops:read"))],
        responses={200: {"model": Entries}, **problems(*READING, 422)},
        response_model=None,
    )
    async def entries(
        reference: Annotated[str | None, Query(max_length=255)] = None, cursor: Cursor = None
    ) -> Response:
        """The ledger's entries: of one purchase, or all of them."""
        if reference is not None:
            return _json(Entries(entries=_shown_entries(await books.entries_of(reference)), next_cursor=None))
        after = decode_cursor(cursor, (str, int))
        place = (str(after[0]), _sequence(after[1])) if after else None
        found, last = await books.entries(place)
        return _json(Entries(entries=_shown_entries(found), next_cursor=encode_cursor(last) if last else None))


async def _matching(books: Books, member_id: str, if_match: str | None) -> int | None:
    """The revision that the account must still have when it is replaced; None where any will do."""
    if if_match is None:
        return None
    revision = (await _patiently(books.balance(member_id))).revision
    check_if_match(if_match, revision)
    return None if if_match.strip() == "*" else revision


async def _patiently(answer: Awaitable[T]) -> T:
    """Reading may have to post an expiry first; an account that others keep changing is asked for again later."""
    try:
        return await answer
    except NotSent as busy:
        detail = "Others are changing this at the same time; try again."
        raise Problem(409, "busy", detail, headers={"Retry-After": "1"}) from busy


def _sequence(part: object) -> int:
    if not isinstance(part, int) or not 0 <= part < LARGEST_SEQUENCE:
        raise invalid_parameter("cursor", "must be a next_cursor as it came with the page before")
    return part


def _shown_balance(balance: Balance) -> ShownBalance:
    return ShownBalance(
        member_id=balance.member_id,
        available=balance.available,
        held=balance.held,
        expiring=[Expiring(on=day, miles=miles) for day, miles in balance.expiring],
        tier=balance.tier,
    )


def _shown_entries(found: list[Posted]) -> list[Entry]:
    return [
        Entry(
            id=posted.id,
            at=posted.at,
            member_id=posted.member_id,
            kind=posted.entry.kind,
            miles=posted.entry.miles,
            reference=posted.reference,
            debit=posted.entry.debit,
            credit=posted.entry.credit,
        )
        for posted in found
    ]


def _json(body: BaseModel, headers: dict[str, str] | None = None) -> Response:
    return Response(body.model_dump_json(), media_type="application/json", headers=headers)
