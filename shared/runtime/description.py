"""What a house must know of a service before any of it is imported.

Queues, addresses, routing, documents and the command line are made from a list of these, which everything in `shared`
takes as an argument. Nothing heavy is imported here: `milesaga --help` reads every description there is.
"""

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from shared.runtime.judged import Judged

Bindings: TypeAlias = tuple[tuple[str, str], ...]
"""What a queue is bound to: (exchange, pattern)."""
Files: TypeAlias = tuple[tuple[str, str], ...]
"""What people write and a service reads at its start: (the variable that says where it lies, the file's name)."""

ANY: Final = "*"
NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,40}")
TAKEN: Final = frozenset(
    (
        "broker",
        "mongodb",
        "public",
        "sandbox",
        "commands",
        "answers",
        "events",
        "retry",
        "saga",
        "amq",
        "guest",
        "copies",
        "target",
    )
)
"""Words that variables, exchanges or the broker use already."""


class WrongHouse(ValueError):
    """Descriptions that cannot be true together."""


@dataclass(frozen=True, slots=True)
class Description:
    """One service. Its folder, its queue, its database and its broker user have its name.

    `bindings`: what its queue is bound to; without any it has no queue and takes no messages.
    `families`: first words of the names of queues that it makes, fills and reads while it runs.
    `listens`: exchanges that it binds its queue to while it runs, by patterns of its own making.
    `reads`: first words of the names of such queues that others make, and that it reads.
    `commands`: other services that it gives commands to, beside whoever hears the answers.
    `public`: beginnings of the paths that clients reach it by; a `*` in one is any one segment of a path.
    `answers_at`: a path that answers a GET while it runs, where the first of `public` does not.
    `internal`: it has routes for other services; they find it by `<NAME>_URL`.
    `asks`: the services whose internal routes it uses.
    `settings`: its settings classes, as `module:class`.
    `scales_by`: what more replicas of it are started for: its queue, requests, or the copies in queues that it `reads`.
    `outward`: it sends requests to addresses that strangers name, anywhere on the internet.
    `may_rest`: no replica of it need run while nothing waits for it.
    `keeps`: it has files of its own, in the folder of its name in `MILESAGA_HOME`, that must outlive its processes.
    `documents`: its collections; where it may rest, what a crash left unsent in them wakes it.
    `judged_by`: what takes a new version of it back, beside what does with every service.
    `files`: what it is told by files, which no variable could hold and no secret is.
    """

    name: str
    settings: tuple[str, ...] = ()
    bindings: Bindings = ()
    families: tuple[str, ...] = ()
    listens: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    answers_at: str = ""
    internal: bool = False
    asks: tuple[str, ...] = ()
    scales_by: Literal["queue", "requests", "copies"] = "queue"
    outward: bool = False
    may_rest: bool = False
    documents: tuple[str, ...] = ()
    keeps: bool = False
    judged_by: tuple[Judged, ...] = ()
    files: Files = ()

    def check(self) -> None:
        """Raises WrongHouse."""
        if not NAME.fullmatch(self.name) or self.name in TAKEN:
            raise WrongHouse(f"{self.name!r} cannot be a service's name")
        if self.scales_by == "queue" and not self.bindings:
            raise WrongHouse(f"{self.name} has no queue to scale by")
        if self.scales_by == "copies" and not self.reads:
            raise WrongHouse(f"{self.name} reads no copies to scale by")
        if self.may_rest and (self.scales_by != "queue" or self.public or self.internal):
            raise WrongHouse(f"{self.name} may not rest: nobody would wake it for a request")
        if self.keeps and self.may_rest:
            raise WrongHouse(f"{self.name} may not rest: what it keeps is looked after")
        if self.may_rest and not self.documents:
            raise WrongHouse(f"{self.name} may not rest: nobody would see what it left unsent")
        if len({each.name for each in self.judged_by}) < len(self.judged_by):
            raise WrongHouse(f"{self.name} is judged twice by something of one name")


def house(*services: Description) -> tuple[Description, ...]:
    """The services of one house. Raises WrongHouse."""
    names = [each.name for each in services]
    paths = [path for each in services for path in each.public]
    for twice in (names, paths):
        if len(set(twice)) < len(twice):
            raise WrongHouse(f"something stands twice in {', '.join(twice)}")
    internal = {each.name for each in services if each.internal}
    for each in services:
        each.check()
        if unknown := set(each.commands) - set(queues(services)):
            raise WrongHouse(f"{each.name} gives commands to {', '.join(sorted(unknown))}, which has no queue")
        if unknown := set(each.asks) - internal:
            raise WrongHouse(f"{each.name} asks {', '.join(sorted(unknown))}, which has no internal routes")
    return services


def queues(services: Iterable[Description]) -> dict[str, Bindings]:
    """The bindings of every service that has a queue."""
    return {each.name: each.bindings for each in services if each.bindings}


def takes_requests(services: Iterable[Description], here: Container[str]) -> bool:
    """Is work given by HTTP to a process in which these run, the broker there or not? The sandbox is no worker."""
    own = [each for each in services if each.name in here]
    return not own or any(each.public for each in own)


def owner_of(services: Iterable[Description], path: str) -> str | None:
    """The service that answers a public path: the one that names the longest beginning of it."""
    found = [
        (beginning.count("/"), each.name)
        for each in services
        for beginning in each.public
        if re.match(f"{pattern(beginning)}(/|$)", path)
    ]
    return max(found)[1] if found else None


def pattern(beginning: str) -> str:
    """As a regular expression, in the words that all of them have."""
    return "[^/]+".join(map(re.escape, beginning.split(ANY)))
