"""Partners and types over HTTP."""

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Response

from services.hub.cases.registering import ClientTaken, Registry, UserTaken
from services.hub.cases.seeing import Seeing
from services.hub.domain.bus import OUR_OWN
from services.hub.domain.kind import Incompatible, Kind, steps_to
from services.hub.domain.listening import OUR_WORDS, is_ours
from services.hub.domain.partner import NAME, TYPE, Partner
from services.hub.http.bodies import PartnerBody, TypeBody
from services.hub.http.views import ShownPartner, ShownType
from shared.rules.faults import Invalid, pointer_to
from shared.rules.reading import check
from shared.schemas.schema import Schema, WrongSchema
from shared.store.repository import M, Stored
from shared.web.answers import answer, nothing
from shared.web.auth import Authenticator, Caller
from shared.web.docs import READING, WRITING, answers, problems
from shared.web.grants import Gate, Gated, Guard
from shared.web.preconditions import IfMatch, check_if_match
from shared.web.problems import Fault, Problem, invalid_field, invalid_parameter, not_found
from shared.web.routes import Routes

PartnerName = Annotated[str, Path(pattern=NAME, description="The partner.", examples=["coles"])]
TypeName = Annotated[str, Path(pattern=TYPE, description="The type.", examples=["retail.receipt.issued.v1"])]
Force = Annotated[
    bool,
    Query(description="Take a schema that is not proved to be compatible; it is on record. Takes a grant where gated."),
]
PARTNER_PATH = "/v1/hub/partners/{partner}"
TYPE_PATH = "/v1/hub/types/{type_name}"
PARTNER_CLIENTS = "hub.partner_clients"
"""Whoever is a partner's client speaks for it: that is power, and nobody gives it alone, least of all to himself. It is
taken away by any operator, and never comes back in this way: who was deleted is new."""
FORCING = "hub.force_type"
"""Whoever reads a type's events relies on its schema: to break it, or to take it away, is no operator's alone, where
acts are gated."""


def routes(
    router: Routes,
    registry: Registry,
    seeing: Seeing,
    authenticator: Authenticator,
    hear: Callable[[], Awaitable[None]],
    *,
    may_hash: bool,
    gate: Gate | None,
) -> None:
    """`/v1/hub/partners` and `/v1/hub/types`. `hear` listens to partners on the broker; `may_hash`: there is a
    key to digest by; `gate` keeps the grants, where acts are gated."""
    operator = authenticator.allowed("ops:write")
    reader = authenticator.requires_one(("hub:read", "ops:read"))
    forcing = Gated(FORCING, gate)
    _putting_partners(router, registry, operator, hear, Gated(PARTNER_CLIENTS, gate))
    _partners(router, registry, operator, reader)
    _putting_types(router, registry, operator, forcing, may_hash=may_hash)
    _types(router, registry, seeing, operator, reader, forcing)


def _putting_partners(
    router: Routes, registry: Registry, operator: Any, hear: Callable[[], Awaitable[None]], gated: Gated
) -> None:
    @router.put(PARTNER_PATH, response_model=None, responses=answers(ShownPartner, *WRITING, headers=("ETag",)))
    async def put_partner(
        partner: PartnerName,
        body: PartnerBody,
        guard: Annotated[Guard, Depends(gated.guard)],
        if_match: IfMatch = None,
        _: Caller = operator,
    ) -> Response:
        """Make a partner, or change it. Takes a grant, where gated, for clients and a user whom it had not: they
        publish as it, read its events, and settle its letters."""
        if partner == OUR_OWN:
            raise invalid_parameter("partner", "is the name that our own events have")
        _publishable(body)
        try:
            stored = await registry.put_partner(
                Partner(id=partner, **body.model_dump()), partial(check_if_match, if_match), guard
            )
        except ClientTaken as taken:
            fault = Fault("is a client of another partner", pointer=f"/clients/{taken.place}")
            raise Problem(409, "client_taken", "A client belongs to one partner", errors=[fault]) from taken
        except UserTaken as taken:
            fault = Fault("is the user of another partner", pointer="/broker_user")
            raise Problem(409, "client_taken", "A user of the broker belongs to one partner", errors=[fault]) from taken
        await hear()
        return answer(ShownPartner.model_validate(stored.value), revision=stored.version)


def _partners(router: Routes, registry: Registry, operator: Any, reader: Any) -> None:
    @router.get(PARTNER_PATH, response_model=None, responses=answers(ShownPartner, *READING, headers=("ETag",)))
    async def read_partner(partner: PartnerName, caller: Caller = reader) -> Response:
        """A partner; for whoever is no operator, its own."""
        stored = await registry.partners.load(partner)
        own = "ops:read" in caller.scopes or (stored is not None and caller.subject in stored.value.clients)
        if stored is None or not own:
            raise not_found("partner")
        return answer(ShownPartner.model_validate(stored.value), revision=stored.version)

    @router.delete(PARTNER_PATH, status_code=204, response_model=None, responses=problems(*WRITING))
    async def delete_partner(partner: PartnerName, if_match: IfMatch = None, _: Caller = operator) -> Response:
        """Forget a partner; what it sent stays in the archive."""
        stored = await registry.partners.load(partner)
        return await _forgotten("partner", stored, if_match, registry.forget_partner)


