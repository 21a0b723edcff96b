"""What may be done to an account. Pure: an account, what is known of the purchase, and the moment go in; the account
as it is afterwards comes out. The same object comes out where there is nothing to do, or where it was done before.

Everything is named by its purchase, and a purchase does each thing at most once: that is what makes repetitions
harmless. What must not happen any more (a hold after its release, a redemption after its reversal) is forbidden by a
transaction on record, even when that transaction moved nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.miles.domain import lots as of_lots
from services.miles.domain.account import Account, Hold, Tier
from services.miles.domain.journal import (
    ADJUSTED,
    AVAILABLE,
    EXPIRED,
    HELD,
    ISSUED,
    REDEEMED,
    Entry,
    Kind,
    Line,
    Operation,
    Past,
    Transaction,
)
from services.miles.domain.validity import Calendar, moment_name
from shared.kernel.errors import Refused
from shared.kernel.ids import derived
from shared.kernel.values import changed

Movement = tuple[Kind, int, str, str]
"""Kind, miles, from, to."""


class BooksDiffer(Exception):
    """A change whose entries do not say what happened to the lots: it must not be saved."""


@dataclass(frozen=True, slots=True)
class NewLot:
    """Miles that an operator grants, good through a day."""

    miles: int
    expires_on: date


def transaction_id(member_id: str, reference: str, operation: Operation) -> str:
    """The same for the same thing done twice, which is how copies are known."""
    return derived("miles transaction", member_id, reference, operation)


def hold(account: Account, past: Past, purchase: str, miles: int, now: datetime) -> Account:
    """Set miles aside, first to expire first. Raises Refused: `insufficient_miles`, `fenced`, `other_hold`."""
    if "release" in past:
        raise Refused("fenced", "the hold was released before it came")
    if "hold" in past:
        if past["hold"].entries[0].miles != -miles:
            raise Refused("other_hold", "the purchase holds another number of miles")
        return account
    lines = of_lots.first_to_expire(account.lots, miles, now)
    if lines is None:
        raise Refused("insufficient_miles", f"{miles} miles asked for, {account.available(now)} available")
    return _post(
        account,
        "hold",
        purchase,
        now,
        [("hold", miles, AVAILABLE, HELD)],
        lines=lines,
        lots=of_lots.hold(account.lots, lines),
        holds=(*account.holds, Hold(reference=purchase, at=now, lines=lines)),
    )


def release(account: Account, past: Past, purchase: str, now: datetime, grace: datetime | None) -> Account:
    """Free what is held. Without a hold, forbid it; after its redemption there is nothing to free."""
    held = account.hold_of(purchase)
    if "release" in past or (held is None and "hold" in past):
        return account
    if held is None:
        return _post(account, "release", purchase, now, [])
    after, lapsed = of_lots.give_back(of_lots.take_held(account.lots, held.lines), held.lines, now, grace)
    movements: list[Movement] = [("release", held.miles, HELD, AVAILABLE), ("expiry", lapsed, AVAILABLE, EXPIRED)]
    return _post(account, "release", purchase, now, movements, lots=after, holds=_holds_without(account, purchase))


def redeem(account: Account, past: Past, purchase: str, miles: int, now: datetime) -> Account:
    """Take the held miles for good. Raises Refused: `not_held`, `fenced`.

    On the statement the hold is released and the miles are spent, at one moment: so its lines always add up to what
    can be spent, and the redemption shows in full.
    """
    if "reversal" in past:
        raise Refused("fenced", "the redemption was reversed before it came")
    if "redemption" in past:
        return account
    held = account.hold_of(purchase)
    if held is None or held.miles != miles:
        raise Refused("not_held", f"{miles} miles to redeem, {held.miles if held else 0} held")
    return _post(
        account,
        "redemption",
        purchase,
        now,
        [("release", miles, HELD, AVAILABLE), ("redemption", miles, AVAILABLE, REDEEMED)],
        lines=held.lines,
        lots=of_lots.take_held(account.lots, held.lines),
        holds=_holds_without(account, purchase),
    )


def reverse(account: Account, past: Past, purchase: str, now: datetime, grace: datetime | None) -> Account:
    """Give redeemed miles back to the lots they came from. Where nothing was redeemed, forbid it."""
    if "reversal" in past:
        return account
    redeemed = past.get("redemption")
    if redeemed is None:
        return _post(account, "reversal", purchase, now, [])
    after, lapsed = of_lots.give_back(account.lots, redeemed.lines, now, grace)
    miles = sum(line.miles for line in redeemed.lines)
    movements: list[Movement] = [("reversal", miles, REDEEMED, AVAILABLE), ("expiry", lapsed, AVAILABLE, EXPIRED)]
    return _post(account, "reversal", purchase, now, movements, lots=after)


def accrue(account: Account, past: Past, purchase: str, miles: int, now: datetime, *, expires_at: datetime) -> Account:
    """Credit earned miles. Raises Refused `no_account`."""
    if "accrual" in past:
        return account
    if account.opened_at is None:
        raise Refused("no_account", "the member has no account")
    lot = f"earned:{account.id}:{moment_name(expires_at)}"
    earned = Line(lot=lot, source="flight", owner=account.id, earned_at=now, expires_at=expires_at, miles=miles)
    movements: list[Movement] = [("accrual", miles, ISSUED, AVAILABLE)]
    return _post(account, "accrual", purchase, now, movements, lots=of_lots.add(account.lots, earned))


def expire(account: Account, now: datetime) -> Account:
    """Let go of what expired; held miles stay."""
    lots, over = of_lots.expire(account.lots, now)
    if not over:
        return account
    return _post(account, "expiry", None, now, [("expiry", over, AVAILABLE, EXPIRED)], lots=lots)


def replace(account: Account, tier: Tier, new: Sequence[NewLot], now: datetime, calendar: Calendar) -> Account:
    """Open the account, or give it a tier and lots anew. What living purchases hold stays held."""
    wanted = [(calendar.end_of(lot.expires_on), lot.miles) for lot in new if lot.miles]
    if account.opened_at is not None and account.tier == tier and _has_exactly(account, wanted):
        return account
    kept = of_lots.in_order(changed(lot, remaining=lot.held) for lot in account.lots)
    for position, (expires_at, miles) in enumerate(wanted):
        line = Line(
            lot=f"granted:{account.id}:{account.sequence + 1}.{position}",
            source="grant",
            owner=account.id,
            earned_at=now,
            expires_at=expires_at,
            miles=miles,
        )
        kept = of_lots.add(kept, line)
    movements: list[Movement] = [
        ("transfer", account.free, AVAILABLE, ADJUSTED),
        ("accrual", sum(miles for _, miles in wanted), ISSUED, AVAILABLE),
    ]
    account = changed(account, opened_at=account.opened_at or now, listed_as=account.id, tier=tier)
    return _post(account, "replacement", None, now, movements, lots=kept)


def _has_exactly(account: Account, wanted: Sequence[tuple[datetime, int]]) -> bool:
    has = sorted((lot.expires_at, lot.remaining) for lot in account.lots)
    return not account.holds and has == sorted(wanted)


def _holds_without(account: Account, purchase: str) -> tuple[Hold, ...]:
    return tuple(hold for hold in account.holds if hold.reference != purchase)


def _post(
    account: Account,
    operation: Operation,
    purchase: str | None,
    now: datetime,
    movements: Sequence[Movement],
    *,
    lines: tuple[Line, ...] = (),
    **changes: Any,
) -> Account:
    """The account changed, with the transaction that says so. Raises BooksDiffer when that says something else."""
    sequence = account.sequence + 1
    posted = Transaction(
        id=transaction_id(account.id, purchase if purchase is not None else str(sequence), operation),
        member_id=account.id,
        sequence=sequence,
        at=now,
        operation=operation,
        reference=purchase,
        entries=_entries(account.free, movements),
        lines=lines,
    )
    after = changed(account, **changes, sequence=sequence, recent=(*account.recent, posted))
    balance = posted.entries[-1].balance_after if posted.entries else account.free
    to_held = sum(miles for _, miles, _, credit in movements if credit == HELD)
    from_held = sum(miles for _, miles, debit, _ in movements if debit == HELD)
    if after.free != balance or after.held != account.held + to_held - from_held:
        raise BooksDiffer(f"{operation} of {purchase}: entries say {balance}, lots say {after.free}")
    return after


def _entries(balance: int, movements: Sequence[Movement]) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    for kind, miles, debit, credit in movements:
        if not miles:
            continue
        signed = miles if credit == AVAILABLE else -miles
        balance += signed
        entries.append(Entry(kind=kind, miles=signed, debit=debit, credit=credit, balance_after=balance))
    return tuple(entries)
