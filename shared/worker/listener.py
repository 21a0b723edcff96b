"""An effect once per event, or per command that is no step: under the rules of a purchase's steps, answering nobody.

An intent is saved before the call, whoever finds one open looks before anybody calls again, and an event that comes
twice takes effect once. What cannot be handled now comes back by itself.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from shared.bus.dispatch import Handler
from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import Message
from shared.contracts.steps import Command
from shared.worker.effect import Done, Effect, Repeatable, W
from shared.worker.participant import Participant
from shared.worker.work import Heard

M = TypeVar("M", bound=Message)
Changes = Mapping[str, Any]
"""The document's fields that an effect changes."""


class Occasion(Command):
    """What a worker's log knows of a message that is no step: its subject, its kind, and which of them it is."""

    type: ClassVar[str] = "worker.occasion.v1"


@dataclass(frozen=True)
class Reaction(Generic[W, M]):
    """What is done about a message, through a provider whose calls cannot simply be repeated.

    `call(work, message, key)` acts, `key` being the provider's idempotency key; `find` tells what the last call did,
    None when it certainly had no effect. Both tell the fields of the document that change, and raise what the call and
    the look of an `Effect` do. Refused is final: it is put on record, and the message counts as handled.
    """

    call: Callable[[W, M, str], Awaitable[Changes]]
    find: Callable[[W, M, str], Awaitable[Changes | None]]
    calls: int = 3
    """After so many calls that had no effect it is given up, which the log remembers."""


@dataclass(frozen=True)
class RepeatableReaction(Generic[W, M]):
    """What may be done any number of times with the effect of one: it needs no intent."""

    act: Callable[[W, M], Awaitable[Changes]]


def whole(_message: Message) -> str:
    """One message of its kind per subject."""
    return ""


def first(_message: Message) -> int:
    return 1


class Listener(Generic[W]):
    """Makes handlers of messages that are no steps, on a participant's documents."""

    def __init__(self, participant: Participant[W]) -> None:
        self._participant = participant

    def once(
        self,
        reaction: Reaction[W, M] | RepeatableReaction[W, M],
        *,
        key: Callable[[M], str] = lambda message: message.subject,
        part: Callable[[M], str] = whole,
        attempt: Callable[[M], int] = first,
    ) -> Handler:
        """The handler of a message. `key` tells the id of the document it works on; subject, kind, `part` and `attempt`
        together are what is done once. Of two attempts at the same part the newer counts."""

        async def handle(message: M, envelope: Envelope) -> None:
            occasion = Occasion(
                purchase_id=message.subject, step=message.type, part=part(message), attempt=attempt(message)
            )
            await self._participant.carry_out(key(message), occasion, _effect(reaction, message), envelope)

        return handle


def _effect(
    reaction: Reaction[W, M] | RepeatableReaction[W, M], message: M
) -> Effect[W, Occasion] | Repeatable[W, Occasion]:
    """The reaction to this message, as the participant carries it out."""
    match reaction:
        case RepeatableReaction():

            async def act(work: W, occasion: Occasion) -> Done:
                return Done(Heard.to(occasion), await reaction.act(work, message))

            return Repeatable(act, asked_again=False)
        case Reaction():

            async def call(work: W, occasion: Occasion, key: str) -> Done:
                return Done(Heard.to(occasion), await reaction.call(work, message, key))

            async def find(work: W, occasion: Occasion, key: str) -> Done | None:
                changes = await reaction.find(work, message, key)
                return None if changes is None else Done(Heard.to(occasion), changes)

            return Effect(call, find, calls=reaction.calls, asked_again=False)