def _putting_types(router: Routes, registry: Registry, operator: Any, forcing: Gated, *, may_hash: bool) -> None:
    @router.put(
        TYPE_PATH,
        dependencies=[operator],
        response_model=None,
        responses=answers(ShownType, *WRITING, headers=("ETag",)),
    )
    async def put_type(
        type_name: TypeName,
        body: TypeBody,
        guard: Annotated[Guard, Depends(forcing.guard)],
        *,
        force: Force = False,
        if_match: IfMatch = None,
    ) -> Response:
        """Register a type, or change its schema to one that is proved to be compatible both ways."""
        schema = _schema(body)
        _personal(body, may_hash=may_hash)
        _ordered(type_name, body)
        kind = Kind(id=type_name, **body.model_dump())
        try:
            async with guard() if force else nullcontext():
                stored = await registry.put_kind(kind, schema, partial(check_if_match, if_match), force=force)
        except Incompatible as incompatible:
            raise Problem(
                409,
                "incompatible",
                f"{incompatible}. Make the next version of the type",
                errors=[Fault(reason, pointer="/schema") for reason in incompatible.reasons],
            ) from incompatible
        return answer(ShownType.model_validate(stored.value), revision=stored.version)


def _types(  # noqa: PLR0917 - `routes` alone calls it
    router: Routes, registry: Registry, seeing: Seeing, operator: Any, reader: Any, forcing: Gated
) -> None:
    @router.get(TYPE_PATH, response_model=None, responses=answers(ShownType, *READING, headers=("ETag",)))
    async def read_type(type_name: TypeName, caller: Caller = reader) -> Response:
        """A type with its schema; for a partner, one that it may publish or that its buses may bring it."""
        stored = await registry.kinds.load(type_name)
        own = "ops:read" in caller.scopes or await seeing.type_of(caller.subject, type_name)
        if stored is None or not own:
            raise not_found("type")
        return answer(ShownType.model_validate(stored.value), revision=stored.version)

    @router.delete(TYPE_PATH, status_code=204, response_model=None, responses=problems(*WRITING))
    async def delete_type(
        type_name: TypeName,
        guard: Annotated[Guard, Depends(forcing.guard)],
        if_match: IfMatch = None,
        _: Caller = operator,
    ) -> Response:
        """Forget a type: its events are unknown from now on, and its next schema need go with none that it had. Takes a
        grant where gated."""
        stored = await registry.kinds.load(type_name)
        return await _forgotten("type", stored, if_match, registry.kinds.delete, guard)


async def _forgotten(
    what: str,
    stored: Stored[M] | None,
    if_match: str | None,
    forget: Callable[[Stored[M]], Awaitable[None]],
    guard: Guard = nullcontext,
) -> Response:
    """The answer when it is deleted. Raises 404, 409, 412, 503."""
    if stored is None:
        raise not_found(what)
    check_if_match(if_match, stored.version)
    async with guard():
        await forget(stored)
    return nothing()


def _publishable(body: PartnerBody) -> None:
    """Raises 422: by the broker such events would be taken for our own messages."""
    for place, glob in enumerate(body.publishes):
        if is_ours(glob):
            words = ", ".join(sorted(OUR_WORDS))
            raise invalid_field(f"/publishes/{place}", f"must begin with another word than our own types do: {words}")


def _personal(body: TypeBody, *, may_hash: bool) -> None:
    """Raises 422."""
    if body.personal and body.redact is None:
        raise invalid_field("/personal", "Say redact: what is personal is not kept as it is", "not_available")
    if body.redact == "hash" and not may_hash:
        raise invalid_field("/redact", "There is no key to digest by: HUB_REDACTION_KEY", "not_available")
    for place, pointer in enumerate(body.personal):
        if any(step.isdecimal() for step in pointer.split("/")):
            raise invalid_field(f"/personal/{place}", "must name fields: it is true of all elements of a list")


def _ordered(name: str, body: TypeBody) -> None:
    """Raises 422."""
    if body.ordered_by is None:
        return
    if is_ours(name):
        raise invalid_field("/ordered_by", "must be left out: events of our own come from the broker in no order")
    key = pointer_to(steps_to(body.ordered_by))
    lost = [each for each in body.personal if key.startswith(f"{each}/") or (key == each and body.redact == "drop")]
    if lost:
        raise invalid_field("/ordered_by", f"must be something that is kept: of {lost[0]} nothing is that could order")


def _schema(body: TypeBody) -> Schema:
    """The schema, and examples that it is true of. Raises 422."""
    try:
        schema = Schema(body.schema_document)
    except WrongSchema as wrong:
        faults = [Fault(fault.detail, pointer=f"/schema{fault.pointer}") for fault in wrong.faults]
        raise Problem(422, "invalid_request", "The schema is not one that is taken", errors=faults) from wrong
    try:
        check(list(body.examples))
    except Invalid as invalid:
        faults = [Fault(f"must have {fault.expected}", pointer=f"/examples{fault.pointer}") for fault in invalid.faults]
        raise Problem(422, "invalid_request", "An example is no JSON that is taken", errors=faults) from invalid
    faults = [
        Fault(fault.detail, pointer=f"/examples/{place}{fault.pointer}")
        for place, example in enumerate(body.examples)
        for fault in schema.faults(example)
    ]
    if faults:
        raise Problem(422, "invalid_request", "An example is not valid by the schema", errors=faults)
    return schema
