"""Taking miles out of lots and giving them back."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from services.miles.domain.account import Lot
from services.miles.domain.journal import Line
from services.miles.domain.validity import moment_name
from shared.kernel.values import changed

Lots = tuple[Lot, ...]


def in_order(lots: Iterable[Lot]) -> Lots:
    """First to expire first, spent ones left out."""
    return tuple(sorted((lot for lot in lots if lot.remaining), key=lambda lot: lot.order))


def first_to_expire(lots: Lots, miles: int, now: datetime) -> tuple[Line, ...] | None:
    """Lines for so many free miles; None when there are not enough that live."""
    lines: list[Line] = []
    missing = miles
    for lot in lots:
        take = min(missing, lot.free) if lot.expires_at > now else 0
        if take:
            lines.append(lot.line(take))
            missing -= take
    return None if missing else tuple(lines)


def hold(lots: Lots, lines: Sequence[Line]) -> Lots:
    """Set the lines' miles aside."""
    wanted = _by_lot(lines)
    return tuple(changed(lot, held=lot.held + wanted.get(lot.id, 0)) for lot in lots)


def take_held(lots: Lots, lines: Sequence[Line]) -> Lots:
    """Take held miles out of their lots."""
    taken = _by_lot(lines)
    return in_order(
        changed(lot, remaining=lot.remaining - n, held=lot.held - n) for lot in lots for n in (taken.get(lot.id, 0),)
    )


def give_back(lots: Lots, lines: Sequence[Line], now: datetime, grace: datetime | None) -> tuple[Lots, int]:
    """Put miles back into the lots they came from, with those lots' own expiry, and tell how many are lost.

    What expired meanwhile lives on until the end of `grace`, in a lot of its own; without grace it is lost.
    """
    lapsed = 0
    for line in lines:
        if line.expires_at > now:
            lots = add(lots, line)
        elif grace is not None:
            lots = add(lots, _with_grace(line, now, grace))
        else:
            lapsed += line.miles
    return lots, lapsed


def add(lots: Lots, line: Line) -> Lots:
    """Put miles into their lot, making it when it is not there."""
    known = next((lot for lot in lots if lot.id == line.lot), None)
    if known is None:
        made = Lot(
            id=line.lot,
            owner=line.owner,
            source=line.source,
            earned_at=line.earned_at,
            expires_at=line.expires_at,
            amount=line.miles,
            remaining=line.miles,
        )
        return in_order((*lots, made))
    remaining = known.remaining + line.miles
    filled = changed(known, remaining=remaining, amount=max(known.amount, remaining))
    return in_order(filled if lot.id == line.lot else lot for lot in lots)


def expire(lots: Lots, now: datetime) -> tuple[Lots, int]:
    """Drop what expired, except what is held, and tell how many miles that were."""
    over = sum(lot.free for lot in lots if lot.expires_at <= now)
    kept = (changed(lot, remaining=lot.held) if lot.expires_at <= now else lot for lot in lots)
    return in_order(kept), over


def _by_lot(lines: Sequence[Line]) -> dict[str, int]:
    taken: dict[str, int] = {}
    for line in lines:
        taken[line.lot] = taken.get(line.lot, 0) + line.miles
    return taken


def _with_grace(line: Line, now: datetime, until: datetime) -> Line:
    lot = f"grace:{line.owner}:{moment_name(until)}"
    return changed(line, lot=lot, source="grace", earned_at=now, expires_at=until)
