"""Every metric there is, declared once: what it says, by which labels, and what it looks like when all is well.

Names, labels and normal values are what dashboards, alerts and `docs/metrics.md` are made of: an addition is free, a
change breaks somebody's alert.
"""

from dataclasses import dataclass
from typing import Final, Literal

PREFIX: Final = "milesaga_"
OTHER: Final = "other"
"""The label of what is not ours: anybody may write any type, path or method, and each would be a series for ever."""

CALLS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of buckets in seconds: from a handler without I/O to a provider's timeout."""
STEPS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0)
"""From a step on an idle laptop to one whose provider was away."""


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """`normal` is what a healthy stack shows. A counter is exposed under its name with `_total`.

    `shared`: read from a store or the broker, so that every replica that tells it tells the same: `max by` over the
    replicas, where all else is summed.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    text: str
    normal: str
    shared: bool = False
    bounds: tuple[float, ...] = CALLS

    @property
    def exposed(self) -> str:
        """As Prometheus knows it."""
        return f"{PREFIX}{self.name}{'_total' if self.kind == 'counter' else ''}"


BEGUN: Final = Metric(
    "purchases_begun", "counter", ("service", "saga"), "Purchases that began.", "Follows the shop's traffic."
)
ENDED: Final = Metric(
    "purchases_ended",
    "counter",
    ("service", "saga", "status"),
    "Purchases that are over: completed, refused, cancelled.",
    "Together as many as begin; most of them completed.",
)
TURNED_BACK: Final = Metric(
    "purchases_turned_back",
    "counter",
    ("service", "saga", "step"),
    "Purchases that turned round to be undone, by the step that made them. By purchases_begun: the undo rate.",
    "A few in a hundred: declined cards, seats gone. A jump at one step is that step's provider.",
)
CALLED_FOR_HELP: Final = Metric(
    "purchases_called_for_help",
    "counter",
    ("service", "saga", "step"),
    "Times a purchase came to need attention, by the step it stands at.",
    "None.",
)
STEPPED: Final = Metric(
    "steps",
    "counter",
    ("service", "saga", "step", "outcome"),
    "Changes of steps: done, refused, skipped, unknown (silent), undoing, undone.",
    "Mostly done and skipped; undoing followed by as many undone; unknown near none.",
)
STEP_SECONDS: Final = Metric(
    "step_seconds",
    "histogram",
    ("service", "saga", "step"),
    "From a step's first command to its final answer.",
    "Each step about its provider's own time; tickets are the slowest.",
    bounds=STEPS,
)
ASKED: Final = Metric(
    "asks",
    "counter",
    ("service", "saga", "step"),
    "Commands sent once more because of silence.",
    "Near none; as many as unknown steps, and more for each outage.",
)
OPEN_PURCHASES: Final = Metric(
    "purchases",
    "gauge",
    ("service", "status"),
    "Purchases that are not over, by status, counted up to 5,000.",
    "running: traffic times a purchase's duration. needs_attention: 0.",
    shared=True,
)
OLDEST_PURCHASE: Final = Metric(
    "oldest_purchase_seconds",
    "gauge",
    ("service", "status"),
    "Age of the oldest purchase that is not over, 0 where there is none.",
    "running: seconds; more than some minutes is a provider that is silent.",
    shared=True,
)
UNKNOWNS: Final = Metric(
    "unknowns",
    "gauge",
    ("service",),
    "Purchases whose awaited step is silent: nobody knows whether it took effect.",
    "0, for seconds a few.",
    shared=True,
)
OLDEST_UNKNOWN: Final = Metric(
    "oldest_unknown_seconds",
    "gauge",
    ("service",),
    "Since when the longest silent step is asked for.",
    "0.",
    shared=True,
)
HOLDS: Final = Metric(
    "holds",
    "gauge",
    ("service", "age"),
    "What is held for purchases, miles or authorized money, by the age of the hold: 5m, 1h, 1d, 6d or older.",
    "All of it under 5m. Authorized money older than 6d is about to lapse at the gateway.",
    shared=True,
)
OVERDUE: Final = Metric(
    "timers_overdue",
    "gauge",
    ("service", "collection"),
    "Documents whose timer was due half a minute ago and that nobody has looked at, counted up to 5,000.",
    "0.",
    shared=True,
)
OLDEST_OVERDUE: Final = Metric(
    "timer_overdue_seconds",
    "gauge",
    ("service", "collection"),
    "How long the longest due timer has waited, 0 where none is due.",
    "Below 2; a sweep of old carts may take a minute.",
    shared=True,
)
UNSENT: Final = Metric(
    "outbox_unsent",
    "gauge",
    ("service",),
    "Messages saved and not yet known to be sent, counted up to 5,000 in each collection.",
    "Those of the last second or two.",
    shared=True,
)
UNSENT_SECONDS: Final = Metric(
    "outbox_unsent_seconds",
    "gauge",
    ("service",),
    "Age of the oldest unsent message, 0 where there is none.",
    "Below 1; more than 10 is a broker that takes nothing, or a relay that does not run.",
    shared=True,
)

HANDLED: Final = Metric(
    "messages",
    "counter",
    ("service", "type", "outcome"),
    "Deliveries that are over: done, later (waits by its own wish), retried, dead, requeued (given back).",
    "done. later while a provider is left alone; retried and requeued near none; dead none.",
)
HANDLER_SECONDS: Final = Metric(
    "handler_seconds",
    "histogram",
    ("service", "type"),
    "From a delivery to its outcome.",
    "Milliseconds, or the provider's time where one is asked.",
)
RETRIED: Final = Metric(
    "retries",
    "counter",
    ("service", "type", "tier"),
    "Messages that went to a delay tier.",
    "Near none, and in the short tiers. Those of 10m and longer are outages.",
)
DIED: Final = Metric(
    "deaths",
    "counter",
    ("service", "fingerprint"),
    "Messages that went to the dead letters, by their fault: exception and place.",
    "None.",
)
DEAD: Final = Metric(
    "dead_letters",
    "gauge",
    ("service", "fingerprint"),
    "Dead letters as they stand, by their fault; the fault of more than 500 is not looked into (`other`).",
    "None: each is a message that nobody has dealt with.",
    shared=True,
)
QUEUE: Final = Metric(
    "queue_messages",
    "gauge",
    ("service", "queue"),
    "Messages that wait in a service's queues: its own, .suspect (may crash their process) and .dead.",
    "Its own near 0; .suspect and .dead 0.",
    shared=True,
)
CONSUMERS: Final = Metric(
    "queue_consumers",
    "gauge",
    ("service", "queue"),
    "Consumers of a service's queues.",
    "One for each replica on the queue and on .suspect, none on .dead.",
    shared=True,
)
TIERS: Final = Metric(
    "tier_messages",
    "gauge",
    ("tier",),
    "Messages of all services that wait in a delay tier.",
    "0; in the long tiers those of an outage.",
    shared=True,
)
PUBLISHED: Final = Metric("published", "counter", (), "Messages the broker confirmed.", "Follows the traffic.")
CONNECTED: Final = Metric(
    "broker_connected", "gauge", (), "1 while the process can publish and consume, else 0.", "1 in every process."
)
CONNECTIONS: Final = Metric(
    "broker_connections", "counter", (), "Connections to the broker that came up.", "1 for each process."
)

CALLED: Final = Metric(
    "provider_requests",
    "counter",
    ("service", "provider", "operation", "outcome"),
    "Requests to providers: answered (a refusal, too), not_sent (certainly without effect), unknown, misconfigured,"
    " parked (held back, nothing was asked).",
    "answered. unknown near none; misconfigured none.",
)
CALL_SECONDS: Final = Metric(
    "provider_seconds",
    "histogram",
    ("service", "provider", "operation"),
    "Time of a provider's answer, waiting for a turn not included.",
    "The provider's own: tenths of a second, some seconds for tickets.",
)
LEFT_ALONE: Final = Metric(
    "provider_left_alone",
    "gauge",
    ("service", "provider"),
    "1 while the breaker is open: the provider does not answer and is not asked.",
    "0, or absent where it never opened.",
)

STORED: Final = Metric(
    "store_seconds",
    "histogram",
    ("service", "operation"),
    "Time of a store's answer, by the operation of its port.",
    "Milliseconds; a save waits for the disk.",
)
CONFLICTED: Final = Metric(
    "store_conflicts",
    "counter",
    ("service", "collection"),
    "Saves that somebody else was faster than; they begin anew.",
    "A few in a thousand saves; more where replicas work on the same documents.",
)
UNAVAILABLE: Final = Metric(
    "store_unavailable",
    "counter",
    ("service", "operation"),
    "Operations whose store could not be reached.",
    "None.",
)

REQUESTS: Final = Metric(
    "http_requests",
    "counter",
    ("service", "method", "route", "status"),
    "HTTP requests answered, by the route's template. `process` are health, metrics and documents.",
    "2xx and the callers' own 4xx; 5xx none but 503 while a process starts or drains.",
)
REQUEST_SECONDS: Final = Metric(
    "http_seconds",
    "histogram",
    ("service", "method", "route"),
    "Time to the end of an answer; an event stream's is its whole life.",
    "Tens of milliseconds; a search as long as the airline's.",
)

RESTARTS: Final = Metric(
    "task_restarts", "counter", ("task",), "Background tasks that died and were started again.", "None."
)
CLOCK: Final = Metric(
    "clock_offset_seconds",
    "gauge",
    (),
    "How far the process's clock is ahead of the stores'; less than 0 where it is behind.",
    "Within 1 of 0.",
)
BUILD: Final = Metric(
    "build_info",
    "gauge",
    ("service", "version"),
    "1 for each service that runs in the process.",
    "One version; two during a roll-out.",
)

EVENTS: Final = Metric(
    "hub_events",
    "counter",
    ("partner", "outcome"),
    "Events of partners: accepted, duplicate, refused, rate_limited. Of many partners the rest are `other`.",
    "accepted; duplicate where a partner repeats after a lost answer; refused near none.",
)
PAGE_EVENTS: Final = Metric(
    "hub_page_events",
    "histogram",
    (),
    "Events that were accepted by one page, which is one write.",
    "1 while little comes, tens and hundreds under load.",
    bounds=(1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 256.0),
)
RULE_MATCHES: Final = Metric(
    "hub_rule_matches",
    "counter",
    ("bus", "rule", "mode"),
    "Events that a rule matched, on or shadow. Of many rules the rest are `other`.",
    "Follows the partners' traffic; a rule that never matches is perhaps wrong.",
)
UNMATCHED: Final = Metric(
    "hub_unmatched", "counter", (), "Events that no rule of any bus matched.", "As many as nobody asked for."
)
UNDECIDED: Final = Metric(
    "hub_undecided",
    "counter",
    ("bus",),
    "Events that the rules of a bus had too much work with: it made no copies of them.",
    "None.",
)
TARGET_WAITING: Final = Metric(
    "target_waiting",
    "gauge",
    ("bus", "target"),
    "Copies that wait in a target's queue, what is in hand left out. Told by the process that has the target.",
    "Near 0; it grows while an endpoint fails or a target is paused.",
    shared=True,
)
TARGET_OLDEST: Final = Metric(
    "target_oldest_seconds",
    "gauge",
    ("bus", "target"),
    "How long ago the oldest event was accepted whose copy a webhook's endpoint has not taken, waiting for another try"
    " or for its first; a replayed copy's time runs from its first try. At least so long: what lies in a queue that"
    " nobody reads cannot be seen.",
    "Below 1; minutes where an endpoint fails.",
    shared=True,
)
TARGET_IN_FLIGHT: Final = Metric(
    "target_in_flight",
    "gauge",
    ("bus", "target"),
    "Requests to a webhook's endpoint that are under way in a process; summed over processes they are at most"
    " `concurrency`, while a target moves for a moment more.",
    "Requests a second times the seconds of an answer; after an outage it rises from a tenth, with the slow start.",
)
TARGET_STATE: Final = Metric(
    "target_state",
    "gauge",
    ("bus", "target", "state"),
    "1 for the state that a target is in: healthy, limited, failing, paused, gone, unverified, blocked.",
    "healthy; limited where an endpoint asks for patience.",
    shared=True,
)
TARGET_DEAD: Final = Metric(
    "target_dead",
    "gauge",
    ("bus", "target"),
    "Dead letters of a target. Told by the process that has the target.",
    "0: each is a copy that its partner does not have.",
    shared=True,
)
ATTEMPTS: Final = Metric(
    "target_attempts",
    "counter",
    ("bus", "target", "fault"),
    "Requests to a webhook's endpoint, by what was wrong: none, or a word (`http_500`, `timeout`). Of many targets the"
    " rest are `other`; a target that another process has now begins again there.",
    "none.",
)
ATTEMPT_SECONDS: Final = Metric(
    "target_seconds",
    "histogram",
    ("bus", "target"),
    "Time of an endpoint's answer, or of waiting for one.",
    "The endpoint's own: tens of milliseconds.",
    bounds=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 30.0),
)
ARCHIVE_LAG: Final = Metric(
    "archive_lag_seconds",
    "gauge",
    (),
    "How old the oldest page is that this process was given and has not kept yet; where there is none, how old the "
    "last one was when it was kept, a minute long.",
    "Below 2; it grows while nothing can be written, and falls while what waited is caught up with.",
)
ARCHIVE_BYTES: Final = Metric(
    "archive_bytes",
    "gauge",
    (),
    "What the archive's folder holds: segments of events and of records.",
    "Grows with the events; falls when a class of keeping is over.",
    shared=True,
)
REPLAY_COPIES: Final = Metric(
    "replay_copies",
    "gauge",
    (),
    "Copies that replays in this process have sent since it began.",
    "Still, but while a replay runs.",
)
ENTRIES: Final = Metric(
    "release_entries",
    "counter",
    ("kind",),
    "Entries that the process appended to the log of releases, by what happened.",
    "Follows what people do; refused and broke_glass near none.",
)
GATED: Final = Metric(
    "gated_acts",
    "counter",
    ("service", "action", "outcome"),
    "Grants that were shown for dangerous acts of ours: redeemed, declined, unreachable (nobody could say, nothing was"
    " done).",
    "redeemed. unreachable none.",
)
OPEN_REQUESTS: Final = Metric(
    "release_requests",
    "gauge",
    ("state",),
    "Releases that are not over, by state, counted up to 5,000.",
    "A few; unknown 0: what ran and did not say how it ended.",
    shared=True,
)
REVIEWS: Final = Metric(
    "release_reviews",
    "gauge",
    ("state",),
    "Broken glass that nobody has reviewed yet: due, or overdue.",
    "0; overdue never.",
    shared=True,
)
UNVOUCHED: Final = Metric(
    "release_unvouched_seconds",
    "gauge",
    (),
    "Age of the newest checkpoint while the log of releases has entries that none vouches for, else 0.",
    "0 after a grant; within the hour after anything else.",
    shared=True,
)
FILES_OUTDATED: Final = Metric(
    "release_files_outdated",
    "gauge",
    (),
    "1 while the process reads older files of policy and people than the log knows: it decides nothing.",
    "0; 1 in the old processes during a roll-out of files.",
)
CATALOGUE: Final[tuple[Metric, ...]] = (
    BEGUN, ENDED, TURNED_BACK, CALLED_FOR_HELP, STEPPED, STEP_SECONDS, ASKED,
    OPEN_PURCHASES, OLDEST_PURCHASE, UNKNOWNS, OLDEST_UNKNOWN, HOLDS, OVERDUE, OLDEST_OVERDUE, UNSENT, UNSENT_SECONDS,
    HANDLED, HANDLER_SECONDS, RETRIED, DIED, DEAD, QUEUE, CONSUMERS, TIERS, PUBLISHED, CONNECTED, CONNECTIONS,
    CALLED, CALL_SECONDS, LEFT_ALONE,
    EVENTS, PAGE_EVENTS, RULE_MATCHES, UNMATCHED, UNDECIDED,
    TARGET_WAITING, TARGET_OLDEST, TARGET_IN_FLIGHT, TARGET_STATE, TARGET_DEAD, ATTEMPTS, ATTEMPT_SECONDS,
    ARCHIVE_LAG, ARCHIVE_BYTES, REPLAY_COPIES,
    ENTRIES, GATED, OPEN_REQUESTS, REVIEWS, UNVOUCHED, FILES_OUTDATED,
    STORED, CONFLICTED, UNAVAILABLE,
    REQUESTS, REQUEST_SECONDS,
    RESTARTS, CLOCK, BUILD,
)  # fmt: skip
