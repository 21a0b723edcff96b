"""What processes have used of the processor, by the kernel's own accounting."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from tests.bench.children import Failed

LOOK: Final = 0.25
"""Seconds between two looks; the kernel counts in hundredths."""
QUIET: Final = 0.1
"""Of one core."""


def tree(pid: int) -> set[int]:
    """A process and all that descend from it, as they are now. Empty where it has ended."""
    try:
        process = psutil.Process(pid)
        return {pid, *(each.pid for each in process.children(recursive=True))}
    except psutil.NoSuchProcess:
        return set()


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of all their threads so far, and of children that ended and were waited for."""
    return sum(_seconds(pid) for pid in pids)


def _seconds(pid: int) -> float:
    try:
        used = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:  # its time is its parent's from now on
        return 0.0
    return float(used.user + used.system + used.children_user + used.children_system)


def machine_cpu_seconds() -> float:
    """What everything on this machine has used so far."""
    used = psutil.cpu_times()
    return float(sum(used) - used.idle - used.iowait - used.guest - used.guest_nice)


def wait_until_quiet(pids: Callable[[], Iterable[int]], within: float) -> None:
    """Return when the processes have used less than a tenth of a core for a moment, and none of their threads wants it:
    on a busy machine those may have to wait for it. Raises `Failed`."""
    deadline = time.monotonic() + within
    before = cpu_seconds(pids())
    while time.monotonic() < deadline:
        time.sleep(LOOK)
        now = cpu_seconds(pids())
        if now - before < QUIET * LOOK and not any(map(_wants_to_run, pids())):
            return
        before = now
    raise Failed(f"processes that have nothing to do did not come to rest within {within:g} s")


def _wants_to_run(pid: int) -> bool:
    """Whether a thread of the process runs or could (proc(5), field 3 of `stat`)."""
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):  # the thread has ended
            if stat.read_text().rpartition(")")[2].split()[0] == "R":
                return True
    return False
