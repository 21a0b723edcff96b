"""Targets over HTTP."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import Query, Response

from services.delivery.cases.burying import Burying
from services.delivery.cases.deciding import Deciding
from services.delivery.cases.keys import Keyring
from services.delivery.cases.looking import Looking
from services.delivery.domain.state import TargetState
from services.delivery.domain.target import WITH_QUEUES, KnownBus, target_id
from services.delivery.http import keys, letters
from services.delivery.http.choosing import Consent
from services.delivery.http.owning import PATH, BusName, TargetName, may, only_webhooks, own
from services.delivery.http.views import ShownAgreement, ShownTarget, ShownTargets
from shared.bus.measuring import Depth
from shared.bus.standing import BrokerAway, StandingQueues
from shared.contracts.buses import NAME
from shared.contracts.copies import dead_target_queue, target_queue
from shared.kernel.values import changed
from shared.store.documents import After
from shared.store.repository import Stored
from shared.web.answers import answer
from shared.web.auth import Authenticator, Caller
from shared.web.docs import READING, WRITING, answers
from shared.web.pages import Cursor, Listing
from shared.web.routes import Routes

OfBus = Annotated[str | None, Query(pattern=NAME, description="Of this bus alone.", examples=["fuel"])]
LISTED: Final = 50
"""Buses on a page."""
BY_MARK = Listing[Stored[KnownBus]](lambda bus: (bus.value.mark, bus.value.id), (str, str))


def routes(  # noqa: PLR0917 - its composition root has them in this order
    looking: Looking,
    deciding: Deciding,
    keyring: Keyring,
    burying: Burying,
    consent: Consent,
    queues: StandingQueues,
    authenticator: Authenticator,
) -> Routes:
    """Public, under `/v1/hub/targets`."""
    router = Routes("delivery")
    writer = authenticator.requires_one(("hub:write", "ops:write"))
    reader = authenticator.requires_one(("hub:read", "ops:read"))
    _reading(router, looking, queues, reader)
    _deciding(router, looking, deciding, queues, writer)
    _asking(router, looking, deciding, writer)
    keys.routes(router, looking, keyring, reader, writer)
    letters.routes(router, looking, burying, consent, reader, writer)
    return router


def _reading(router: Routes, looking: Looking, queues: StandingQueues, reader: Any) -> None:
    @router.get("/v1/hub/targets", response_model=None, responses=answers(ShownTargets, *READING))
    async def list_targets(bus: OfBus = None, cursor: Cursor = None, caller: Caller = reader) -> Response:
        """Targets; for whoever is no operator, those of its own buses."""
        if bus is not None:
            known = [await own(looking, bus, caller, "ops:read")]
            return answer(ShownTargets(targets=await _shown(looking, known, queues)))

        async def page(after: After, limit: int) -> list[Stored[KnownBus]]:
            return await looking.listed(after, limit)

        found, following = await BY_MARK.page(cursor, LISTED, page)
        seen = [each.value for each in found if await may(looking, each.value, caller, "ops:read")]
        return answer(ShownTargets(targets=await _shown(looking, seen, queues), next_cursor=following))

    @router.get(PATH, response_model=None, responses=answers(ShownTarget, *READING))
    async def read_target(bus: BusName, target: TargetName, caller: Caller = reader) -> Response:
        """A target, and how it stands."""
        known = await own(looking, bus, caller, "ops:read", target)
        return answer(await _one(looking, known, target, queues))


def _deciding(router: Routes, looking: Looking, deciding: Deciding, queues: StandingQueues, writer: Any) -> None:
    @router.post(f"{PATH}/pause", response_model=None, responses=answers(ShownTarget, *WRITING))
    async def pause_target(bus: BusName, target: TargetName, caller: Caller = writer) -> Response:
        """Send nothing; copies wait, and this time does not count for them."""
        known = await own(looking, bus, caller, "ops:write", target)
        only_webhooks(known, target)
        await deciding.pause(bus, target)
        return answer(await _one(looking, known, target, queues))

    @router.post(f"{PATH}/resume", response_model=None, responses=answers(ShownTarget, *WRITING))
    async def resume_target(bus: BusName, target: TargetName, caller: Caller = writer) -> Response:
        """Send again. An endpoint that was gone has to agree once more."""
        known = await own(looking, bus, caller, "ops:write", target)
        only_webhooks(known, target)
        await deciding.resume(bus, target)
        return answer(await _one(looking, known, target, queues))


def _asking(router: Routes, looking: Looking, deciding: Deciding, writer: Any) -> None:
    @router.post(f"{PATH}/test", response_model=None, responses=answers(ShownAgreement, *WRITING))
    async def test_target(bus: BusName, target: TargetName, caller: Caller = writer) -> Response:
        """Send a signed `hub.test.v1`, and show how it was answered."""
        known = await own(looking, bus, caller, "ops:write", target)
        only_webhooks(known, target)
        agreed = await deciding.test(bus, target, known.targets[target])
        return answer(ShownAgreement.model_validate(agreed))

    @router.post(f"{PATH}/verify", response_model=None, responses=answers(ShownAgreement, *WRITING))
    async def verify_target(bus: BusName, target: TargetName, caller: Caller = writer) -> Response:
        """Ask the endpoint now whether it may be sent events."""
        known = await own(looking, bus, caller, "ops:write", target)
        only_webhooks(known, target)
        agreed = await deciding.verify(bus, target, known.targets[target])
        return answer(ShownAgreement.model_validate(agreed))


async def _one(looking: Looking, known: KnownBus, target: str, queues: StandingQueues) -> ShownTarget:
    alone = changed(known, targets={target: known.targets[target]})
    return (await _shown(looking, [alone], queues))[0]


async def _shown(looking: Looking, buses: Sequence[KnownBus], queues: StandingQueues) -> list[ShownTarget]:
    """Where the broker is away, what waits cannot be seen."""
    places = [(bus.id, name) for bus in buses for name, each in bus.targets.items() if each.kind in WITH_QUEUES]
    wanted = [queue for place in places for queue in (target_queue(*place), dead_target_queue(*place))]
    try:
        depths = await queues.standing(wanted) if wanted else {}
    except BrokerAway:
        depths = {}
    states = await looking.standing(buses)
    return [
        _target(bus, name, states[target_id(bus.id, name)], depths, looking.clock.now())
        for bus in buses
        for name in bus.targets
    ]


def _target(bus: KnownBus, name: str, state: TargetState, depths: Mapping[str, Depth], now: datetime) -> ShownTarget:
    terms = bus.targets[name]

    def messages(queue: str) -> int | None:
        return depth.messages if (depth := depths.get(queue)) is not None else None

    shown = state.shown(terms, now)
    since = {"paused": state.paused_since, "gone": state.gone_since, "failing": state.failing_since}
    return ShownTarget(
        bus=bus.id,
        name=name,
        partner=bus.partner,
        revision=bus.revision,
        kind=terms.kind,
        state=shown,
        since=since.get(shown),
        fault=state.fault,
        waiting=messages(target_queue(bus.id, name)),
        dead=messages(dead_target_queue(bus.id, name)),
    )
