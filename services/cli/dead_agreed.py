"""Which dead letters may be settled: where acts are gated, those that others have agreed to, and no later ones."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from services.cli.release.agreed import Act, Consent, agreed, done_singly, settings
from shared.bus.dead_letters import Choice, DeadLetter
from shared.contracts import CATALOGUE
from shared.kernel.digest import digest

ALL: Final = "all"


@contextmanager
def agreed_letters(
    action: str, target: str | None, consent: Consent, letters: Callable[[], Sequence[DeadLetter]]
) -> Iterator[Choice]:
    """What may be settled in the block. `target` None is the one letter there is. Nobody is asked about nothing."""
    if not settings().gated:
        yield lambda _: True
        return
    found = letters()
    if not found:
        yield lambda _: False
        return
    meant = {(each.service, each.handle) for each in found}
    first = found[0]
    act = Act(action, target or f"{first.service}.{first.handle}", {"letters": _told(found)})
    with agreed(act, consent):
        yield lambda letter: (letter.service, letter.handle) in meant


@contextmanager
def single_letter(action: str, consent: Consent, letters: Callable[[], Sequence[DeadLetter]]) -> Iterator[Choice]:
    """The same for one letter that is settled as usual work, on record. Of a service so many an hour: then others must
    agree, for one by one a whole queue would go."""
    if not settings().gated:
        yield lambda _: True
        return
    found = letters()
    if found and done_singly(Act(action, found[0].service, {}), found[0].handle, consent):
        meant = {(each.service, each.handle) for each in found}
        yield lambda letter: (letter.service, letter.handle) in meant
        return
    with agreed_letters(action, None, consent, lambda: found) as allowed:
        yield allowed


def _told(found: Sequence[DeadLetter]) -> Mapping[str, Any]:
    """How many there are of each service, of which types, and exactly which, without a word of theirs."""
    by_service: dict[str, list[DeadLetter]] = defaultdict(list)
    for each in found:
        by_service[each.service].append(each)
    return {
        service: {
            "count": len(letters),
            "types": sorted({each.type if each.type in CATALOGUE else "(unknown)" for each in letters}),
            "handles": digest(sorted(each.handle for each in letters)),
        }
        for service, letters in by_service.items()
    }
