"""What people and programs do with requests. Texts and payloads are kept beside the log, before it tells of them."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from services.releases.cases.log import Done, Log
from services.releases.domain import commands as said
from services.releases.domain.bodies import check
from services.releases.domain.commands import By
from services.releases.domain.policy import Matching
from services.releases.domain.request import Request
from services.releases.domain.windows import Span
from services.releases.ports import BadGrant, Claims, Grants
from shared.kernel.digest import digest
from shared.kernel.ids import Ids, derived
from shared.kernel.values import Value
from shared.ledgerlog.leaves import SALT_SIZE, FreeText
from shared.store.documents import Conflict
from shared.store.repository import Repository


class KeptText(Value):
    """A free text under its salted hash. It can be erased: the log holds the hash alone."""

    schema_version: ClassVar[int] = 1
    id: str
    salt: str
    text: str


class Payload(Value):
    """What is to be run or done, under its digest."""

    schema_version: ClassVar[int] = 1
    id: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for. Persons are ids of the file of people."""

    key: str
    action: str
    environment: str
    target: str
    payload: Mapping[str, Any]
    reason: str
    initiator: str = ""
    authors: tuple[str, ...] = ()
    window: Span = field(default_factory=Span)
    replaces: str = ""
    body: str | None = None
    """The text of the request of ours that the payload names by its hash."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A grant, and what is about to be done with it; `key` names the attempt. `action` where it is known."""

    grant: str
    digest: str
    target: str
    key: str
    action: str | None = None
    environment: str = ""


@dataclass(slots=True)
class _Kept:
    """A free text that is about to be told of; `hash` is empty where there is none."""

    hash: str = ""
    is_in_vain: bool = False

    def told(self, done: Done) -> Done:
        """What was decided: a refusal, and a repetition, tell of no text."""
        facts = [value for entry in done.decision.entries for value in entry.facts.values()]
        self.is_in_vain = bool(self.hash) and self.hash not in facts
        return done


