"""Dead letters of a target: which of them can be sent once more, and as what. Pure."""

from datetime import datetime
from typing import Final, Literal

from shared.bus.dead_letters import DeadLetter, as_it_was
from shared.bus.headers import REDRIVEN_AT
from shared.contracts.archive import Attempt
from shared.contracts.cloudevents import PREFIXES
from shared.contracts.copies import Copy, delivery_id
from shared.routing.copying import TEMPLATE_FAILED, TOO_MANY_COPIES

NEVER_MADE: Final = frozenset((TEMPLATE_FAILED, TOO_MANY_COPIES))
"""Why a copy was laid there by the router, without a body: what the event holds was not meant for the target."""
NAMED: Final = tuple(f"{prefix}deliveryid" for prefix in PREFIXES)
"""The header that has a copy's delivery id, in either way of writing it."""


def copy_of(letter: DeadLetter) -> Copy | None:
    """What can be sent once more; None of what was never made, or cannot be read."""
    if letter.exception in NEVER_MADE or letter.is_cut:
        return None
    return told_of(letter)


def told_of(letter: DeadLetter) -> Copy | None:
    """The copy that a letter is of, as far as its headers tell."""
    try:
        return Copy.of(letter.came.headers, letter.body)
    except ValueError:
        return None


def new_name(letter: DeadLetter, copy: Copy) -> str:
    """The delivery id that a copy goes out under after this death: receivers know the old one. It is made of the
    letter's handle, so that one that is redriven twice, because a process died in between, is one delivery."""
    again = f"{copy.replayid.replace('-', '')[:12]}{letter.handle}"
    return delivery_id(copy.hubid, copy.bus, copy.target, again)


def reborn(letter: DeadLetter, now: datetime) -> dict[str, str]:
    """The headers with which what can be sent once more lies in its target's queue again. Raises ValueError else."""
    copy = Copy.of(letter.came.headers, letter.body)
    told = {name: value for name, value in as_it_was(letter).items() if name not in NAMED}
    return {**told, NAMED[0]: new_name(letter, copy), REDRIVEN_AT: now.isoformat()}


def settled(copy: Copy, name: str, outcome: Literal["redriven", "discarded"], now: datetime) -> Attempt:
    """What is on record of it."""
    return Attempt(
        deliveryid=name,
        hubid=copy.hubid,
        bus=copy.bus,
        target=copy.target,
        at=now,
        ms=0,
        attempt=0,
        outcome=outcome,
        replay=copy.replayid or None,
    )
