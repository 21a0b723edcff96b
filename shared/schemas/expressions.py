"""How long a regular expression is with its repetitions written out: for so many characters a match may look at each
character of a text; and how much room the engine takes for it.

The engine's time is linear in the text, and in this. It reads what is here read roughly: where the two may differ (in
classes, escapes of several characters), more is counted and never less.
"""

import re
from typing import Final

TOO_LONG: Final = 1_000_000
"""What is longer is said to be so long."""
ROOM_OF_A_CHARACTER: Final = 3
"""KiB, at most, for one that is written out: a letter, a class, any character."""
ROOM_OF_A_PROPERTY: Final = 60
"""KiB for one that is told by what Unicode says of characters, such as `\\p{L}`."""
_PROPERTY: Final = re.compile(r"\\[pP]")
_COUNTED: Final = re.compile(r"\{([0-9]*)(,?)([0-9]*)\}")
_OPENED: Final = re.compile(r"\((?!\?)|\(\?(:|[=!]|<[=!]|P?<[^>]*>|[a-wyzA-Z-]+(:|(?=\))))")
"""What may follow where a group begins; without the flag by which blanks and comments mean nothing."""
_ESCAPED: Final = re.compile(r"\\([pPxu]\{[^}]*\}|.)?", re.DOTALL)
_CLASS: Final = re.compile(r"\[(\\.|[^\]\\])*\]?", re.DOTALL)


def length_of(expression: str) -> int:
    """At least 1, at most TOO_LONG, which is also said of what cannot be read."""
    open_groups: list[int] = []
    before, last, at = 0, 0, 0  # `last` is what a repetition that follows repeats
    while at < len(expression):
        sign = expression[at]
        if sign == "(":
            if (opened := _OPENED.match(expression, at)) is None:
                return TOO_LONG
            open_groups.append(before + last)
            before, last, at = 0, 0, opened.end()
        elif sign == ")":
            if not open_groups:
                return TOO_LONG
            before, last, at = open_groups.pop(), max(before + last, 1), at + 1
        elif sign in "*+?|":
            at += 1
        elif (counted := _COUNTED.match(expression, at)) is not None:
            last, at = last * _times(*counted.groups()), counted.end()
        else:
            before, last, at = before + last, 1, _end(expression, at)
        if before + last > TOO_LONG:
            return TOO_LONG
    return max(before + last, 1) if not open_groups else TOO_LONG


def room_of(expression: str) -> int:
    """KiB that the engine takes for it, at most: one character with a property makes all of it count as such."""
    return length_of(expression) * (ROOM_OF_A_PROPERTY if _PROPERTY.search(expression) else ROOM_OF_A_CHARACTER)


def _times(least: str, comma: str, most: str) -> int:
    """How often what is repeated is written out."""
    if len(least) > len(str(TOO_LONG)) or len(most) > len(str(TOO_LONG)):
        return TOO_LONG
    open_ended = bool(comma) and not most
    return max(int(least or 0) + open_ended, int(most or 0), 1)


def _end(expression: str, at: int) -> int:
    """Where what is one character to it ends."""
    found = {"\\": _ESCAPED, "[": _CLASS}.get(expression[at])
    matched = found.match(expression, at) if found is not None else None
    return matched.end() if matched is not None else at + 1
