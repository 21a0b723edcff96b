"""Our own dangerous acts, where acts are gated: asked for, waited for until others agree, and then done, once.

What the command line does on the broker itself is enforced here, since no service stands before it; whoever has the
broker's password needs no command line of ours. What a service does is enforced by that service: the way to its grant
is here.
"""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from services.cli.client import AWAY, ApiError, given, reported
from services.cli.release import wishes
from services.cli.release.access import ROOT, as_person
from services.cli.release.gate import exits
from services.cli.release.gate.course import End, Redeem, Run, Terms
from services.cli.release.gate.driving import say, tell_outcome, wait
from services.cli.release.gate.line import Asked, Line
from services.cli.release.gate.payload import digest_of
from services.cli.release.gate.signals import GivenUp, given_up_by_signal, heed, keep_back
from services.cli.release.wishes import Wish, WrongWish
from shared.runtime.settings import RuntimeSettings

FAILED: Final = 1
Reason = Annotated[str | None, typer.Option("--reason", help="Where acts are gated: why; whoever agrees reads it.")]


@dataclass(frozen=True)
class Act:
    """What is about to be done. `payload` holds all that decides it; `body` is the text that it names by its hash."""

    action: str
    target: str
    payload: Mapping[str, Any]
    body: str = ""


@dataclass(frozen=True)
class Consent:
    """On what terms others are asked."""

    reason: str | None = None
    key: str | None = None
    patience: str = wishes.PATIENCE
    reach: str = wishes.REACH
    person: str | None = None


def settings() -> RuntimeSettings:
    """Where we are, and whether acts are gated here. Raises `typer.Exit` after a sentence on what is wrong."""
    with reported():
        return given(RuntimeSettings)
    raise typer.Exit(FAILED)


@contextmanager
def agreed(act: Act, consent: Consent) -> Iterator[None]:
    """Do it in the block: where acts are gated others have agreed to exactly this by then, and the grant is used up.
    How the block ended is told. Raises `typer.Exit` with one of the gate's codes where it may not be done."""
    here = settings()
    if not here.gated:
        yield
        return
    with given_up_by_signal(), _line(act, here.environment, consent) as (asked, terms, line):
        last = wait(asked, terms, line, Run)
        if isinstance(last, End):
            raise _refused(last)
        with _told(line, terms, last.execution):
            heed()
            yield


@contextmanager
def _told(line: Line, terms: Terms, execution: str) -> Iterator[None]:
    """How the block ends is told, be it by a signal: one may have come while the grant was used up."""
    code, summary = FAILED, ""
    try:
        yield
        code = 0
    except typer.Exit as left:
        code = left.exit_code
        raise
    except GivenUp as given:
        code, summary = exits.passed_on(-given.number), f"ended by signal {given.number}"
        say("Given up by a signal after the grant was used up: look what of it was done.")
        raise
    finally:
        keep_back()
        tell_outcome(line, terms, execution, code, summary)


def done_singly(act: Act, which: str, consent: Consent) -> bool:
    """Is this one act usual work, now on record? False where others must agree. Raises `typer.Exit` with one of the
    gate's codes where nobody says."""
    said = {"action": act.action, "environment": settings().environment, "target": act.target, "act": which}
    try:
        with as_person(consent.person) as api:
            api.send("POST", f"{ROOT}/singles", said)
    except ApiError as error:
        if error.code == "grant_required":
            return False
        say(f"{error} Nothing was done.")
        raise typer.Exit(exits.AWAY if error.status in AWAY else exits.WRONG) from error
    return True


@contextmanager
def granted(act: Act, environment: str, consent: Consent) -> Iterator[str]:
    """A grant that a service will redeem. Raises `typer.Exit` with one of the gate's codes where there is none."""
    with _line(act, environment, consent) as (asked, terms, line):
        with given_up_by_signal():
            last = wait(asked, terms, line, Redeem)
        if isinstance(last, End):
            raise _refused(last)
        yield last.grant


def _refused(last: End) -> typer.Exit:
    say(last.why)
    return typer.Exit(last.code)


@contextmanager
def _line(act: Act, environment: str, consent: Consent) -> Iterator[tuple[Asked, Terms, Line]]:
    if not consent.reason:
        say("--reason: acts are gated here, so others must agree, and read why. Nothing was done.")
        raise typer.Exit(exits.WRONG)
    try:
        waits = wishes.seconds(consent.patience, "--patience"), wishes.seconds(consent.reach, "--reach")
        body = Wish(act.action, environment, act.target, consent.reason, text=act.body).body(act.payload)
    except WrongWish as error:
        say(f"{error} Nothing was done.")
        raise typer.Exit(exits.WRONG) from error
    digest = digest_of(act.payload)
    asked = Asked(consent.key or uuid.uuid4().hex, uuid.uuid4().hex, digest, act.target, body)
    line = Line(lambda: as_person(consent.person), asked)
    try:
        yield asked, Terms(digest, *waits), line
    finally:
        line.close()
