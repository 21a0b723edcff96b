"""What is asked for, as options say it and as it is sent."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Final

import typer

Action = Annotated[str, typer.Option(help="What is to be done, such as deploy.")]
Environment = Annotated[str, typer.Option(help="Where, such as production.")]
Target = Annotated[str, typer.Option(help="To what, such as checkout.")]
Reason = Annotated[str, typer.Option(help="Why; approvers read it.")]
Author = Annotated[
    list[str] | None,
    typer.Option(metavar="PERSON", help="Who wrote what would run: he does not approve it. Repeatable."),
]
Window = Annotated[
    str | None,
    typer.Option(metavar="FROM/UNTIL", help="Only within it: two moments as RFC 3339 has them; one may be left out."),
]
Replaces = Annotated[str | None, typer.Option(metavar="ID", help="The open request whose place this one takes.")]
Parameter = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="Approved with the rest. Repeatable.")]
Link = Annotated[list[str] | None, typer.Option(metavar="NAME=URL", help="Such as the difference. Repeatable.")]
InitiatorToken = Annotated[
    str | None,
    typer.Option(envvar="MILESAGA_INITIATOR_TOKEN", help="Continuous integration's word for whom this robot acts."),
]


Key = Annotated[
    str | None,
    typer.Option(envvar="MILESAGA_GATE_KEY", help="Names this ask: the same key goes on where it was left."),
]
Patience = Annotated[str, typer.Option(help="How long to wait for people, freezes, windows: 30s, 5m, 4h.")]
Reach = Annotated[str, typer.Option(help="How long nobody need answer before the gate gives up.")]
PATIENCE: Final = "4h"
REACH: Final = "2m"
UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class WrongWish(Exception):
    """An option cannot be understood; the message says which."""


@dataclass(frozen=True)
class Wish:
    """What somebody wants done."""

    action: str
    environment: str
    target: str
    reason: str
    authors: Sequence[str] = ()
    window: str | None = None
    replaces: str | None = None
    initiator_token: str | None = field(default=None, repr=False)
    text: str = ""
    """Of a request of ours, as others are to read it."""

    def body(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """As `POST /v1/releases/requests` takes it. Raises WrongWish."""
        body = {
            "action": self.action,
            "environment": self.environment,
            "target": self.target,
            "reason": self.reason,
            "payload": dict(payload),
        }
        optional = {
            "authors": list(self.authors) or None,
            "window": None if self.window is None else interval(self.window, "--window"),
            "replaces": self.replaces,
            "initiator_token": self.initiator_token,
            "body": self.text or None,
        }
        return body | {name: value for name, value in optional.items() if value is not None}


def interval(text: str, option: str) -> dict[str, str]:
    """`FROM/UNTIL`. Raises WrongWish for a moment without its offset, and for an end before its beginning."""
    start, _, end = text.partition("/")
    moments = {name: _moment(each, option) for name, each in (("from", start), ("until", end)) if each}
    if not moments or (len(moments) > 1 and moments["from"] >= moments["until"]):
        raise WrongWish(f"{option}: {text!r} is no window: FROM/UNTIL, the end after the beginning.")
    return {name: moment.isoformat() for name, moment in moments.items()}


def pairs(given: Sequence[str] | None, option: str) -> dict[str, str]:
    """`NAME=VALUE`, each name once. Raises WrongWish."""
    found: dict[str, str] = {}
    for each in given or ():
        name, equals, value = each.partition("=")
        if not name or not equals or name in found:
            raise WrongWish(f"{option}: {each!r} is no NAME=VALUE, or its name stands twice.")
        found[name] = value
    return found


def seconds(text: str, option: str) -> float:
    """`30s`, `5m`, `4h`, `1d`. Raises WrongWish."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None:
        raise WrongWish(f"{option}: {text!r} is no length of time such as 30s, 5m or 4h.")
    return float(found[1]) * UNITS[found[2]]


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongWish(f"{option}: {text!r} is no moment such as 2027-01-20T22:00:00Z.") from None
    if moment.tzinfo is None:
        raise WrongWish(f"{option}: {text!r} says not in which zone: end it with Z or an offset.")
    return moment
