"""Dead letters of targets over HTTP."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Response
from pydantic import Field
from pydantic_core import from_json

from services.delivery.cases.burying import MOST, Burying
from services.delivery.cases.looking import Looking
from services.delivery.domain.letters import copy_of, told_of
from services.delivery.http.choosing import EXAMPLE, HANDLE, MOST_AGREED, Chosen, Consent
from services.delivery.http.owning import PATH, BusName, TargetName, own
from services.delivery.ports import InOtherHands
from shared.bus.dead_letters import BEFORE_ALL, DeadLetter, Place
from shared.bus.standing import BrokerAway
from shared.store.documents import After
from shared.web.answers import answer
from shared.web.auth import Caller
from shared.web.bodies import Shown
from shared.web.docs import READING, WRITING, answers
from shared.web.grants import Guard
from shared.web.pages import Cursor, Listing, NextCursor
from shared.web.problems import not_found, try_again
from shared.web.routes import Routes

BY_PLACE = Listing[DeadLetter](lambda letter: letter.place, (str, str))
LetterHandle = Annotated[str, Path(pattern=HANDLE, description="The letter's handle.", examples=[EXAMPLE])]


class ShownLetter(Shown):
    """A copy that was given up."""

    id: Annotated[str, Field(description="Its handle, the same at every look")]
    fingerprint: Annotated[str, Field(description="Of its fault: one of them is one thing to mend")]
    reason: Annotated[str, Field(description="Why it was given up")]
    attempts: Annotated[int, Field(description="How often it was tried")]
    first_failed_at: Annotated[datetime | None, Field(description="When it failed first")]
    last_failed_at: Annotated[datetime | None, Field(description="When it was given up")]
    hubid: Annotated[str | None, Field(description="The event's; null where the letter cannot be read")]
    event_id: Annotated[str | None, Field(description="As its partner gave it; as above")]
    type: Annotated[str | None, Field(description="The event's type; as above")]
    delivery_id: Annotated[str | None, Field(description="The `webhook-id` that it was sent under; as above")]
    can_be_sent: Annotated[bool, Field(description="Whether it can be redriven: else its event can be replayed")]


class ShownWhole(ShownLetter):
    """With the event, as a webhook would be sent it."""

    event: Annotated[dict[str, Any] | None, Field(description="Null where it was never made, or cannot be read")]


class ShownLetters(Shown):
    """The oldest first; their number stands in the target."""

    letters: Annotated[list[ShownLetter], Field(description=f"{MOST} at most")]
    next_cursor: NextCursor = None


class ShownSettled(Shown):
    """What became of letters that were chosen."""

    done: Annotated[int, Field(description="That went")]
    left: Annotated[int, Field(description="That stay, because nothing can be sent of them")]
    more: Annotated[bool, Field(description=f"After {MOST}, by a grant {MOST_AGREED}: ask again for the others")]


def routes(  # noqa: PLR0917 - as its caller has them
    router: Routes, looking: Looking, burying: Burying, consent: Consent, reader: Any, writer: Any
) -> None:
    """`/v1/hub/targets/{bus}/{target}/dead`."""
    _reading(router, looking, burying, reader)
    _settling(router, looking, burying, consent, writer)


def _reading(router: Routes, looking: Looking, burying: Burying, reader: Any) -> None:

    @router.get(f"{PATH}/dead", response_model=None, responses=answers(ShownLetters, *READING))
    async def list_letters(
        bus: BusName, target: TargetName, cursor: Cursor = None, caller: Caller = reader
    ) -> Response:
        """A target's dead letters, the oldest first. What dies meanwhile is on a later page."""

        async def page(after: After, limit: int) -> Sequence[DeadLetter]:
            await own(looking, bus, caller, "ops:read", target)
            return await burying.listed(bus, target, limit, _place(after))

        with _there():
            found, following = await BY_PLACE.page(cursor, MOST, page)
        return answer(ShownLetters(letters=[_shown(each) for each in found], next_cursor=following))

    @router.get(f"{PATH}/dead/{{letter}}", response_model=None, responses=answers(ShownWhole, *READING))
    async def read_letter(bus: BusName, target: TargetName, letter: LetterHandle, caller: Caller = reader) -> Response:
        """One of them, with its event."""
        await own(looking, bus, caller, "ops:read", target)
        with _there():
            found = await burying.letter(bus, target, letter)
        if found is None:
            raise not_found("letter")
        return answer(_whole(found))


def _place(after: After) -> Place:
    match after:
        case (str(at), str(handle)):
            return at, handle
    return BEFORE_ALL


def _settling(router: Routes, looking: Looking, burying: Burying, consent: Consent, writer: Any) -> None:
    @router.post(f"{PATH}/dead/redrive", response_model=None, responses=answers(ShownSettled, *WRITING))
    async def redrive_letters(
        bus: BusName,
        target: TargetName,
        body: Chosen,
        guard: Annotated[Guard, Depends(consent.retrying.guard)],
        caller: Caller = writer,
    ) -> Response:
        """Send them once more, each under a new `webhook-id`, with all of `retry_for` before it. Where gated, an
        operator's takes a grant for more than one letter."""
        known = await own(looking, bus, caller, "ops:write", target)
        choice, is_webhook = body.choice, known.targets[target].webhook is not None
        leave = await consent.redrive(caller, bus, target, body, guard)
        with _there():
            async with leave.guard():
                settled = await burying.redrive(bus, target, choice, leave.most, on_record=is_webhook)
        return answer(ShownSettled.model_validate(settled))

    @router.post(f"{PATH}/dead/discard", response_model=None, responses=answers(ShownSettled, *WRITING))
    async def discard_letters(
        bus: BusName,
        target: TargetName,
        body: Chosen,
        guard: Annotated[Guard, Depends(consent.discarding.guard)],
        caller: Caller = writer,
    ) -> Response:
        """Remove them for good; their events stay in the archive. Where gated, an operator's takes a grant."""
        await own(looking, bus, caller, "ops:write", target)
        choice = body.choice
        leave = await consent.discard(caller, body, guard)
        with _there():
            async with leave.guard():
                settled = await burying.discard(bus, target, choice, leave.most)
        return answer(ShownSettled.model_validate(settled))


@contextmanager
def _there() -> Iterator[None]:
    """Raises 503."""
    try:
        yield
    except BrokerAway as error:
        raise try_again("broker_unavailable", "The letters cannot be looked at now") from error
    except InOtherHands as error:
        raise try_again("unavailable", "Somebody else looks at these letters just now") from error


def _shown(letter: DeadLetter) -> ShownLetter:
    return ShownLetter(**_told(letter))


def _whole(letter: DeadLetter) -> ShownWhole:
    copy = copy_of(letter)
    return ShownWhole(**_told(letter), event=from_json(copy.structured()) if copy is not None else None)


def _told(letter: DeadLetter) -> dict[str, Any]:
    copy = told_of(letter)
    return {
        "id": letter.handle,
        "fingerprint": letter.fingerprint,
        "reason": letter.reason,
        "attempts": letter.attempts,
        "first_failed_at": letter.first_failed_at,
        "last_failed_at": letter.last_failed_at,
        "hubid": copy.hubid if copy is not None else None,
        "event_id": copy.attributes["id"] if copy is not None else None,
        "type": copy.attributes["type"] if copy is not None else None,
        "delivery_id": copy.deliveryid if copy is not None else None,
        "can_be_sent": copy_of(letter) is not None,
    }
