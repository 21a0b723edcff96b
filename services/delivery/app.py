"""Composition root of delivery."""

from services.delivery.adapters.hub_http import HubOverHttp
from services.delivery.adapters.posting import HttpPoster
from services.delivery.adapters.sealing import MasterKeySealing
from services.delivery.cases.configuring import Configuring
from services.delivery.cases.keys import Keys
from services.delivery.cases.looking import Looking
from services.delivery.cases.sending import Means
from services.delivery.cases.telling import MOST, Telling
from services.delivery.cases.telling import PAUSE as TELLING_PAUSE
from services.delivery.cases.watching import BUSES, PAUSE, Watching
from services.delivery.domain.places import Places
from services.delivery.domain.target import KnownBus, Secrets
from services.delivery.handlers import table
from services.delivery.http.routes import routes
from services.delivery.service import SERVICE
from services.delivery.settings import DeliverySettings, SandboxDeliverySettings
from shared.outside.strangers import Strangers
from shared.runtime.configuration import read_beside
from shared.runtime.every import Every
from shared.runtime.home import Home
from shared.runtime.keeping import Keeping
from shared.runtime.providers import neighbor
from shared.runtime.service import Runtime, Service
from shared.runtime.trust import https_context
from shared.store.documents import CollectionSpec

SECRETS = CollectionSpec("secrets")
MASTER_KEY = "delivery-master.key"


def compose(runtime: Runtime) -> Service:
    """The service with everything it needs. Raises WrongSettings."""
    settings = read_beside(DeliverySettings, SandboxDeliverySettings, sandbox=runtime.settings.sandbox)
    keeping = Keeping(runtime, SERVICE.name)
    buses = keeping.documents(BUSES, KnownBus, silent=True)
    secrets = keeping.documents(SECRETS, Secrets, silent=True)
    keys = Keys(
        secrets,
        MasterKeySealing(settings.master_key or Home(runtime.settings.milesaga_home).secret(MASTER_KEY)),
        runtime.clock,
    )
    telling = Telling(runtime.publisher, keeping.outbox, runtime.ids)
    places = Places(settings.networks, http=settings.allow_http, ports=settings.allow_ports)
    poster = HttpPoster(places, Strangers(https_context(runtime.settings.https_ca_file), places.allows))
    means = Means(poster, keys, telling, runtime.clock, runtime.random, settings.origin)
    watching = Watching(buses, runtime.queues, means, SERVICE.name)
    partners = HubOverHttp(neighbor(runtime, "hub", settings.hub_timeout_seconds))
    return keeping.service(
        table=table(Configuring(buses)),
        router=routes(Looking(buses, partners), keys, runtime.queues, runtime.authenticator),
        tasks=(
            Every(PAUSE, watching.look, name="targets"),
            Every(TELLING_PAUSE, telling.flush, full=MOST, name="attempts"),
        ),
        closing=(watching.close, telling.drain, poster.close),
    )
