"""From the last press in the chat's stand-in to the guarded command's first instruction, and how soon the callback that
decides is answered.

Each gate is a process as a deployer starts it, and waits when the last button is pressed. The command writes the time
at which it begins by the same clock by which the press was begun. Figures are void where a gate does not end with 0.
"""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

from services.cli.demo.deploying import Chat
from tests.bench.children import Failed
from tests.bench.figures import Figure
from tests.bench.statistics import percentile
from tests.kit.stack import REPOSITORY

GATES: Final = 30
"""Of one round, one after the other: pressing many at once measures how many the machine starts."""
MOST_START: Final = 1.0
MOST_CALLBACK: Final = 0.5
"""Seconds, for 99 of a hundred."""
ENDED_WITHIN: Final = 60.0
SCRIPT: Final = '#!/bin/sh\ndate +%s.%N >"$BEGAN"\n'
SRE: Final = "U0SRE"
OWNER: Final = "U0OWNER"


def measure(url: str, home: Path, advance: Callable[[], Any], *, rounds: int) -> list[Figure]:
    """Over a running stack. Raises Failed."""
    chat = Chat(url)
    starts, callbacks = list[list[float]](), list[list[float]]()
    for number in range(rounds):
        folder = home / f"{number}"
        folder.mkdir(parents=True)
        (folder / "deploy.sh").write_text(SCRIPT)
        (folder / "deploy.sh").chmod(0o755)
        starts.append([])
        callbacks.append([])
        for _ in range(GATES):
            start, answers = _one(url, chat, folder)
            starts[-1].append(start)
            callbacks[-1] += answers
            advance()
    return [
        *_figures("gate_press_to_first_instruction", starts, MOST_START),
        *_figures("gate_callback_answered", callbacks, MOST_CALLBACK),
    ]


def _one(url: str, chat: Chat, folder: Path) -> tuple[float, list[float]]:
    """Seconds from the last press to the command's beginning, and of both callbacks."""
    began = folder / "began"
    began.unlink(missing_ok=True)
    about = ("--action", "deploy", "--environment", "production", "--target", f"bench-{uuid.uuid4().hex[:8]}")
    command = [sys.executable, "-m", "services.cli.main", "release", "gate", *about, "--reason", "bench"]
    mine = {"MILESAGA_URL": url, "MILESAGA_PERSON": "deployer", "BEGAN": str(began), "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        [*command, "--file", "deploy.sh", "--env", "BEGAN", "--", "./deploy.sh"],
        cwd=folder,
        env=os.environ | mine,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as gate:
        message = chat.newest(about[-1])
        answers = [_seconds(chat.press(SRE, message, "approve"))]
        pressed = time.time()
        answers.append(_seconds(chat.press(OWNER, message, "approve")))
        _, said = gate.communicate(timeout=ENDED_WITHIN)
    if gate.returncode:
        raise Failed(f"a gate ended with {gate.returncode}: {said[-500:]}")
    return float(began.read_text()) - pressed, answers


def _seconds(told: Any) -> float:
    return float(told["answers"][0]["seconds"])


def _figures(name: str, rounds: list[list[float]], most: float) -> list[Figure]:
    """Median and p99 of each round, in milliseconds."""
    found = []
    for label, share in (("p50", 0.5), ("p99", 0.99)):
        runs = tuple(percentile(each, share) * 1000 for each in rounds)
        target = f"at most {most * 1000:.0f}" if label == "p99" else ""
        found.append(Figure(f"{name}_{label}", median(runs), "ms", runs, target))
    return found
