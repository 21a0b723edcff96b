"""Tests of strings. Of whatever is no string they do not hold.

Strings are compared by code point, without normalization; where case is ignored, by Unicode's full case folding. There
are no regular expressions here but those of our own, for fixed forms: nothing that a rule says can make one slow.
"""

import re
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final

from shared.rules.limits import WILDCARDS
from shared.rules.looking import Look
from shared.rules.moments import Moment, moment_of
from shared.rules.operators.test import Test
from shared.rules.scalars import Json

READING_COST: Final = 8
"""More than a comparison: a wildcard's pieces are searched, addresses and moments are read digit by digit."""
_SHORT: Final = 1024
_PER_STEP: Final = 16
"""Characters of a longer string that are read, folded or searched in the time of one step."""
_LONGEST_ADDRESS: Final = 45
_SPECIAL: Final = re.compile(r"\\(.?)|\*", re.DOTALL)


class NoWildcard(ValueError):
    """The text is no wildcard; the message says what one is."""


class _Text(Test):
    """A test that reads strings; `text` is what it was given."""

    operator: str

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def data(self) -> Json:
        return {self.operator: self.text}

    def leaf(self, value: Any, look: Look) -> bool:
        if type(value) is not str:
            return False
        if len(value) > _SHORT:
            look.spend(len(value) // _PER_STEP)
        return self.accepts(value)

    def accepts(self, value: str) -> bool:
        raise NotImplementedError


class _Cased(_Text):
    """A test that may ignore case: as the text of an `equals-ignore-case` inside."""

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        super().__init__(text)
        self.ignore_case = ignore_case
        self.wanted = text.casefold() if ignore_case else text

    @property
    def data(self) -> Json:
        return {self.operator: {EqualsIgnoreCase.operator: self.text} if self.ignore_case else self.text}


class Prefix(_Cased):
    operator = "prefix"

    def accepts(self, value: str) -> bool:
        return (value.casefold() if self.ignore_case else value).startswith(self.wanted)


class Suffix(_Cased):
    operator = "suffix"

    def accepts(self, value: str) -> bool:
        return (value.casefold() if self.ignore_case else value).endswith(self.wanted)


class EqualsIgnoreCase(_Text):
    operator = "equals-ignore-case"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.wanted = text.casefold()

    def accepts(self, value: str) -> bool:
        return value.casefold() == self.wanted


class _Read(_Text):
    @property
    def cost(self) -> int:
        return 1 + READING_COST


class Wildcard(_Read):
    r"""`*` is any run of characters, none too; `\*` and `\\` are the characters. Raises NoWildcard."""

    operator = "wildcard"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.first, *self.rest = pieces_of(text)

    def accepts(self, value: str) -> bool:
        """Each piece at its first place behind the one before: what is left for the others is never less for it."""
        if not self.rest:
            return value == self.first
        last = self.rest[-1]
        at, end = len(self.first), len(value) - len(last)
        if at > end or not value.startswith(self.first) or not value.endswith(last):
            return False
        for piece in self.rest[:-1]:
            found = value.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True


class Cidr(_Read):
    """An address in a network, IPv4 and IPv6 apart: `::ffff:10.0.0.1` is not in `10.0.0.0/8`."""

    operator = "cidr"

    def __init__(self, network: IPv4Network | IPv6Network) -> None:
        super().__init__(str(network))
        self.network = network

    def accepts(self, value: str) -> bool:
        if len(value) > _LONGEST_ADDRESS or "%" in value:
            return False
        try:
            return ip_address(value) in self.network
        except ValueError:
            return False


class Before(_Read):
    operator = "before"

    def __init__(self, text: str, moment: Moment) -> None:
        super().__init__(text)
        self.moment = moment

    def accepts(self, value: str) -> bool:
        found = moment_of(value)
        return found is not None and found < self.moment


class After(Before):
    operator = "after"

    def accepts(self, value: str) -> bool:
        found = moment_of(value)
        return found is not None and found > self.moment


def pieces_of(text: str) -> list[str]:
    r"""What stands between the stars, `\*` and `\\` resolved. Raises NoWildcard."""
    pieces = [""]
    end = 0
    for found in _SPECIAL.finditer(text):
        pieces[-1] += text[end : found.start()]
        end = found.end()
        if found[0] != "*":
            pieces[-1] += _escaped(found[1])
        elif len(pieces) > 1 and not pieces[-1]:
            raise NoWildcard("no two `*` in a row")
        else:
            pieces.append("")
    pieces[-1] += text[end:]
    if len(pieces) - 1 > WILDCARDS:
        raise NoWildcard(f"at most {WILDCARDS} `*`")
    return pieces


def _escaped(character: str) -> str:
    if character not in {"*", "\\"}:
        raise NoWildcard(r"behind a `\` a `*` or another `\`")
    return character
