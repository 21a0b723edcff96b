"""How work ends when it does not end well. Expected refusals are answers; these say what may be done about the rest."""

from datetime import timedelta
from typing import ClassVar


class Refused(Exception):
    """The step was not done, for good, and the asker is told so.

    `code` is stable and meant for programs (`card_declined`), `detail` for people.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class OutcomeUnknown(Exception):
    """A call to the outside may or may not have had its effect (a timeout, a 5xx, a broken line)."""


class NotSent(Exception):
    """A call to the outside certainly had no effect (no connection, 401, 429): it may be repeated as it is.

    `again_in` says how long the outside is better left alone, where that is known: so long the work is parked.
    """

    def __init__(self, reason: str = "", *, again_in: timedelta | None = None) -> None:
        super().__init__(reason)
        self.again_in = again_in


class Misconfigured(Exception):
    """The outside turned us away for a reason of ours (a right, a printer, a malformed request), without effect.

    No customer is told so and time alone does not mend it: the message goes the way of faults, to the dead letters.
    """


class Later(Exception):
    """Not now: the message waits in a delay tier and comes again. No fault, but counted against the budget of time.
    `routine`: it happens all day, and is no news."""

    routine: ClassVar[bool] = False

    def __init__(self, reason: str, delay: timedelta = timedelta(seconds=1)) -> None:
        super().__init__(reason)
        self.delay = delay
