"""Targets over HTTP."""

from typing import Annotated, Any, Final

from fastapi import Query, Response
from pydantic import Field, StrictInt

from services.delivery.cases.burying import Burying
from services.delivery.cases.deciding import Deciding
from services.delivery.cases.keys import Keyring
from services.delivery.cases.looking import Looking
from services.delivery.cases.resealing import Resealing
from services.delivery.cases.skipping import Skipping
from services.delivery.domain.target import KnownBus
from services.delivery.http import keys, letters, sealing
from services.delivery.http.choosing import Consent
from services.delivery.http.owning import PATH, BusName, TargetName, only_webhooks, openable, own, own_listed
from services.delivery.http.showing import Shower
from services.delivery.http.views import ShownAgreement, ShownTarget, ShownTargets, Skipped
from shared.bus.standing import StandingQueues
from shared.contracts.buses import NAME
from shared.store.documents import After
from shared.store.repository import Stored
from shared.web.answers import answer
from shared.web.auth import Authenticator, Caller
from shared.web.bodies import Body
from shared.web.docs import READING, WRITING, answers
from shared.web.pages import Cursor, Listing
from shared.web.problems import not_found
from shared.web.routes import Routes

OfBus = Annotated[str | None, Query(pattern=NAME, description="Of this bus alone.", examples=["fuel"])]
LISTED: Final = 50
"""Buses on a page."""
BY_MARK = Listing[Stored[KnownBus]](lambda bus: (bus.value.mark, bus.value.id), (str, str))


class Skip(Body):
    """Which lane goes on."""

    lane: Annotated[
        str,
        Field(min_length=1, max_length=300, description="The copies' `lane`", examples=["coles:4711:5f0c2b7a91d4"]),
    ]
    through: Annotated[
        Annotated[StrictInt, Field(ge=1, le=2**53)] | None,
        Field(description="The last `laneseq` that is not waited for; null for the copy that blocks the lane"),
    ] = None


def routes(  # noqa: PLR0917 - its composition root has them in this order
    looking: Looking,
    deciding: Deciding,
    keyring: Keyring,
    resealing: Resealing,
    burying: Burying,
    skipping: Skipping,
    consent: Consent,
    queues: StandingQueues,
    authenticator: Authenticator,
) -> Routes:
    """Public, under `/v1/hub/targets`."""
    router = Routes("delivery")
    writer = authenticator.requires_one(("hub:write", "ops:write"))
    reader = authenticator.requires_one(("hub:read", "ops:read"))
    shower = Shower(looking, skipping, queues)
    _reading(router, looking, shower, reader)
    _deciding(router, looking, deciding, shower, writer)
    _skipping(router, looking, skipping, writer)
    _asking(router, looking, deciding, writer)
    keys.routes(router, looking, keyring, reader, writer)
    sealing.routes(router, resealing, authenticator.requires_one(("ops:read",)))
    letters.routes(router, looking, burying, consent, reader, writer)
    return router


def _reading(router: Routes, looking: Looking, shower: Shower, reader: Any) -> None:
    @router.get("/v1/hub/targets", response_model=None, responses=answers(ShownTargets, *READING))
    async def list_targets(bus: OfBus = None, cursor: Cursor = None, caller: Caller = reader) -> Response:
        """Targets; for whoever is no operator, those of its own buses."""
        if bus is not None:
            known = [await own(looking, bus, caller, "ops:read")]
            return answer(ShownTargets(targets=await shower.all_of(known)))

        async def page(after: After, limit: int) -> list[Stored[KnownBus]]:
            return await own_listed(looking, caller, "ops:read", after, limit)

        found, following = await BY_MARK.page(cursor, LISTED, page)
        seen = [each.value for each in found]
        return answer(ShownTargets(targets=await shower.all_of(seen), next_cursor=following))

    @router.get(PATH, response_model=None, responses=answers(ShownTarget, *READING))
    async def read_target(bus: BusName, target: TargetName, caller: Caller = reader) -> Response:
        """A target, and how it stands."""
        known = await own(looking, bus, caller, "ops:read", target)
        return answer(await shower.one(known, target))


def _deciding(router: Routes, looking: Looking, deciding: Deciding, shower: Shower, writer: Any) -> None:
    @router.post(f"{PATH}/pause", response_model=None, responses=answers(ShownTarget, *WRITING))
    async def pause_target(bus: BusName, target: TargetName, caller: Caller = writer) -> Response:
        """Send nothing; copies wait, and this time does not count for them."""
        known = await own(looking, bus, caller, "ops:write", target)
        only_webhooks(known, target)
        await deciding.pause(bus, target)
        return answer(await shower.one(known, target))

    @router.post(f"{PATH}/resume", response_model=None, responses=answers(ShownTarget, *WRITING))
    async def resume_target(bus: BusName, target: TargetName, caller: Caller = writer) -> Response:
        """Send again. An endpoint that was gone has to agree once more."""
        known = await own(looking, bus, caller, "ops:write", target)
        only_webhooks(known, target)
        await deciding.resume(bus, target)
        return answer(await shower.one(known, target))


def _skipping(router: Routes, looking: Looking, skipping: Skipping, writer: Any) -> None:
    @router.post(f"{PATH}/skip", response_model=None, responses=answers(Skipped, *WRITING))
    async def skip_copy(bus: BusName, target: TargetName, body: Skip, caller: Caller = writer) -> Response:
        """Have a key go on behind the copy that blocks it; that stays among the dead letters."""
        await own(looking, bus, caller, "ops:write", target)
        progress = await skipping.skip(bus, target, body.lane, body.through)
        if progress is None:
            raise not_found("lane")
        return answer(Skipped(lane=progress.lane, done=progress.done))


def _asking(router: Routes, looking: Looking, deciding: Deciding, writer: Any) -> None:
    @router.post(f"{PATH}/test", response_model=None, responses=answers(ShownAgreement, *WRITING))
    async def test_target(bus: BusName, target: TargetName, caller: Caller = writer) -> Response:
        """Send a signed `hub.test.v1`, and show how it was answered."""
        known = await own(looking, bus, caller, "ops:write", target)
        only_webhooks(known, target)
        with openable():
            agreed = await deciding.test(bus, target, known.targets[target])
        return answer(ShownAgreement.model_validate(agreed))

    @router.post(f"{PATH}/verify", response_model=None, responses=answers(ShownAgreement, *WRITING))
    async def verify_target(bus: BusName, target: TargetName, caller: Caller = writer) -> Response:
        """Ask the endpoint now whether it may be sent events."""
        known = await own(looking, bus, caller, "ops:write", target)
        only_webhooks(known, target)
        with openable():
            agreed = await deciding.verify(bus, target, known.targets[target])
        return answer(ShownAgreement.model_validate(agreed))
