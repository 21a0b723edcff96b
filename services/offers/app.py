"""Composition root of the offers service."""

from datetime import timedelta

from services.offers.adapters.sabre_shopping import TOKENS, SabreShopping
from services.offers.cases.quoting import Quoting, Terms
from services.offers.domain import Offer
from services.offers.http.routes import routes
from services.offers.service import SERVICE
from services.offers.settings import OffersSettings, sabre_settings
from shared.outside.tokens import ClientCredentials
from shared.runtime.keeping import Keeping
from shared.runtime.providers import provider_line
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.store.documents import CollectionSpec
from shared.store.sweeping import sweeping_share


def compose(runtime: Runtime) -> Service:
    """The service with everything it needs. It takes no messages. Raises WrongSettings."""
    settings = read(OffersSettings)
    keeping = Keeping(runtime, SERVICE.name)
    kept = timedelta(seconds=settings.kept_seconds)
    offers = keeping.documents(CollectionSpec("offers"), Offer, wake=lambda offer: offer.expires_at + kept, silent=True)
    terms = Terms(
        offer_life=timedelta(seconds=settings.seconds),
        search_cache=timedelta(seconds=settings.search_cache_seconds),
        miles_per_hundred=settings.miles_per_hundred,
    )
    quoting = Quoting(_sabre(runtime, settings), offers, runtime.clock, runtime.ids, terms)
    share = sweeping_share("offers", "OFFERS_SWEEP_SHARE", settings.sweep_share)
    return keeping.service(
        router=routes(quoting, runtime.clock, runtime.authenticator),
        tasks=(keeping.sweeping(offers, share),),
    )


def _sabre(runtime: Runtime, settings: OffersSettings) -> SabreShopping:
    sabre = sabre_settings(runtime)
    line = provider_line(runtime, SERVICE.name, "sabre", sabre)
    credentials = ClientCredentials(
        line, TOKENS, sabre.client_id, sabre.client_secret.get_secret_value(), runtime.clock
    )
    return SabreShopping(
        line.adapted(credentials=credentials),
        sabre.pseudo_city,
        runtime.clock,
        timeout=timedelta(seconds=sabre.timeout_seconds),
        most_offers=settings.per_search,
        seats_per_segment=settings.seats_per_segment,
    )
