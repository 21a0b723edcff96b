"""Asks, waits, and runs: what `course` says, done."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from services.cli import printing
from services.cli.release.gate import exits, running
from services.cli.release.gate.course import (
    Ask,
    Course,
    End,
    GetGrant,
    Heard,
    Pause,
    Redeem,
    Run,
    Terms,
    advance,
    begin,
)
from services.cli.release.gate.line import Asked, Line
from services.cli.release.gate.payload import Copies
from services.cli.release.gate.signals import GivenUp, heed, keep_back
from services.cli.release.gate.variables import Variables

L = TypeVar("L", Run, Redeem)
NEWS = {
    "pending": "waits for approval",
    "approved": "is approved",
    "granted": "has a grant",
    "frozen": "is held back by a freeze",
    "outside_window": "waits for its window",
    "not_approved": "is not approved any more: somebody's approval counts no longer",
}


@dataclass(frozen=True)
class Guarded:
    """What stands behind the gate."""

    argv: Sequence[str]
    copies: Copies
    asked: Asked
    terms: Terms
    search_path: str
    variables: Variables


def drive(guarded: Guarded, line: Line) -> int:
    """The gate's exit code, after the command or without it. Everything that goes wrong before the command is started
    ends without starting it. To be called where signals are minded: afterwards they are kept back."""
    last = wait(guarded.asked, guarded.terms, line, Run, lambda: _changed(guarded))
    keep_back()
    if isinstance(last, End):
        say(last.why)
        return last.code
    return _run(guarded, line, last.execution)


def wait(
    asked: Asked, terms: Terms, line: Line, last: type[L], changed: Callable[[], End | None] = lambda: None
) -> L | End:
    """What came of the wait. `last` is `Redeem` for who has a grant redeemed elsewhere. After a `Run` signals are kept
    back: from the question on that uses the grant up they are the act's. `changed` says what is not as it was asked."""
    answered = True
    course, step = begin(terms, time.monotonic())
    told = ""
    try:
        while True:
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                step = step.then
            if isinstance(step, GetGrant | Redeem) and (fault := changed()):
                return fault
            if isinstance(step, End | last):
                return step
            if isinstance(step, Run):
                raise TypeError("it may run, and nobody wanted to run it")
            if isinstance(step, Redeem):
                keep_back()
            heard = line.put(step)
            course, step = advance(course, heard)
            answered = not (isinstance(step, Pause) and isinstance(step.then, Redeem))
            if isinstance(heard.to, Ask) and course.request:
                tell_kept(line)
            if not isinstance(step, Run):
                heed()
            told = _tell(asked, course, told, heard)
    except GivenUp as given:
        return End(exits.passed_on(-given.number), _stands(asked, line, answered=answered))


def say(text: str) -> None:
    """To whoever watches; the command's own output is its alone. That nobody does any more changes nothing of what is
    done, nor with what the gate ends."""
    if sys.stderr is None:
        return
    try:
        printing.complain(f"gate: {text}")
    except OSError:
        _hear_nothing_more()


def _hear_nothing_more() -> None:
    """What was not written would be tried again at the end, and that failure would be the exit code."""
    with suppress(OSError), Path(os.devnull).open("w") as nobody:
        os.dup2(nobody.fileno(), sys.stderr.fileno())


def _stands(asked: Asked, line: Line, *, answered: bool) -> str:
    """What is left when somebody ended the wait; `answered`: is it known that the grant was not used up?"""
    if answered:
        return f"Given up by a signal. The request stands: --key {asked.key} resumes it."
    return (
        f"Given up by a signal. Nothing ran; whether the grant is used up, milesaga release show {line.request} says."
    )


def _run(guarded: Guarded, line: Line, execution: str) -> int:
    """After the grant was used up: what happens now is told, be it that nothing could be started."""
    if fault := _changed(guarded):
        say(fault.why)
        tell_outcome(line, guarded.terms, execution, exits.CHANGED, fault.why)
        return exits.CHANGED
    folder = guarded.copies.folder
    about = {"MILESAGA_PAYLOAD": str(folder), "MILESAGA_EXECUTION": execution, "MILESAGA_REQUEST": line.request}
    environment = guarded.variables.environment(guarded.search_path, about)
    try:
        code = running.run(guarded.argv, folder, environment)
    except running.NotStarted as error:
        say(f"{error}.")
        tell_outcome(line, guarded.terms, execution, exits.CHANGED, str(error))
        return exits.CHANGED
    passed = exits.passed_on(code)
    summary = f"ended by signal {-code}" if code < 0 else ""
    tell_outcome(line, guarded.terms, execution, 128 - code if code < 0 else code, summary)
    if passed == exits.OWN_CODE_IS_TAKEN:
        say(f"The command ended with {code}, which would be read as the gate's: {passed} is given instead.")
    return passed


def _changed(guarded: Guarded) -> End | None:
    what = guarded.copies.changed() or guarded.variables.changed()
    return None if what is None else End(exits.CHANGED, f"{what} is not what was asked for any more. Nothing ran.")


def tell_outcome(line: Line, terms: Terms, execution: str, code: int, summary: str) -> None:
    if line.tell_outcome(execution, code, summary, terms.reach):
        return
    say(f"Nobody took the outcome of execution {execution} (exit code {code}): the log will say that it is unknown.")
    if line.kept.has(execution):
        say(f"It is kept in {line.kept.folder}, and told by the next gate here, or by milesaga release list.")


def tell_kept(line: Line) -> None:
    """Somebody answers again."""
    for execution in line.tell_kept():
        say(f"How execution {execution} ended, which was kept here, is told.")


def _tell(asked: Asked, course: Course, told: str, heard: Heard) -> str:
    """A line for each thing that is new."""
    silent = heard.status == 0
    news = "silent" if silent else course.held_by or course.state
    if news == told or not (course.request or silent):
        return told
    if silent:
        say(f"Nobody answers; trying again. {heard.body.get('detail', '')}".rstrip())
    elif news in NEWS:
        about = f" (digest {asked.digest}, key {asked.key})" if told not in NEWS else ""
        say(f"Request {course.request} {NEWS[news]}{about}.")
    return news
