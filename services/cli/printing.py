"""The one place that prints. Text is text: what strangers wrote is neither markup nor a command to the terminal."""

import json
import sys
import unicodedata
from io import TextIOWrapper
from typing import Any, Final

from rich.console import Console
from rich.text import Text

WIDE: Final = 160
HARMFUL: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of what is obeyed instead of shown: controls, directions of writing, half surrogates, ends of
lines that are no newline."""


class Plain(Console):
    """A console without markup: brackets and colons are themselves. Styles come as `styled` text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(harmless(text), **options)


def harmless(text: str) -> str:
    r"""What a terminal would obey is shown as it is written in source: `\x1b[2J`. Newlines stay."""
    return "".join(_shown(each) if _obeyed(each) else each for each in text)


def in_one_line(text: str) -> str:
    """The same without newlines: for text in whose lines somebody else could write one of ours."""
    return harmless(text).replace("\n", r"\n")


def styled(text: str, style: str = "") -> Text:
    return Text(harmless(text), style=style)


def console(*, error: bool = False) -> Console:
    """Standard output, or error. A file or pipe is wide: ids can be copied and searched for."""
    stream = _bearable(error=error)
    return Plain(stderr=error, width=None if stream.isatty() else WIDE)


def say(text: str) -> None:
    """A line for people on standard output."""
    _line(harmless(text), error=False)


def complain(text: str) -> None:
    """A line on standard error."""
    _line(harmless(text), error=True)


def tell(value: Any, *, indent: int | None = 2) -> None:
    """JSON for programs, in ASCII: it goes through any terminal and any pipe."""
    _line(json.dumps(value, indent=indent).replace("\x7f", r"\u007f"), error=False)


def _line(text: str, *, error: bool) -> None:
    stream = _bearable(error=error)
    stream.write(f"{text}\n")
    stream.flush()


def _obeyed(character: str) -> bool:
    return character != "\n" and unicodedata.category(character) in HARMFUL


def _shown(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def bear_any_text() -> None:
    """For what is printed by libraries: helps and usage errors."""
    _bearable(error=False)
    _bearable(error=True)


def _bearable(*, error: bool) -> Any:
    """The stream; what its encoding lacks is written with a backslash instead of ending the command."""
    stream = sys.stderr if error else sys.stdout
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return stream
