"""Composition root of releases."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from services.releases.adapters.anchors import FolderAnchor
from services.releases.adapters.grants import JwtGrants
from services.releases.adapters.pipelines import IssuedIdentities
from services.releases.adapters.slack import SlackChat
from services.releases.cases.books import Books
from services.releases.cases.chatting import ChatCursor, ChatMessage, Chatting
from services.releases.cases.head import Head, Page
from services.releases.cases.log import Log
from services.releases.cases.minding import Minding
from services.releases.cases.pressing import Pressing, SeenCallback, forget_at
from services.releases.cases.proving import KeptNote, Proving
from services.releases.cases.releasing import KeptText, Payload, Releasing
from services.releases.domain.request import RUNNING, WAITING, Request
from services.releases.domain.subjects import Subjects
from services.releases.http.chat import Doorkeeper
from services.releases.http.chat import routes as chat_routes
from services.releases.http.gate import OwnGate
from services.releases.http.routes import Office, routes
from services.releases.service import SERVICE
from services.releases.settings import (
    PipelineSettings,
    ReleasesSettings,
    SandboxPipelineSettings,
    SandboxReleasesSettings,
)
from services.releases.settings import slack as settings_of_slack
from shared.kernel.clock import Clock, Stopwatch
from shared.runtime.configuration import read_beside
from shared.runtime.every import Every
from shared.runtime.keeping import Keeping
from shared.runtime.providers import provider_line
from shared.runtime.service import Runtime, Service, Task
from shared.store.documents import CollectionSpec, Index
from shared.telemetry import catalogue
from shared.telemetry.figures import MOST, Figure, Reading
from shared.web.auth import INTERNAL_HEADER
from shared.web.grants import CountedGate
from shared.web.routes import Routes
from shared.web.tokens import ISSUER_SECONDS, IssuedTokens

LOG = CollectionSpec("log")
PAGES = CollectionSpec("pages")
REQUESTS = CollectionSpec(
    "requests",
    (
        Index("by_state", ("state", "asked_at")),
        Index("by_time", ("asked_at",)),
        Index("by_execution", ("execution",)),
        Index("by_review", ("review", "review_due")),
    ),
)
TEXTS = CollectionSpec("texts", (Index("by_salt", ("salt",)),))
PAYLOADS = CollectionSpec("payloads")
ANCHORS = CollectionSpec("anchors", (Index("by_size", ("size",)),))
CHAT = CollectionSpec("chat")
CURSORS = CollectionSpec("chat_cursor")
SEEN = CollectionSpec("chat_seen", expiring=True)
OPEN_STATES = sorted(WAITING | RUNNING)
DUE_PAUSE = 0.5
"""Seconds between two looks at what is due."""
PAUSE = 1.0
"""Seconds between two looks at what other processes, or a crash, left for this one; of its own it knows at once."""


def compose(runtime: Runtime) -> Service:
    """The service with everything it needs. Raises WrongSettings."""
    settings = read_beside(ReleasesSettings, SandboxReleasesSettings, sandbox=runtime.settings.sandbox)
    rules = settings.rules()
    signer = settings.signer(runtime.authenticator.internal_headers[INTERNAL_HEADER])
    keeping = Keeping(runtime, SERVICE.name)
    books = Books(
        keeping.documents(LOG, Head),
        keeping.documents(PAGES, Page, silent=True),
        keeping.documents(REQUESTS, Request, wake=Request.wake_at, silent=True),
    )
    texts = keeping.documents(TEXTS, KeptText, silent=True)
    payloads = keeping.documents(PAYLOADS, Payload, silent=True)
    notes = keeping.documents(ANCHORS, KeptNote)
    log = Log(books, keeping.outbox, runtime.clock, rules, meter=runtime.meter)
    grants = JwtGrants(signer)
    releasing = Releasing(log, texts, payloads, grants, runtime.ids)
    proving = Proving(log, notes, texts, signer, runtime.clock)
    anchor = FolderAnchor(settings.anchor_dir) if settings.anchor_dir else None
    own_gate = OwnGate(releasing, runtime.authenticator, runtime.settings.environment)
    gate = CountedGate(own_gate, runtime.meter, SERVICE.name) if runtime.settings.gated else None
    minding = Minding(log, proving, keeping.outbox, anchor, runtime.clock)
    chat = _chat(runtime, keeping, releasing)
    office = Office(releasing, proving, grants.jwks(), gate, _pipelines(runtime))
    return keeping.service(
        router=routes(office, runtime).join(*chat.routers),
        tasks=(
            Every(PAUSE, minding.behind, name="folding"),
            Every(DUE_PAUSE, minding.timers, full=Minding.PAGE, name="timers"),
            Every(PAUSE, minding.checkpoints, name="checkpoints", wake=log.changes),
            *chat.tasks,
        ),
        closing=(*chat.closing, log.drain),
        figures=(_figures(log, proving, runtime.clock),),
        ready={"files": minding.files},
    )


def _figures(log: Log, proving: Proving, clock: Clock) -> Figure:
    """What waits for people, and whether the log is vouched for."""

    async def read() -> Sequence[Reading]:
        head, newest, now = await log.books.head(), await proving.newest(), clock.now()
        late = [each.due <= now for each in head.standing.reviews.values()]
        unvouched = newest is not None and newest.size < head.size
        readings = [
            Reading(catalogue.REVIEWS, ("overdue",), sum(late)),
            Reading(catalogue.REVIEWS, ("due",), len(late) - sum(late)),
            Reading(catalogue.UNVOUCHED, (), (now - newest.at).total_seconds() if newest and unvouched else 0.0),
            Reading(catalogue.FILES_OUTDATED, (), float(log.outdated)),
        ]
        for state in OPEN_STATES:
            found = await log.books.requests.collection.keys("by_state", (state,), limit=MOST)
            readings.append(Reading(catalogue.OPEN_REQUESTS, (state,), len(found)))
        return readings

    return read


def _pipelines(runtime: Runtime) -> IssuedIdentities | None:
    """Whose word counts for whom a robot acts. Raises WrongSettings."""
    sandbox = runtime.settings.sandbox
    settings = read_beside(PipelineSettings, SandboxPipelineSettings, sandbox=sandbox)
    issuer = str(settings.issuer) if settings.issuer else runtime.authenticator.issuer if sandbox else None
    if issuer is None:
        return None
    tokens = IssuedTokens(
        issuer, settings.audience, partial(runtime.http, "", ISSUER_SECONDS), Stopwatch(runtime.clock)
    )
    return IssuedIdentities(tokens, settings.claim, runtime.clock)


@dataclass(frozen=True)
class Parts:
    """What the chat adds to the service: nothing where there is none."""

    routers: tuple[Routes, ...] = ()
    tasks: tuple[Task, ...] = ()
    closing: tuple[Task, ...] = ()


def _chat(runtime: Runtime, keeping: Keeping, releasing: Releasing) -> Parts:
    """Slack. Raises WrongSettings."""
    slack = settings_of_slack(runtime)
    if slack.bot_token is None or slack.signing_secret is None:
        return Parts()
    secret = slack.signing_secret.get_secret_value()
    subjects = Subjects(hashlib.sha256(f"buttons {secret}".encode()).digest())
    line = provider_line(runtime, SERVICE.name, "slack", slack)
    chat = SlackChat(line, slack.bot_token.get_secret_value(), slack.channel, subjects)
    messages = keeping.documents(CHAT, ChatMessage, wake=lambda message: message.wake_at, silent=True)
    cursors = keeping.documents(CURSORS, ChatCursor, silent=True)
    seen = keeping.documents(SEEN, SeenCallback, wake=forget_at, silent=True)
    chatting = Chatting(releasing, chat, messages, cursors, runtime.clock)
    pressing = Pressing(releasing, chat, seen, subjects, runtime.clock)
    doorkeeper = Doorkeeper(secret, slack.app_id, slack.team_id, runtime.clock)
    return Parts(
        routers=(chat_routes(pressing, doorkeeper),),
        tasks=(Every(PAUSE, chatting.page, full=Chatting.PAGE, name="chat", wake=releasing.log.changes),),
        closing=(pressing.aside.drain,),
    )
