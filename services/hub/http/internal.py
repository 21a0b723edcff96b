"""What other services ask the hub."""

from base64 import urlsafe_b64decode

from fastapi import Request, Response

from services.hub.cases.applying import Applying
from services.hub.cases.registering import Registry
from shared.contracts.buses import BusRevision
from shared.contracts.hub import ClientOf
from shared.web.answers import answer
from shared.web.auth import Authenticator
from shared.web.problems import not_found
from shared.web.routes import Routes


def routes(router: Routes, applying: Applying, registry: Registry, authenticator: Authenticator) -> None:
    """`/internal/hub`."""

    @router.internal("/internal/hub/buses/{bus}", authenticator)
    async def bus(request: Request) -> Response:
        kept = await applying.buses.load(str(request.path_params["bus"]))
        if kept is None or kept.value.terms is None:
            raise not_found("bus")
        told = kept.value
        since, at = await applying.owned_since(told)
        return answer(
            BusRevision(
                bus=told.id,
                revision=told.revision,
                terms=kept.value.terms,
                ordered=told.ordered,
                owned_since=since,
                owned_at=at,
            )
        )

    @router.internal("/internal/hub/buses/{bus}/revisions/{revision:int}", authenticator)
    async def revision(request: Request) -> Response:
        name, number = str(request.path_params["bus"]), int(request.path_params["revision"])
        terms = await applying.revision(name, number)
        if terms is None:
            raise not_found("revision")
        return answer(BusRevision(bus=name, revision=number, terms=terms))

    @router.internal("/internal/hub/clients/{client}", authenticator)
    async def client(request: Request) -> Response:
        """The subject, in base64 for URLs, without padding: it may have any printable character."""
        partner = await registry.partner_of(_text(str(request.path_params["client"])))
        if partner is None:
            raise not_found("client")
        return answer(ClientOf(partner=partner.id))


def _text(packed: str) -> str:
    try:
        return urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
    except ValueError as error:
        raise not_found("client") from error
