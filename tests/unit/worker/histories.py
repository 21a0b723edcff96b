"""Random histories over the pure rules, one for each seed.

Processes are killed, frozen in the middle of a call, apart in their clocks; saves seem to fail, answers are lost, and
the step's undo comes in between. One thing nobody can make good, and no history contains it: a process that dies of its
own after a call whose effect came when others had looked already, so that nobody is left who knows of it.
"""

import random
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from shared.contracts.messages import Message
from shared.contracts.payment import AuthorizeCard, CardAuthorized, VoidAuthorization
from shared.contracts.steps import Command, StepRefused, StepUndone
from shared.kernel.errors import NotSent, OutcomeUnknown, Refused
from shared.kernel.money import Money
from shared.worker import rules
from shared.worker.effect import Done, PartlyDone
from shared.worker.moves import (
    Act,
    Acted,
    Arrived,
    Call,
    Called,
    CallPolicy,
    Happening,
    Lapsed,
    Look,
    Looked,
    Outcome,
    Tidied,
    Tidy,
)
from shared.worker.work import Work, provider_key, slot_of

SECOND = timedelta(seconds=1)
DO = CallPolicy(call_timeout=3 * SECOND, settle=SECOND, calls=3, tidies=True)
UNDO = CallPolicy(call_timeout=3 * SECOND, settle=SECOND, repeatable=True)
AMOUNT = Money(amount=1000, currency="BRL")
TURNS = 60
ASKS, QUIET = 60, 15
"""The longest asking; and after how many asks that changed nothing it is over: longer than any intent."""
SKEWS = (0.0, 0.0, 0.3, -0.3, 20.0)
"""Seconds by which processes' clocks are apart: mostly little, sometimes far beyond what an intent allows for."""

Process = Generator[None]
END = object()
ONLY_A_PART = PartlyDone(Refused("issue_refused", "x"))


class Held(Work):
    schema_version: ClassVar[int] = 1
    effect: str = ""


@dataclass
class World:
    """The store, the provider, the bus and the time of one history."""

    chance: random.Random
    now: datetime = datetime(2027, 1, 1, tzinfo=UTC)
    held: Held = field(default_factory=lambda: Held(id="p"))
    version: int = 0
    effects: list[str] = field(default_factory=list)
    parts: set[str] = field(default_factory=set)
    """Those of the effects that are of no use, since the rest of them is missing."""
    undone: set[str] = field(default_factory=set)
    said: list[Message] = field(default_factory=list)
    faulty: bool = True
    looks: int = 0
    """How often anybody asked the provider what it holds."""

    @property
    def in_force(self) -> list[str]:
        return [effect for effect in self.effects if effect not in self.undone]

    def is_refused(self, command: Command) -> bool:
        answer = self.held.log(slot_of(command)).answer
        return answer is not None and answer.type == StepRefused.type and answer.body["attempt"] == command.attempt

    def fails(self, probability: float) -> bool:
        return self.faulty and self.chance.random() < probability

    def save(self, held: Held, version: int) -> bool:
        """Compare-and-set."""
        if version != self.version:
            return False
        self.held, self.version = held, version + 1
        return True


class Wrong(Exception):
    """Something happened that no history may contain."""


class Copy:
    """One process with one copy of a command; dropped between two steps it is killed."""

    def __init__(self, world: World, command: Command) -> None:
        self._steps = _process(self, world, command)
        self.is_alone = False
        """Does it know of an effect that came when others had looked already?"""

    def step(self) -> bool:
        """One step on; False at its end."""
        return next(self._steps, END) is not END

    def finish(self) -> None:
        while self.step():
            pass


def _process(copy: Copy, world: World, command: Command) -> Process:
    """From the command's arrival to rest."""
    policy = UNDO if command.undo else DO
    skew = SECOND * (world.chance.choice(SKEWS) if world.faulty else 0.0)
    happening: Happening = Arrived()
    stored: tuple[Held, int] | None = None
    while True:
        yield
        held, version = stored or (world.held, world.version)
        began = world.now
        move = rules.react(held, command, happening, began + skew, policy)
        yield
        if move.work is not held:
            if not world.save(move.work, version):
                stored, happening = None, happening if isinstance(happening, Called | Lapsed) else Arrived()
                continue
            version += 1
        stored = move.work, version
        copy.is_alone = copy.is_alone and not isinstance(happening, Called)
        if move.say is not None:
            world.said.append(move.say)
        match move.then:
            case Call(number) if world.fails(0.1) or world.now - began > policy.settle:
                happening = Lapsed(number)
            case Call(number):
                happening = Called(number, (yield from _call(copy, world, command, number)))
            case Look(after):
                happening = Looked(after, _look(world, command))
            case Act():
                happening = Acted(_undo(world, command))
            case Tidy():
                happening = Tidied((yield from _tidy(world, move.work)))
            case _:
                return


