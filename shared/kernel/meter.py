"""Counting what happens, for whoever collects it."""

from typing import Protocol


class Meter(Protocol):
    """Takes the counts of one process. Cheap: called for every message."""

    def handled(self, service: str, message_type: str, outcome: str, seconds: float) -> None:
        """One message was handled; `outcome` is done, later, retried, dead or requeued."""
        ...


class NoMeter:
    """Counts nothing."""

    def handled(self, service: str, message_type: str, outcome: str, seconds: float) -> None:
        pass
