"""With what the gate ends where the command was not run. A command's own codes up to 89 are passed on."""

from typing import Final

OWN_CODE_IS_TAKEN: Final = 90
"""The command ran and ended with one of 90 to 97, which would be read as the gate's."""
DENIED: Final = 91
EXPIRED: Final = 92
"""Not agreed to in time, or not used in time."""
CLOSED: Final = 93
"""Withdrawn, revoked, or superseded by another ask."""
HELD: Final = 94
"""A freeze, or outside its window, for longer than the gate waits."""
CHANGED: Final = 95
"""What would run is not what was agreed to, or the grant was refused; also: it has been run already, or the
key belongs to another ask."""
AWAY: Final = 96
"""Whoever decides cannot be reached. Nothing ran."""
WRONG: Final = 97
"""Asked in a way that cannot be granted: wrong options, no policy, nobody who could agree."""


def passed_on(code: int) -> int:
    """The gate's exit code after a command that ended with `code`; -n for one that signal n ended."""
    if code < 0:
        return 128 - code
    return OWN_CODE_IS_TAKEN if OWN_CODE_IS_TAKEN <= code <= WRONG else code
