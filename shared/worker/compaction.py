"""How a worker's log stays bounded where many purchases, or events, work on one document."""

from collections.abc import Callable

from shared.kernel.values import changed
from shared.worker.work import StepLog, W

Keep = Callable[[W, W], W]
"""The document as it is stored, from what it was and what it is to be."""


def keep_all(_before: W, after: W) -> W:
    return after


def compacted(work: W, *, whole: int, kept: Callable[[str], bool] = lambda _slot: False) -> W:
    """The latest `whole` logs stay as they are, and those whose slots are `kept`; of the others only fences are left.

    What left no fence may be carried out again, should it come once more: keep more than can still come.
    """
    old = len(work.steps) - whole
    if old <= 0:
        return work
    logs = {
        slot: log if place >= old or kept(slot) else _fence_of(log)
        for place, (slot, log) in enumerate(work.steps.items())
        if place >= old or kept(slot) or log.fenced_through
    }
    return changed(work, steps=logs)


def _fence_of(log: StepLog) -> StepLog:
    return StepLog(attempt=log.attempt, fenced_through=log.fenced_through)
