"""Buses are changed: a file becomes the next revision, whole, or nothing of it does."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.hub.cases.in_force import MARKS, OWNERS, InForce
from services.hub.cases.registering import Check, Registry
from services.hub.cases.revisions import Revisions
from services.hub.cases.seeing import Seeing
from services.hub.cases.tidying import full_ones
from services.hub.domain.bus import (
    OUR_OWN,
    Change,
    KeptBus,
    changes,
    following,
    for_operators,
    leaving,
    left_by,
    names_too_many,
    queued,
    queues_of,
    same,
    targets_of,
)
from services.hub.domain.webhooks import without_effect, wrong_webhooks
from shared.bus.outbox import Outbox
from shared.bus.standing import StandingQueues
from shared.contracts.buses import MOST_BUSES, BusTerms
from shared.contracts.hub import BusChanged
from shared.kernel.clock import Clock, running_seconds
from shared.kernel.values import changed
from shared.routing.compiling import EVERYBODY, Rules, rules_of
from shared.routing.trying import failing
from shared.routing.wrong import INVALID, WrongBus
from shared.rules.faults import Fault, JsonPath, pointer_to
from shared.store.documents import After, Conflict
from shared.store.repository import Repository, Stored
from shared.web.problems import Fault as WebFault

DRAINS: Final = 20.0
"""Seconds that a bus which is to go waits for its queues to be empty, where that is asked."""
LOOKS: Final = 0.2
GOES: Final = timedelta(minutes=1)
"""Longer than the taking away of queues lasts; whoever died in between is not waited for any longer."""


OF_A_PARTNER: Final = 50
"""Names that a partner may take by itself: each may have 64 targets, with two queues each."""

LOOKED_AT: Final = 200
"""Revisions that are read to learn whose a bus was."""


class NotEmpty(Exception):
    """Copies wait in queues that would be taken away; `queues` names them."""

    def __init__(self, queues: Sequence[str]) -> None:
        super().__init__(", ".join(queues))
        self.queues = queues


class TooMany(Exception):
    """No more names of buses may be taken: by this partner, or at all."""

    def __init__(self, most: int) -> None:
        super().__init__(f"at most {most} buses")
        self.most = most


class TooManyLeft(Exception):
    """The bus names targets anew, while queues of many that it has left out wait to be taken away."""


class Going(Exception):
    """The queue of a target that is to be there again is being taken away."""


class ForOperators(Exception):
    """Parts of the file are not for its partner to write."""

    def __init__(self, faults: Sequence[WebFault]) -> None:
        super().__init__("for operators")
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Who:
    """Who changes a bus: a partner of that name, or an operator."""

    subject: str
    partner: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file would do. `queues` are those to be made."""

    changes: Sequence[Change]
    queues: Sequence[str]
    cost: int


@dataclass(frozen=True, slots=True)
class Applied:
    """The bus from now on; `active` where every living replica goes by it."""

    stored: Stored[KeptBus]
    active: bool


