"""A signal at each of the gate's phases: nothing runs by it, nothing is left behind, and what stands is said.

None of it is a matter of timing: whoever answers, or a program that the gate calls, sends the signal.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.cli.release.gate import running
from services.cli.release.gate.signals import PASSED_ON
from tests.component.gate.conftest import STARTED, Gate, ended
from tests.eventually import eventually_sync
from tests.kit.office import Office, Scripted

TERM, INT, HUP, QUIT = signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT
AT = """
import importlib, os, signal, sys
place, name, number = sys.argv[1:4]
module = importlib.import_module(place)
before = getattr(module, name)
def after(*given, **more):
    os.kill(os.getpid(), int(number))
    return before(*given, **more)
setattr(module, name, after)
sys.argv = ["milesaga", *sys.argv[4:]]
from services.cli.main import main
main()
"""
"""The gate of Python that sends itself a signal where a function is called."""
SHIM = """#!/bin/sh
kill -{number} $PPID
exec {program} "$@"
"""


def meets(gate: Gate, office: Office, kind: str, number: signal.Signals, *answers: Scripted) -> None:
    """The gate gets the signal while its first question of this kind waits for the answer."""
    office.say(kind, *answers)
    left = [number]

    def call(asked: str) -> None:
        if asked == kind and left:
            os.kill(gate.started[-1].pid, left.pop())

    office.on_call = call


def sends_itself(gate: Gate, number: signal.Signals, at: tuple[str, str], program: str) -> str:
    """The gate's `PATH`. It gets the signal where it calls a function, or a program."""
    if gate.words[0] == sys.executable:
        gate.words = [sys.executable, "-c", AT, *at, str(int(number)), *gate.words[3:]]
        return os.environ["PATH"]
    shims = gate.here.parent / "shims"
    shims.mkdir()
    (shims / program).write_text(SHIM.format(number=number.name.removeprefix("SIG"), program=f"/bin/{program}"))
    (shims / program).chmod(0o755)
    return f"{shims}:{os.environ['PATH']}"


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Where copies are made."""
    made = tmp_path / "temporary"
    made.mkdir()
    return made


def left(folder: Path) -> list[Path]:
    return [*folder.iterdir()]


@pytest.mark.parametrize("number", [TERM, INT, HUP, QUIT])
def test_while_it_copies_nobody_is_asked_and_no_copy_is_left(
    gate: Gate, office: Office, temporary: Path, number: signal.Signals
) -> None:
    """A copy may be a `KUBECONFIG`."""
    gate.script()
    path = sends_itself(gate, number, ("services.cli.release.gate.payload", "copied"), "cp")
    told = ended(gate.guard(TMPDIR=str(temporary), PATH=path), 128 + number)
    assert "Nobody was asked" in told
    assert (office.calls, gate.has_run(), left(temporary)) == ([], False, [])


@pytest.mark.parametrize(("kind", "number"), [("ask", HUP), ("watch", QUIT), ("grant", INT)])
def test_while_it_asks_the_request_stands(
    gate: Gate, office: Office, temporary: Path, kind: str, number: signal.Signals
) -> None:
    gate.script()
    meets(gate, office, kind, number)
    process = gate.guard("--key", "k1", TMPDIR=str(temporary))
    if kind == "grant":
        gate.asked()
        office.decide("approved")
    assert "The request stands: --key k1 resumes it." in ended(process, 128 + number)
    assert (gate.has_run(), left(temporary)) == (False, [])
    assert "redeem" not in office.kinds()


def test_while_the_grant_is_used_up_it_is_the_commands(gate: Gate, office: Office) -> None:
    gate.script("#!/bin/sh\nexec sleep 60\n")
    meets(gate, office, "redeem", TERM)
    process = gate.guard()
    gate.asked()
    office.decide("approved")
    ended(process, 128 + TERM)
    assert office.only.outcome is not None
    assert office.only.outcome["exit_code"] == 128 + TERM


@pytest.mark.parametrize("number", [TERM, INT])
def test_a_grant_of_which_nobody_answers_is_not_said_to_stand(
    gate: Gate, office: Office, number: signal.Signals
) -> None:
    gate.script()
    meets(gate, office, "redeem", number, Scripted(0, happens=True))
    process = gate.guard("--key", "k1")
    gate.asked()
    office.decide("approved")
    told = ended(process, 128 + number)
    assert "whether the grant is used up" in told
    assert office.only.id in told.splitlines()[-1]
    assert not gate.has_run()


@pytest.mark.parametrize("number", [TERM, QUIT])
@pytest.mark.parametrize("answers", [(), (Scripted(503),) * 50], ids=["taken", "away"])
def test_while_the_end_is_told_it_hides_not_how_the_command_ended(
    gate: Gate, office: Office, number: signal.Signals, answers: tuple[Scripted, ...]
) -> None:
    """Nobody is kept waiting by it either: what is not taken is kept."""
    gate.script("#!/bin/sh\nexit 3\n")
    meets(gate, office, "outcome", number, *answers)
    process = gate.guard("--reach", "10m")
    gate.asked()
    office.decide("approved")
    ended(process, 3)
    assert (office.only.outcome is None) == bool(answers)
    assert len([*(gate.ran.parent / "state").rglob("*.json")]) == bool(answers)


def test_while_copies_are_removed_they_are_removed(gate: Gate, office: Office, temporary: Path) -> None:
    gate.script()
    path = sends_itself(gate, TERM, ("shutil", "rmtree"), "rm")
    process = gate.guard(TMPDIR=str(temporary), PATH=path)
    gate.asked()
    office.decide("denied")
    ended(process, 91)
    assert left(temporary) == []


def test_what_the_caller_had_it_ignore_ends_no_wait(gate: Gate, office: Office) -> None:
    """As `nohup` does."""
    gate.script()
    gate.words = ["/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh", *gate.words]
    meets(gate, office, "watch", HUP)
    process = gate.guard()
    eventually_sync(lambda: "watch" in office.kinds(), STARTED)
    office.decide("approved")
    ended(process, 0)
    assert gate.has_run()


@pytest.mark.parametrize("number", [TERM, INT, QUIT])
def test_what_comes_before_the_command_is_there_is_not_lost_with_our_handlers(number: signal.Signals) -> None:
    """Ctrl-C goes to all of the group, be it between fork and exec."""

    def comes_early() -> None:
        os.kill(os.getpid(), number)
        running._heard_again()

    signals = {*PASSED_ON}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    before: Callable[..., object] | int | None = signal.signal(number, lambda *_: None)
    try:
        child = subprocess.Popen(["sleep", "60"], preexec_fn=comes_early)  # noqa: PLW1509 - as the gate does
        assert child.wait(STARTED) == -number
    finally:
        signal.signal(number, before)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