def _call(copy: Copy, world: World, command: Command, number: int) -> Generator[None, None, Outcome]:
    began = world.now
    key = provider_key(command, number)
    if command.expires_at is not None and began > command.expires_at + SECOND * max(SKEWS):
        raise Wrong("a call was begun for a command that had expired")
    looks = world.looks
    yield  # a frozen process: its request may leave long after it counted as given up
    if world.fails(0.2):
        failures: tuple[Outcome, ...] = (NotSent("x"), OutcomeUnknown("x"), Refused("card_declined", "x"))
        return world.chance.choice(failures)
    if key in world.effects:
        raise Wrong("a key that had its effect was used for another call")
    world.effects.append(key)
    if world.fails(0.15):
        world.parts.add(key)
    copy.is_alone = world.looks > looks
    yield
    late = world.now - began > DO.call_timeout
    lost = world.fails(0.3) or (late and world.fails(0.5))
    if lost:
        return OutcomeUnknown("lost")
    return ONLY_A_PART if key in world.parts else _done(command, key)


def _look(world: World, command: Command) -> Outcome | None:
    if world.fails(0.2):
        return OutcomeUnknown("x")
    world.looks += 1
    found = world.in_force
    whole = [effect for effect in found if effect not in world.parts]
    if whole:
        return _done(command, whole[0], untidy=len(found) > 1)
    return ONLY_A_PART if found else None


def _undo(world: World, command: Command) -> Outcome:
    if world.fails(0.2):
        return OutcomeUnknown("x")
    world.looks += 1
    world.undone.update(world.effects)
    return Done(StepUndone.to(command), {"effect": ""})


def _tidy(world: World, held: Held) -> Generator[None, None, NotSent | None]:
    """By what is on record, as this process knows it; others may go on while it reads and takes back."""
    if world.fails(0.2):
        return NotSent("x")
    world.looks += 1
    surplus = [effect for effect in world.effects if effect != held.effect]
    yield
    world.undone.update(surplus)
    return None


def _done(command: Command, key: str, *, untidy: bool = False) -> Done:
    return Done(CardAuthorized.to(command, amount=AMOUNT, masked=key), {"effect": key}, untidy=untidy)


def authorize(expires_at: datetime | None = None, attempt: int = 1) -> AuthorizeCard:
    return AuthorizeCard(
        purchase_id="p", step="s", attempt=attempt, amount=AMOUNT, card_token="tok", expires_at=expires_at
    )


def void(attempt: int = 1) -> VoidAuthorization:
    return VoidAuthorization(purchase_id="p", step="s", attempt=attempt)


def history(seed: int) -> World:
    """One history; raises Wrong where it ends other than it may."""
    chance = random.Random(seed)
    world = World(chance)
    undo_from = chance.choice([None, chance.randrange(40)])
    do = authorize(chance.choice([None, None, world.now + chance.randrange(20) * SECOND]))
    running: list[Copy] = []
    for turn in range(TURNS):
        dice = chance.random()
        if undo_from is None and world.is_refused(do):
            do = authorize(attempt=do.attempt + 1)  # somebody asks for a refused step once more
        if dice < 0.15 and len(running) < 4:
            running.append(Copy(world, do))
        elif undo_from is not None and turn >= undo_from and dice < 0.25 and len(running) < 5:
            running.append(Copy(world, void()))
        elif dice < 0.35:
            world.now += SECOND * chance.choice([0.3, 1.1, 6])
        elif running:
            _step_or_kill(running, chance, kill=dice < 0.38)
    world.faulty = False  # from here on everybody is well
    for one in running:
        one.finish()
    _settle(world, do, undone=undo_from is not None)
    return world


def _step_or_kill(running: list[Copy], chance: random.Random, *, kill: bool) -> None:
    one = chance.choice(running)
    if (kill and not one.is_alone) or (not kill and not one.step()):
        running.remove(one)


def _settle(world: World, do: AuthorizeCard, *, undone: bool) -> None:
    """The orchestrator: it asks until it is answered, and undoes anew what comes to light behind its back."""
    attempt, heard, quiet = 1, 0, 0
    for _ in range(ASKS):
        world.now += 2 * SECOND
        before = world.version
        Copy(world, void(attempt) if undone else do).finish()
        news, heard = world.said[heard:], len(world.said)
        for message in news:
            if isinstance(message, VoidAuthorization):
                Copy(world, message).finish()
        if undone and any(isinstance(message, CardAuthorized) for message in news):
            attempt += 1
        quiet = quiet + 1 if world.version == before else 0
        if quiet == QUIET:
            break
    if undone:
        if world.in_force:
            raise Wrong(f"undone, and still in force: {world.in_force}")
        if not any(isinstance(message, StepUndone) for message in world.said):
            raise Wrong("the undo was never answered")
        return
    last = [message for message in world.said if isinstance(message, CardAuthorized | StepRefused)][-1]
    expected = [world.held.effect] if isinstance(last, CardAuthorized) else []
    if world.in_force != expected:
        raise Wrong(f"answered {last.type}, in force: {world.in_force}, on record: {world.held.effect}")
