"""Counting what happens, for whoever collects it. Every method is cheap: some are called for every message."""

from typing import Protocol


class Meter(Protocol):
    """Takes the counts of one process's messages."""

    def handled(self, service: str, message_type: str, outcome: str, seconds: float) -> None:
        """One delivery is over; `outcome` is done, later, retried, dead or requeued."""
        ...

    def retried(self, service: str, message_type: str, tier: str) -> None:
        """A message waits in a delay tier for its next try."""
        ...

    def died(self, service: str, fingerprint: str) -> None:
        """A message went to the dead letters; the fingerprint is made of our own code's names."""
        ...


class CallMeter(Protocol):
    """Takes the counts of one process's requests to providers."""

    def called(self, service: str, provider: str, operation: str, outcome: str, seconds: float) -> None:
        """One request is over; `outcome` is answered, not_sent, unknown, misconfigured or parked. `operation` is one of
        the few names that the provider's adapter has for its requests."""
        ...

    def breaker(self, service: str, provider: str, *, is_open: bool) -> None:
        """The provider is left alone from now on, or asked again."""
        ...


class SagaMeter(Protocol):
    """Takes the counts of one process's sagas. Steps have the names of their declaration."""

    def began(self, service: str, saga: str) -> None:
        """A purchase was stored for the first time."""
        ...

    def stepped(self, service: str, saga: str, step: str, outcome: str, seconds: float | None) -> None:
        """A step was done, refused, skipped, unknown, undoing or undone; how long it took, where it has just ended."""
        ...

    def asked(self, service: str, saga: str, step: str) -> None:
        """A silent step's command was sent once more."""
        ...

    def turned_back(self, service: str, saga: str, step: str) -> None:
        """A purchase is undone from now on, because of this step."""
        ...

    def called_for_help(self, service: str, saga: str, step: str) -> None:
        """A purchase needs attention."""
        ...

    def ended(self, service: str, saga: str, status: str) -> None:
        """A purchase is over: completed, refused or cancelled."""
        ...


class StoreMeter(Protocol):
    """Takes the counts of one process's stores."""

    def stored(self, service: str, operation: str, seconds: float) -> None:
        """One operation of the store's port is over."""
        ...

    def conflicted(self, service: str, collection: str) -> None:
        """Somebody else had saved the document first."""
        ...

    def unavailable(self, service: str, operation: str) -> None:
        """The engine could not be reached."""
        ...


class HubMeter(Protocol):
    """Takes the counts of one process's events of partners."""

    def came(self, partner: str, outcome: str, count: int) -> None:
        """So many events of a partner were accepted, duplicate, refused or rate_limited."""
        ...

    def paged(self, events: int) -> None:
        """So many were accepted by one page."""
        ...

    def matched(self, bus: str, rule: str, mode: str, count: int) -> None:
        """So many were matched by a rule, which is on or shadow."""
        ...

    def unmatched(self, count: int) -> None:
        """So many were matched by no rule of any bus."""
        ...

    def undecided(self, bus: str, count: int) -> None:
        """The rules of a bus had too much work with so many."""
        ...


class TargetMeter(Protocol):
    """Takes the counts of one process's requests to partners' endpoints."""

    def tried(self, bus: str, target: str, fault: str, seconds: float) -> None:
        """One request is over; `fault` is one of few words, `none` where the endpoint took the copy."""
        ...

    def left(self, bus: str, target: str) -> None:
        """The target is no longer this process's, or nobody's: its counts are told no more."""
        ...


class ReleaseMeter(Protocol):
    """Takes the counts of one process's decisions, and of its acts that take a grant."""

    def appended(self, kind: str, count: int) -> None:
        """So many entries of a kind were appended to the log of releases."""
        ...

    def acted(self, service: str, action: str, outcome: str) -> None:
        """A grant was shown for a gated act: redeemed, declined, or unreachable, for nobody could say."""
        ...


class NoMeter:
    """Counts nothing."""

    def handled(self, service: str, message_type: str, outcome: str, seconds: float) -> None:
        pass

    def retried(self, service: str, message_type: str, tier: str) -> None:
        pass

    def died(self, service: str, fingerprint: str) -> None:
        pass


class NoCallMeter:
    """Counts nothing."""

    def called(self, service: str, provider: str, operation: str, outcome: str, seconds: float) -> None:
        pass

    def breaker(self, service: str, provider: str, *, is_open: bool) -> None:
        pass


class NoSagaMeter:
    """Counts nothing."""

    def began(self, service: str, saga: str) -> None:
        pass

    def stepped(self, service: str, saga: str, step: str, outcome: str, seconds: float | None) -> None:
        pass

    def asked(self, service: str, saga: str, step: str) -> None:
        pass

    def turned_back(self, service: str, saga: str, step: str) -> None:
        pass

    def called_for_help(self, service: str, saga: str, step: str) -> None:
        pass

    def ended(self, service: str, saga: str, status: str) -> None:
        pass


class NoHubMeter:
    """Counts nothing."""

    def came(self, partner: str, outcome: str, count: int) -> None:
        pass

    def paged(self, events: int) -> None:
        pass

    def matched(self, bus: str, rule: str, mode: str, count: int) -> None:
        pass

    def unmatched(self, count: int) -> None:
        pass

    def undecided(self, bus: str, count: int) -> None:
        pass


class NoTargetMeter:
    """Counts nothing."""

    def tried(self, bus: str, target: str, fault: str, seconds: float) -> None:
        pass

    def left(self, bus: str, target: str) -> None:
        pass


class NoReleaseMeter:
    """Counts nothing."""

    def appended(self, kind: str, count: int) -> None:
        pass

    def acted(self, service: str, action: str, outcome: str) -> None:
        pass


class ServiceMeter(CallMeter, SagaMeter, HubMeter, TargetMeter, ReleaseMeter, Protocol):
    """What a process gives its services."""


class NoServiceMeter(NoCallMeter, NoSagaMeter, NoHubMeter, NoTargetMeter, NoReleaseMeter):
    """Counts nothing."""
