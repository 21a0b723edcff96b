"""The counters of one process: they fulfil every meter there is."""

from collections.abc import Container, Mapping
from typing import Final

from shared.contracts import CATALOGUE as CONTRACTS
from shared.telemetry import catalogue
from shared.telemetry.catalogue import OTHER
from shared.telemetry.series import Labels, Series

MOST_NAMED: Final = 2_000
"""Series of one metric whose labels are partners, buses, rules and targets."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def known(name: str, ours: Container[str]) -> str:
    """The name as a label, if it is one of ours."""
    return name if name in ours else OTHER


def _among(series: Mapping[Labels, object], labels: Labels) -> Labels:
    """Names that people give: of more than so many the rest are counted together."""
    return labels if labels in series or len(series) < MOST_NAMED else (OTHER,) * len(labels)


class Telemetry:
    """What this process did since its start. Fulfils `Meter`, `CallMeter`, `SagaMeter`, `HubMeter`, `TargetMeter`,
    `ReleaseMeter` and `StoreMeter`."""

    def __init__(self) -> None:
        self.series = Series()
        counts, times = self.series.counts, self.series.times
        self._messages, self._handlers = counts[catalogue.HANDLED], times[catalogue.HANDLER_SECONDS]
        self._steps, self._step_seconds = counts[catalogue.STEPPED], times[catalogue.STEP_SECONDS]
        self._stored = times[catalogue.STORED]

    # messages

    def handled(self, service: str, message_type: str, outcome: str, seconds: float) -> None:
        kind = message_type if message_type in CONTRACTS else OTHER
        self._handlers[service, kind].add(seconds)
        self._messages[service, kind, outcome] += 1

    def retried(self, service: str, message_type: str, tier: str) -> None:
        self.series.counts[catalogue.RETRIED][service, known(message_type, CONTRACTS), tier] += 1

    def died(self, service: str, fingerprint: str) -> None:
        self.series.counts[catalogue.DIED][service, fingerprint] += 1

    # HTTP

    def answered(self, service: str, method: str, route: str, status: int, seconds: float) -> None:
        """One HTTP request is over; `route` is the route's template, never a path with ids in it."""
        method = known(method, METHODS)
        self.series.counts[catalogue.REQUESTS][service, method, route, str(status)] += 1
        self.series.times[catalogue.REQUEST_SECONDS][service, method, route].add(seconds)

    # providers

    def called(self, service: str, provider: str, operation: str, outcome: str, seconds: float) -> None:
        self.series.counts[catalogue.CALLED][service, provider, operation, outcome] += 1
        if outcome != "parked":
            self.series.times[catalogue.CALL_SECONDS][service, provider, operation].add(seconds)

    def breaker(self, service: str, provider: str, *, is_open: bool) -> None:
        self.series.gauges[catalogue.LEFT_ALONE][service, provider] = float(is_open)

    # sagas

    def began(self, service: str, saga: str) -> None:
        self.series.counts[catalogue.BEGUN][service, saga] += 1

    def stepped(self, service: str, saga: str, step: str, outcome: str, seconds: float | None) -> None:
        self._steps[service, saga, step, outcome] += 1
        if seconds is not None:
            self._step_seconds[service, saga, step].add(seconds)

    def asked(self, service: str, saga: str, step: str) -> None:
        self.series.counts[catalogue.ASKED][service, saga, step] += 1

    def turned_back(self, service: str, saga: str, step: str) -> None:
        self.series.counts[catalogue.TURNED_BACK][service, saga, step] += 1

    def called_for_help(self, service: str, saga: str, step: str) -> None:
        self.series.counts[catalogue.CALLED_FOR_HELP][service, saga, step] += 1

    def ended(self, service: str, saga: str, status: str) -> None:
        self.series.counts[catalogue.ENDED][service, saga, status] += 1

    # events of partners

    def came(self, partner: str, outcome: str, count: int) -> None:
        self._add(catalogue.EVENTS, (partner, outcome), count)

    def paged(self, events: int) -> None:
        self.series.times[catalogue.PAGE_EVENTS][()].add(events)

    def matched(self, bus: str, rule: str, mode: str, count: int) -> None:
        self._add(catalogue.RULE_MATCHES, (bus, rule, mode), count)

    def unmatched(self, count: int) -> None:
        self._add(catalogue.UNMATCHED, (), count)

    def undecided(self, bus: str, count: int) -> None:
        self._add(catalogue.UNDECIDED, (bus,), count)

    # partners' endpoints

    def tried(self, bus: str, target: str, fault: str, seconds: float) -> None:
        self._add(catalogue.ATTEMPTS, (bus, target, fault), 1)
        times = self.series.times[catalogue.ATTEMPT_SECONDS]
        times[_among(times, (bus, target))].add(seconds)

    def left(self, bus: str, target: str) -> None:
        self.series.times[catalogue.ATTEMPT_SECONDS].pop((bus, target), None)
        counts = self.series.counts[catalogue.ATTEMPTS]
        for labels in [each for each in counts if each[:2] == (bus, target)]:
            del counts[labels]

    # releases

    def appended(self, kind: str, count: int) -> None:
        self.series.counts[catalogue.ENTRIES][kind,] += count

    def acted(self, service: str, action: str, outcome: str) -> None:
        self.series.counts[catalogue.GATED][service, action, outcome] += 1

    def _add(self, metric: catalogue.Metric, labels: Labels, count: int) -> None:
        counts = self.series.counts[metric]
        counts[_among(counts, labels)] += count

    # stores

    def stored(self, service: str, operation: str, seconds: float) -> None:
        self._stored[service, operation].add(seconds)

    def conflicted(self, service: str, collection: str) -> None:
        self.series.counts[catalogue.CONFLICTED][service, collection] += 1

    def unavailable(self, service: str, operation: str) -> None:
        self.series.counts[catalogue.UNAVAILABLE][service, operation] += 1

    # the process

    def restarted(self, task: str) -> None:
        """A background task died and was started again."""
        self.series.counts[catalogue.RESTARTS][(task,)] += 1
