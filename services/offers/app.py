"""Composition root of the offers service."""

from datetime import timedelta

from services.offers.adapters.sabre_client import SabreClient
from services.offers.adapters.sabre_shopping import SabreShopping
from services.offers.cases.quoting import Quoting, Terms
from services.offers.domain import Offer
from services.offers.http.routes import routes
from services.offers.settings import OffersSettings, sabre_settings
from shared.runtime.service import Runtime, Service
from shared.runtime.settings import read
from shared.store.documents import CollectionSpec
from shared.store.repository import Repository
from shared.store.sweeping import Sweeper

NAME = "offers"


def compose(runtime: Runtime) -> Service:
    """The service with everything it needs. It takes no messages. Raises WrongSettings."""
    settings = read(OffersSettings)
    store = runtime.store(NAME)
    kept = timedelta(seconds=settings.kept_seconds)
    offers = Repository(
        store.collection(CollectionSpec("offers")),
        Offer,
        key=lambda offer: offer.id,
        wake=lambda offer: offer.expires_at + kept,
    )
    terms = Terms(
        offer_life=timedelta(seconds=settings.seconds),
        search_cache=timedelta(seconds=settings.search_cache_seconds),
        miles_per_hundred=settings.miles_per_hundred,
    )
    quoting = Quoting(_sabre(runtime, settings), offers, runtime.clock, runtime.ids, terms)
    return Service(
        name=NAME,
        router=routes(quoting, runtime.clock, runtime.authenticator),
        store=store,
        tasks=[Sweeper(offers, runtime.clock).run],
    )


def _sabre(runtime: Runtime, settings: OffersSettings) -> SabreShopping:
    sabre = sabre_settings(runtime)
    client = SabreClient(
        runtime.http(str(sabre.url).rstrip("/"), sabre.timeout_seconds),
        sabre.client_id,
        sabre.client_secret.get_secret_value(),
        runtime.clock,
        sabre.timeout_seconds,
    )
    return SabreShopping(
        client,
        sabre.pseudo_city,
        runtime.clock,
        most_offers=settings.per_search,
        seats_per_segment=settings.seats_per_segment,
    )
