"""Composition root of delivery."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.delivery.adapters.broker_letters import BrokerLetters
from services.delivery.adapters.posting import HttpPoster
from services.delivery.adapters.sealing import MasterKeySealing
from services.delivery.cases.burying import Burying
from services.delivery.cases.catching_up import PAUSE as CATCHING_UP_PAUSE
from services.delivery.cases.catching_up import CatchingUp
from services.delivery.cases.configuring import Configuring
from services.delivery.cases.deaths import PAUSE as DEATHS_PAUSE
from services.delivery.cases.deaths import Deaths
from services.delivery.cases.deciding import Deciding
from services.delivery.cases.in_hand import Hands
from services.delivery.cases.keys import Keyring, Keys
from services.delivery.cases.known import BUSES, CLIENTS, TARGETS, Known
from services.delivery.cases.living import OUTAGES, REPLICAS, Living
from services.delivery.cases.looking import Looking
from services.delivery.cases.measuring import Measuring
from services.delivery.cases.noting import Noting
from services.delivery.cases.resealing import PAUSE as RESEALING_PAUSE
from services.delivery.cases.resealing import SPECS, Resealing, Stores, word_of
from services.delivery.cases.sending import Means
from services.delivery.cases.skipping import Skipping
from services.delivery.cases.telling import MOST, Telling
from services.delivery.cases.telling import PAUSE as TELLING_PAUSE
from services.delivery.cases.turns import PROGRESS
from services.delivery.cases.verifying import Verifying
from services.delivery.cases.watching import PAUSE, Watching
from services.delivery.domain.clients import KnownClients
from services.delivery.domain.order import Progress, wakes
from services.delivery.domain.places import Places
from services.delivery.domain.signing import SCHEMES
from services.delivery.domain.state import Outages, TargetState
from services.delivery.domain.target import KnownBus, Secrets, place_of
from services.delivery.handlers import table
from services.delivery.http.choosing import Consent
from services.delivery.http.routes import routes
from services.delivery.ports import Sealing
from services.delivery.service import SERVICE
from services.delivery.settings import DeliverySettings, SandboxDeliverySettings
from shared.accepting import allowance
from shared.accepting.allowance import Allowances
from shared.outside.strangers import Strangers
from shared.runtime.addresses import internal_token, own_broker_url
from shared.runtime.configuration import read_beside
from shared.runtime.every import Every
from shared.runtime.home import Home
from shared.runtime.keeping import Keeping
from shared.runtime.providers import Gating, gating
from shared.runtime.service import Runtime, Service
from shared.runtime.trust import https_context
from shared.telemetry import catalogue
from shared.telemetry.figures import Figure, Reading

ALLOWANCES = allowance.spec("allowances")


@dataclass(frozen=True)
class _Signing:
    """What requests are signed by, where it is kept, and what seals it there."""

    keyring: Keyring
    secrets: Stores
    sealing: Sealing


def compose(runtime: Runtime) -> Service:
    """The service with everything it needs. Raises WrongSettings."""
    settings = read_beside(DeliverySettings, SandboxDeliverySettings, sandbox=runtime.settings.sandbox)
    keeping = Keeping(runtime, SERVICE.name)
    known = _known(keeping)
    clients = keeping.documents(CLIENTS, KnownClients, silent=True)
    signing = _signing(runtime, keeping, settings, known)
    poster = _poster(runtime, settings)
    telling = Telling(runtime.publisher, keeping.outbox, runtime.ids)
    deaths = Deaths(runtime.publisher, keeping.outbox)
    means = Means(
        poster,
        signing.keyring,
        telling,
        deaths,
        runtime.clock,
        runtime.random,
        runtime.meter,
        known.progress,
        known.owner,
        settings.origin,
        runtime.settings.after_restore,
    )
    verifying = Verifying(poster, signing.keyring, runtime.clock, runtime.ids, known.owner, settings.origin)
    noting = Noting(known.states, verifying, runtime.queues, keeping.outbox, runtime.clock)
    hands = Hands()
    living = _living(runtime, keeping, signing.sealing, hands)
    resealing = Resealing(signing.secrets, signing.sealing, living, runtime.clock)
    watching = Watching(known, living, noting, queues=runtime.queues, means=means, service=SERVICE.name, hands=hands)
    measuring = Measuring(known, living, watching.stance, runtime.queues, runtime.clock)
    skipping = Skipping(known.progress, runtime.clock)
    configuring = Configuring(known.buses, clients)
    gated = gating(runtime, keeping, SERVICE.name, "releases")
    return keeping.service(
        table=table(configuring),
        router=routes(
            Looking(known.buses, known.states, clients, runtime.clock, lambda: hands.of_all(living.words or ())),
            Deciding(known.states, verifying, runtime.clock),
            signing.keyring,
            resealing,
            Burying(_letters(runtime), telling, skipping, runtime.clock),
            skipping,
            _consent(runtime, keeping, gated),
            runtime.queues,
            runtime.authenticator,
        ),
        tasks=(
            Every(PAUSE, watching.look, name="targets"),
            Every(TELLING_PAUSE, telling.flush, full=MOST, name="attempts"),
            Every(RESEALING_PAUSE, resealing.look, name="secrets"),
            Every(DEATHS_PAUSE, deaths.tell, name="deaths"),
            Every(CATCHING_UP_PAUSE, CatchingUp(configuring, keeping.outbox).look, name="buses"),
            *gated.tasks,
        ),
        figures=(_states(measuring), _queues(measuring), _under_way(hands)),
        closing=(watching.close, telling.drain, deaths.tell, poster.close),
    )


def _known(keeping: Keeping) -> Known:
    buses = keeping.documents(BUSES, KnownBus, silent=True)
    states = keeping.documents(TARGETS, TargetState)
    return Known(buses, states, keeping.documents(PROGRESS, Progress, wake=wakes, silent=True))


def _signing(runtime: Runtime, keeping: Keeping, settings: DeliverySettings, known: Known) -> _Signing:
    sealing = _sealing(runtime, settings)
    secrets = {name: keeping.documents(spec, Secrets, silent=True) for name, spec in SPECS.items()}
    keyring = {
        name: Keys(kept, sealing, SCHEMES[name], runtime.clock, known.owned_since) for name, kept in secrets.items()
    }
    return _Signing(keyring, secrets, sealing)


def _living(runtime: Runtime, keeping: Keeping, sealing: Sealing, hands: Hands) -> Living:
    """A process's word says by which master keys it opens, and what it has in hand."""
    replicas = keeping.collection(REPLICAS, silent=True)
    outages = keeping.documents(OUTAGES, Outages, silent=True)
    return Living(replicas, outages, runtime.clock, runtime.ids, lambda: {**word_of(sealing), **hands.word()})