@dataclass(frozen=True)
class Applying:
    """Carries changes of buses out. What asks the broker raises BrokerAway, the store Unavailable."""

    buses: Repository[KeptBus]
    past: Revisions
    registry: Registry
    in_force: InForce
    queues: StandingQueues
    outbox: Outbox
    clock: Clock

    @property
    def seeing(self) -> Seeing:
        return Seeing(self.registry, self.buses)

    async def plan(self, name: str, terms: BusTerms, who: Who, check: Check) -> Plan:
        """What `put` would do, found in the same way. Raises as `put`."""
        kept, rules = await self._judged(name, terms, who, check)
        wanted = queues_of(name, queued(terms))
        there = await self.queues.standing(wanted)
        missing = [queue for queue in wanted if queue not in there]
        return Plan(changes(kept.value.terms if kept else None, terms), missing, rules.cost)

    async def put(self, name: str, terms: BusTerms, who: Who, check: Check) -> Applied:
        """Raises WrongBus, ForOperators, TooMany, TooManyLeft, Going, NotEmpty, Conflict, and what `check` raises."""
        kept, _ = await self._judged(name, terms, who, check)
        await self.queues.make_targets([(name, target) for target in queued(terms)])
        if kept is not None and same(kept.value.terms, terms):
            return await self._applied(kept)
        try:
            return await self._save(kept, name, terms, who)
        except Conflict:
            await self.buses.change(name, lambda now: self._left_behind(now, terms))
            raise

    def _left_behind(self, kept: KeptBus | None, terms: BusTerms) -> KeptBus:
        """What somebody else, who was faster, made of the bus. Its queues that were made for `terms` are taken away."""
        if kept is None:
            raise Conflict("a bus that is no more")
        after = leaving(kept, queued(terms), self.clock.now())
        return kept if after == kept else after

    async def roll_back(self, name: str, revision: int, who: Who, check: Check) -> Applied | None:
        """Put what an earlier revision said; None where there is no such one, or it was another partner's. Raises as
        `put`."""
        terms = await self.revision(name, revision)
        if terms is None or who.partner not in {None, terms.partner}:
            return None
        return await self.put(name, terms, who, check)

    async def delete(self, kept: Stored[KeptBus], who: Who, *, drain: bool) -> None:
        """The bus routes no more, and is forgotten when nothing of it waits. Raises NotEmpty: then it may be off.

        Its queues are there for a while yet: somebody may have a copy in hand, and put it back.
        """
        terms = kept.value.terms
        if terms is None:
            return
        queues = queues_of(kept.value.id, queued(terms))
        if not drain:
            await self._must_be_empty(queues)
        if terms.enabled:
            off = changed(terms, enabled=False)
            applied = await self._save(kept, kept.value.id, off, who)
            kept = applied.stored
            if not applied.active:
                raise NotEmpty(["replicas still go by its rules"])
        await self._must_be_empty(queues, DRAINS if drain else 0.0)
        await self._save(kept, kept.value.id, None, who)

    async def listed(self, owner: str | None, after: After, limit: int) -> list[Stored[KeptBus]]:
        """By their names, also those that were deleted; `owner`'s alone, where it is not None."""
        if owner is None:
            return await self.buses.find(MARKS, (), limit=limit, after=after)
        return await self.buses.find(OWNERS, (owner,), limit=limit, after=after)

    async def revision(self, name: str, revision: int) -> BusTerms | None:
        """What a bus says or said by that revision; None where there is none, or it had said nothing any more."""
        kept = await self.buses.load(name)
        if kept is not None and kept.value.revision == revision:
            return kept.value.terms
        return await self.past.terms(name, revision)

    async def owned_since(self, kept: KeptBus) -> tuple[int, datetime]:
        """By which revision, and when, it became its owner's. Where its document does not say so, by as many of the
        revisions before as are looked at."""
        if kept.owned_since is not None and kept.owned_at is not None:
            return kept.owned_since, kept.owned_at
        since = kept.revision, kept.at
        for past in await self.past.listed(kept.id, None, LOOKED_AT):
            if past.value.terms is not None:
                if past.value.terms.partner != kept.owner:
                    break
                since = past.value.revision, past.value.at
        return since

    async def _judged(self, name: str, terms: BusTerms, who: Who, check: Check) -> tuple[Stored[KeptBus] | None, Rules]:
        kept = await self.buses.load(name)
        old = kept.value.terms if kept else None
        check(kept.version if kept and old else None)
        if who.partner is not None and (faults := for_operators(old, terms)):
            raise ForOperators(faults)
        if kept is None:
            await self._must_have_room(who)
        rules = await self._rules(name, terms, who)
        here = queued(terms)
        going = kept.value.going if kept else {}
        if any(target in here and since + GOES > self.clock.now() for target, since in going.items()):
            raise Going
        if names_too_many(kept.value if kept else None, terms):
            raise TooManyLeft
        await self._must_be_empty(queues_of(name, left_by(kept.value if kept else None, terms)))
        return kept, rules

    async def _must_have_room(self, who: Who) -> None:
        """Names are never free again, so that whoever makes and deletes buses pushes nobody else's out."""
        counted: list[tuple[str, tuple[str, ...], int]] = [(MARKS, (), MOST_BUSES)]
        if who.partner is not None:
            counted.append((OWNERS, (who.partner,), OF_A_PARTNER))
        for index, prefix, most in counted:
            if len(await self.buses.collection.keys(index, prefix, limit=most)) >= most:
                raise TooMany(most)

    async def _rules(self, name: str, terms: BusTerms, who: Who) -> Rules:
        """Raises WrongBus, with all that is wrong."""
        strangers = [*wrong_webhooks(terms), *without_effect(terms), *await self._strangers(terms)]
        try:
            rules = rules_of(name, terms)
        except WrongBus as wrong:
            if strangers and wrong.code == INVALID:
                raise WrongBus([*wrong.faults, *strangers]) from wrong
            raise
        if faults := [*strangers, *failing(terms, rules, await self._examples(terms, who))]:
            raise WrongBus(faults)
        return rules

    async def _examples(self, terms: BusTerms, who: Who) -> Mapping[str, Sequence[object]]:
        """Of the types that rules with templates name, and what the bus admits, as far as its owner may see them."""
        patterns = [terms.admits, *(rule.when for rule in terms.rules if rule.template is not None)]
        named = [each for when in patterns for each in _listed(when.get("type")) if isinstance(each, str)]
        kinds = {each for each in named if "\0" not in each}
        if who.partner is not None:
            owner = await self.registry.partners.load(who.partner)
            kinds = await self.seeing.types(owner.value, kinds, terms) if owner is not None else set()
        found = await self.registry.kinds.load_many(kinds)
        return {stored.value.id: stored.value.examples for stored in found}

    async def _strangers(self, terms: BusTerms) -> list[Fault]:
        """Partners that there are not, and services without a queue."""
        partners: list[tuple[JsonPath, str]] = [(("partner",), terms.partner)]
        partners += [(("publishers", place), each) for place, each in enumerate(terms.publishers)]
        known = await self.registry.partners.versions({each for _, each in partners})
        faults = [
            Fault(pointer_to(at), "a partner that there is", each)
            for at, each in partners
            if each not in known and each not in {OUR_OWN, EVERYBODY}
        ]
        services = {name: each.service for name, each in terms.targets.items() if each.service is not None}
        standing = await self.queues.standing(sorted(set(services.values()))) if services else {}
        return [
            *faults,
            *(
                Fault(pointer_to(("targets", name, "service")), "a service with a queue", service)
                for name, service in services.items()
                if service not in standing
            ),
        ]

    async def _must_be_empty(self, queues: Sequence[str], within: float = 0.0) -> None:
        deadline = running_seconds() + within
        while True:
            if not (full := await full_ones(self.queues, queues)):
                return
            if running_seconds() >= deadline:
                raise NotEmpty(sorted(full))
            await asyncio.sleep(LOOKS)

    async def _save(self, kept: Stored[KeptBus] | None, name: str, terms: BusTerms | None, who: Who) -> Applied:
        if kept is not None:
            await self.past.remember(kept.value)
        after = following(kept.value if kept else None, name, terms, who.subject, self.clock.now())
        entries = [
            self.outbox.entry(BusChanged(bus=name, revision=after.revision, by=who.subject)),
            self.outbox.entry(await self.registry.clients_of(after.owner)),
            self.outbox.entry(targets_of(after)),
        ]
        stored = await self.buses.save(after, version=kept.version if kept else 0, messages=entries)
        self.outbox.send_soon(self.buses.collection, name, entries)
        return await self._applied(stored)

    async def _applied(self, stored: Stored[KeptBus]) -> Applied:
        return Applied(stored, await self.in_force.everywhere(stored.value.id, stored.value.revision))


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
