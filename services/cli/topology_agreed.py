"""What of a broker's topology may be unmade: with `--yes`, and where acts are gated what others have agreed to.

To make what is missing takes nothing from anybody: services do it themselves as far as their users may, and it must be
possible before there is anybody to ask.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias

from services.cli.release.agreed import Act, Consent, agreed, settings
from services.cli.topology_bindings import LeftBinding
from services.cli.topology_changes import Change

APPLY: Final = "topology.apply"
TARGET: Final = "broker"
Thing: TypeAlias = Change | LeftBinding
Allowed: TypeAlias = Callable[[Thing], bool]


@contextmanager
def agreed_changes(consent: Consent, wanted: Callable[[], Sequence[Thing]], *, yes: bool) -> Iterator[Allowed]:
    """What may be unmade in the block; what differs only by then was not agreed to."""
    if not yes or not settings().gated:
        yield lambda _: yes
        return
    acts = sorted({each.act for each in wanted() if isinstance(each, LeftBinding) or each.takes_away})
    if not acts:
        yield lambda _: False
        return
    with agreed(Act(APPLY, TARGET, {"changes": acts}), consent):
        yield lambda thing: thing.act in acts