def _letters(runtime: Runtime) -> BrokerLetters:
    home = Home(runtime.settings.milesaga_home)
    return BrokerLetters(lambda: own_broker_url(runtime.settings, home, SERVICE.name))


def _consent(runtime: Runtime, keeping: Keeping, gated: Gating) -> Consent:
    singles = Allowances(keeping.collection(ALLOWANCES, silent=True), runtime.clock)
    return Consent(gated.gate, singles, runtime.clock)


def _states(measuring: Measuring) -> Figure:
    async def read() -> Sequence[Reading]:
        return [Reading(catalogue.TARGET_STATE, (*place, state), 1) for place, state in measuring.states().items()]

    return read


def _queues(measuring: Measuring) -> Figure:
    async def read() -> Sequence[Reading]:
        readings = []
        for place, measured in (await measuring.queues()).items():
            readings.append(Reading(catalogue.TARGET_WAITING, place, measured.waiting))
            readings.append(Reading(catalogue.TARGET_DEAD, place, measured.dead))
            if measured.oldest is not None:
                readings.append(Reading(catalogue.TARGET_OLDEST, place, measured.oldest.total_seconds()))
        return readings

    return read


def _under_way(hands: Hands) -> Figure:
    async def read() -> Sequence[Reading]:
        return [
            Reading(catalogue.TARGET_IN_FLIGHT, place_of(target), hand.under_way)
            for target, hand in hands.now().items()
        ]

    return read


def _sealing(runtime: Runtime, settings: DeliverySettings) -> MasterKeySealing:
    """Beside the sandbox the services' own token will do, which all processes of a stack have."""
    master_key = settings.master_key or internal_token(runtime.settings, Home(runtime.settings.milesaga_home))
    return MasterKeySealing(master_key, settings.former_master_key)


def _poster(runtime: Runtime, settings: DeliverySettings) -> HttpPoster:
    places = Places(settings.networks, http=settings.allow_http, ports=settings.allow_ports)
    return HttpPoster(places, Strangers(https_context(runtime.settings.https_ca_file), places.allows))
