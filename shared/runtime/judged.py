"""What a new version of a service is judged by, beside what is asked of every service's: each compares it with the
version that stays.

Both versions have the same partners, store and broker at the same time, so what goes wrong outside goes wrong with
both. Matchers are those of PromQL, `outcome="refused"`; metrics are named as Prometheus knows them.
"""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Share:
    """The part of what a counter counts that is bad: by how much the new version's is greater.

    `bad`: what matches the bad ones of those that match `of`.
    `alike`: labels, such as a partner: the new version's part is compared with what the other version's would be of the
    same partners in the same numbers. What the other version had none of is left out.
    `since`: how far back the version that stays is looked at, `1h`, where it has no more of what the new one took over;
    without it both are looked at over the same time.
    `most`: of 1.
    """

    name: str
    counter: str
    bad: str
    most: float
    of: str = ""
    alike: tuple[str, ...] = ()
    since: str = ""


@dataclass(frozen=True, slots=True)
class Slowest:
    """What a hundredth of a histogram's seconds exceeds (p99): how many times the new version's is the other's.

    `least`: seconds; where the other is faster it counts as if it took so long, or milliseconds would be many times it.
    """

    name: str
    histogram: str
    of: str
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Behind:
    """A gauge of seconds, 0 where there is nothing to do: by how many the new version's worst process is later."""

    name: str
    gauge: str
    most: float


Judged: TypeAlias = Share | Slowest | Behind
