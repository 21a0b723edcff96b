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


class CallMeter(Protocol):
    """Takes the counts of one process's requests to providers."""

    def called(self, service: str, provider: str, operation: str, outcome: str, seconds: float) -> None:
        """One request is over; `outcome` is answered, not_sent, unknown, misconfigured or parked. `operation` is one of
        the few names that the provider's adapter has for its requests."""
        ...

    def breaker(self, service: str, provider: str, *, is_open: bool) -> None:
        """The provider is left alone from now on, or asked again."""
        ...


class NoCallMeter:
    """Counts nothing."""

    def called(self, service: str, provider: str, operation: str, outcome: str, seconds: float) -> None:
        pass

    def breaker(self, service: str, provider: str, *, is_open: bool) -> None:
        pass