class Releasing:
    """Commands, each with what must stand beside it."""

    def __init__(
        self, log: Log, texts: Repository[KeptText], payloads: Repository[Payload], grants: Grants, ids: Ids
    ) -> None:
        self.log = log
        self.texts = texts
        self.payloads = payloads
        self._grants = grants
        self._ids = ids

    async def ask(self, by: By, asked: Asked) -> Done:
        """Idempotent by the person and the key. Raises WrongBody, NoCanonicalForm."""
        check(asked.payload, asked.body)
        id_ = derived("release", by.person, asked.key)
        named = digest(asked.payload)
        whole = {
            "action": asked.action,
            "environment": asked.environment,
            "target": asked.target,
            "payload": named,
            "reason": asked.reason,
            "initiator": asked.initiator,
            "authors": list(asked.authors),
            "window": asked.window.model_dump(mode="json"),
            "replaces": asked.replaces,
        }
        await self._keep(self.payloads, Payload(id=named, payload=asked.payload))
        async with self._kept(asked.reason) as reason, self._kept(asked.body or "") as body:
            command = said.Ask(
                id=id_,
                by=by,
                action=asked.action,
                environment=asked.environment,
                target=asked.target,
                digest=named,
                asked=digest(whole),
                reason=reason.hash,
                initiator=asked.initiator,
                authors=asked.authors,
                window=asked.window,
                replaces=asked.replaces,
                body=body.hash,
            )
            return body.told(reason.told(await self.log.tell(command)))

    async def approve(self, by: By, request: str, named: str) -> Done:
        return await self.log.tell(said.Approve(by, named), request)

    async def deny(self, by: By, request: str, named: str, reason: str) -> Done:
        async with self._kept(reason) as kept:
            return kept.told(await self.log.tell(said.Deny(by, named, kept.hash), request))

    async def withdraw(self, by: By, request: str) -> Done:
        return await self.log.tell(said.Withdraw(by), request)

    async def revoke(self, by: By, request: str, reason: str) -> Done:
        async with self._kept(reason) as kept:
            return kept.told(await self.log.tell(said.Revoke(by, kept.hash), request))

    async def grant(self, by: By, request: str, named: str) -> Done:
        return await self.log.tell(said.AskForGrant(by, named, self._ids.new()), request)

    async def break_glass(self, by: By, request: str, named: str, incident: str, reason: str) -> Done:
        async with self._kept(reason) as kept:
            command = said.BreakTheGlass(by, named, incident, kept.hash, self._ids.new())
            return kept.told(await self.log.tell(command, request))

    async def review(self, by: By, request: str, verdict: str, reason: str) -> Done:
        async with self._kept(reason) as kept:
            command = said.Look(by, "accepted" if verdict == "accepted" else "rejected", kept.hash)
            return kept.told(await self.log.tell(command, request))

    def signed(self, request: Request, at: datetime) -> str:
        """The grant that the request has."""
        if request.grant_until is None:
            raise LookupError("the request has no grant")
        claims = Claims(
            jti=request.jti,
            request=request.id,
            action=request.action,
            digest=request.digest,
            target=request.target,
            log_index=request.through,
            issued_at=at,
            until=request.grant_until,
        )
        return self._grants.signed(claims)

    async def redeem(self, by: By, shown: Shown) -> Done:
        """Raises BadGrant where it is none of ours, or for another action than that which is about to be done."""
        claims = self._grants.read(shown.grant)
        if shown.action is not None and claims.action != shown.action:
            raise BadGrant(expired=False)
        execution = derived("execution", claims.request, claims.jti, shown.key)
        command = said.Redeem(by, claims.jti, shown.digest, shown.target, shown.key, execution, shown.environment)
        return await self.log.tell(command, claims.request)

    async def outcome(self, by: By, request: str, execution: str, exit_code: int, summary: str) -> Done:
        async with self._kept(summary) as kept:
            return kept.told(await self.log.tell(said.Outcome(by, execution, exit_code, kept.hash), request))

    async def freeze(self, by: By, match: Matching, span: Span, reason: str) -> tuple[str, Done]:
        """The freeze's id."""
        id_ = self._ids.new()
        async with self._kept(reason) as kept:
            command = said.SetFreeze(by, id_, match, span.start, span.end, kept.hash)
            return id_, kept.told(await self.log.tell(command))

    async def thaw(self, by: By, freeze: str, redeemed: str) -> Done:
        """`redeemed`: the request whose grant allowed it, empty where nothing is gated."""
        return await self.log.tell(said.Thaw(by, freeze, redeemed))

    async def deactivate(self, by: By, person: str, reason: str) -> Done:
        async with self._kept(reason) as kept:
            return kept.told(await self.log.tell(said.Deactivate(by, person, kept.hash)))

    async def single(self, by: By, action: str, environment: str, target: str, act: str) -> Done:
        return await self.log.tell(said.DoSingly(by, action, environment, target, act))

    async def text(self, hash_: str) -> str | None:
        """The text of that hash; None where it was erased, or never was one."""
        stored = await self.texts.load(hash_) if hash_ else None
        return stored.value.text if stored else None

    async def erase(self, hash_: str) -> bool:
        """Forget a text for good. The log stays as it is, and so do its proofs. False where there is none."""
        stored = await self.texts.load(hash_)
        if stored is None:
            return False
        await self.texts.delete(stored)
        return True

    @asynccontextmanager
    async def _kept(self, text: str) -> AsyncIterator[_Kept]:
        """A text beside the log, before the log tells of it; forgotten again where it was decided not to."""
        kept = _Kept()
        if text:
            free = FreeText(secrets.token_hex(SALT_SIZE), text)
            kept.hash = free.hash
            await self._keep(self.texts, KeptText(id=free.hash, salt=free.salt, text=free.text))
        yield kept
        if kept.is_in_vain:
            await self.erase(kept.hash)

    async def _keep(self, documents: Repository[Any], document: Any) -> None:
        try:
            await documents.save(document, version=0)
        except Conflict:
            return  # it is there already: its name is what it says
