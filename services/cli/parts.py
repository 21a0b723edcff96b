"""Which services share a process, where `milesaga run` divides the whole stack over several."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, Self

from shared.runtime.description import Description

WORTH: Final = 2
"""Processes by default, where there are as many cores: see docs/decisions/0028-a-laptops-cores.md."""


@dataclass(frozen=True)
class Part:
    """What one process runs."""

    services: tuple[str, ...]
    sandbox: bool = False


@dataclass(frozen=True)
class Orders:
    """What a process of a divided stack is told by its parent.

    `number` counts the processes from 1; `listener` is the file descriptor of a bound socket that it inherits; `others`
    are the processes, by number, whose health and figures it tells beside its own, and their base URLs.
    """

    number: int
    part: Part
    parent: int
    listener: int
    others: Mapping[str, str]

    def written(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> Self:
        told = json.loads(text)
        part = Part(tuple(told["part"]["services"]), told["part"]["sandbox"])
        return cls(told["number"], part, told["parent"], told["listener"], told["others"])


def by_cores() -> int:
    """As many processes as this machine has use for."""
    return min(len(os.sched_getaffinity(0)), WORTH)


def divided(house: Sequence[Description], processes: int, *, sandbox: bool) -> tuple[Part, ...]:
    """The first part has what clients reach, so that one process serves the public port, and the sandbox, whose memory
    is nobody else's. Two share no service, hence no store's file: the second has the workers. From three on, each but
    the first has all that scales by what waits for it.
    """
    names = tuple(each.name for each in house)
    reached = tuple(each.name for each in house if each.public)
    workers = tuple(each.name for each in house if not each.public)
    scaling = tuple(each.name for each in house if each.scales_by != "requests")
    others = processes - 1
    if others == 0 or not (reached and workers):
        return (Part(names, sandbox),)
    behind = [workers] if others == 1 else [scaling] * others
    return (Part(reached, sandbox), *map(Part, behind))
