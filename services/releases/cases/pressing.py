"""Somebody pressed a button in the chat, or said in a modal why not."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal

from pydantic import AwareDatetime

from services.releases.cases.chatting import Aside
from services.releases.cases.log import Done
from services.releases.cases.releasing import Releasing
from services.releases.domain.commands import By
from services.releases.domain.subjects import Subject, Subjects
from services.releases.ports import Chat, Place
from shared.kernel.clock import Clock
from shared.kernel.values import Value
from shared.store.documents import Conflict
from shared.store.repository import Repository

VIA: Final = "chat"
REMEMBERED: Final = timedelta(minutes=11)
"""A signature is good for five minutes before and after its time: so long none of them is taken twice."""
WORDS: Final = {
    "self_approval": "You asked for this, or have a part in it: somebody else must agree.",
    "not_an_approver": "You are not among those who may agree to this.",
    "inactive": "Your approvals count no longer.",
    "via_not_allowed": "This must not be decided in chat.",
    "closed": "This is over: it was decided, withdrawn, or another request took its place.",
    "expired": "This has expired.",
    "already_executing": "It runs already.",
    "payload_changed": "The request is for something else than this message shows.",
    "not_found": "There is no such request.",
}


class SeenCallback(Value):
    """A signature that was taken. It is forgotten when its time is over."""

    schema_version: ClassVar[int] = 1
    id: str
    forget_at: AwareDatetime


@dataclass(frozen=True, slots=True)
class Press:
    """One press. `trigger` opens one modal."""

    user: str
    verb: Literal["approve", "deny"]
    subject: Subject
    place: Place
    trigger: str


class Pressing:
    """Decides in the callback's own request, so that who pressed has been heard when it is answered."""

    def __init__(
        self, releasing: Releasing, chat: Chat, seen: Repository[SeenCallback], subjects: Subjects, clock: Clock
    ) -> None:
        self.subjects = subjects
        self.aside = Aside()
        self._releasing, self._chat, self._seen, self._clock = releasing, chat, seen, clock

    async def is_new(self, signature: str) -> bool:
        """False for one that was taken before, by whichever replica."""
        try:
            await self._seen.save(SeenCallback(id=signature, forget_at=self._clock.now() + REMEMBERED), version=0)
        except Conflict:
            return False
        return True

    async def press(self, press: Press) -> None:
        """An approval is decided; a denial wants to hear why first. Raises Conflict and Unavailable."""
        subject = press.subject
        if press.verb == "deny":
            written = self.subjects.written(subject)
            self.aside.tell(lambda: self._chat.ask_why(press.trigger, written))
            return
        done = await self._releasing.approve(self._by(press.user), subject.request, subject.digest)
        if refusal := _why_not(done):
            self.aside.tell(lambda: self._chat.whisper(press.place, press.user, refusal))

    async def deny(self, user: str, subject: Subject, reason: str) -> str:
        """Why that is not possible; empty where it was done."""
        return _why_not(await self._releasing.deny(self._by(user), subject.request, subject.digest, reason))

    def _by(self, user: str) -> By:
        """The person of the file; somebody who stands in none may do nothing, and the log tells that he tried."""
        return By(self._releasing.log.rules.people.of_chat(user) or f"chat:{user}", VIA)


def _why_not(done: Done) -> str:
    refusal = done.decision.refusal
    return "" if refusal is None else WORDS.get(refusal.code, refusal.detail)


def forget_at(seen: SeenCallback) -> datetime:
    return seen.forget_at
