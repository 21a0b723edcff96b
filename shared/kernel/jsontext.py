"""What JSON's text can say that no value can hold: half a surrogate pair, and a name twice."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

LONGEST_NAME = 64
"""Characters of a stranger's name that are shown."""


def is_text(text: str) -> bool:
    """Can it be written in UTF-8: is no half of a surrogate pair in it?"""
    return text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text)


def shown_name(name: str) -> str:
    """A stranger's name as an answer can carry it: not at any length, and without halves of surrogate pairs."""
    return name[:LONGEST_NAME].encode("utf-8", "replace").decode()


def repeated(members: Iterable[tuple[str, Any]]) -> tuple[str, ...]:
    """The names that stand more than once, in the order of the text."""
    times = Counter(name for name, _ in members)
    return tuple(name for name in times if times[name] > 1)


def each_once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these members (an `object_pairs_hook` of `json`). Raises ValueError for a name that stands twice:
    others could read what this reader passes over."""
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a name stands twice")
    return found
