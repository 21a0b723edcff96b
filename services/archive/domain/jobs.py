"""What replays and back-tests have in common: jobs that are documents, each held by one runner by a lease.

Whoever asks for another state writes it into the document at once; the runner finds it there at its next word. Nothing
here reads a clock or a store.
"""

from datetime import datetime, timedelta
from typing import Final, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.kernel.values import changed

LEASE: Final = timedelta(seconds=10)
"""A runner that said nothing for so long is held to be dead."""
ENDS: Final = frozenset(("done", "cancelled", "failed"))


class Lost(Exception):
    """The job is not this runner's any more."""


class NotPossible(Exception):
    """Not from the state in which it is."""

    def __init__(self, job: str, state: str, wanted: str) -> None:
        super().__init__(f"a {job} that is {state} cannot be {wanted}")


class Job(BaseModel):
    """One job. `owner` is the partner, or empty for operators; `holder` is its runner, or empty: until `held_until`
    nobody else begins it."""

    model_config = ConfigDict(frozen=True)

    id: str
    owner: str
    made_at: AwareDatetime
    holder: str = ""
    held_until: AwareDatetime | None = None

    @property
    def is_wanted(self) -> bool:
        """Is there something for a runner to do?"""
        raise NotImplementedError


J = TypeVar("J", bound=Job)


def claimed(job: J, holder: str, now: datetime) -> J:
    """Raises Lost where there is nothing to do, or another one does it."""
    is_held = job.holder not in {"", holder} and job.held_until is not None and job.held_until > now
    if is_held or not job.is_wanted:
        raise Lost
    return changed(job, holder=holder, held_until=now + LEASE)


def let_go(job: J, holder: str, now: datetime) -> J:
    """Its runner stops; another one may begin at once."""
    held(job, holder)
    return changed(job, holder="", held_until=now if job.is_wanted else None)


def held(job: Job, holder: str) -> None:
    """Raises Lost where it is another one's."""
    if job.holder != holder:
        raise Lost
