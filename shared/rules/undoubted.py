"""JSON that nobody can read otherwise, read by the quickest reader there is; and the text that it makes.

That reader tells neither of a name that is given twice nor of an integer without end. So what it has read is written
again, which whoever keeps it needs anyway: what shows a difference then, or may hide one, is left to the reader that
tells. Both together take less than half of its time.
"""

from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import from_json, to_json

from shared.rules.limits import DOCUMENT_DEPTH

_QUOTE: Final = b'"'
_ESCAPE: Final = b"\\u"
"""How half a surrogate pair may be written, and a quotation mark that is not written as one again."""
_INFINITE: Final = b"Infinity"
"""As which a number beyond binary64 is written."""
_ALIKE: Final = bytes(ord("0") if character in b"0123456789" else character for character in range(256))
"""What makes zeros of all digits."""
_MANY_DIGITS: Final = b"0" * 19
"""An integer of one digit less has 64 bit."""


@dataclass(frozen=True, slots=True)
class Written:
    """A value, and the compact JSON text of its parts: the elements of a list, or the value itself."""

    value: Any
    parts: list[bytes]

    @property
    def text(self) -> bytes:
        """Of the whole value."""
        return b"[" + b",".join(self.parts) + b"]" if isinstance(self.value, list) else self.parts[0]


def undoubted(text: bytes, levels: int = DOCUMENT_DEPTH) -> Written | None:
    """What a text of JSON says, of so many lists and objects inside each other; None where that is no JSON of ours, or
    may be none.

    A quotation mark stands in both texts as it is or behind a backslash. A name that is given twice is written once, so
    that with it and its first value two marks at least are gone.
    """
    if _ESCAPE in text or _MANY_DIGITS in text.translate(_ALIKE):
        return None
    try:
        value = from_json(text, allow_inf_nan=False)
    except ValueError:
        return None
    is_list = isinstance(value, list)
    parts = [to_json(part) for part in value] if is_list else [to_json(value)]
    if sum(part.count(_QUOTE) for part in parts) != text.count(_QUOTE) or any(_INFINITE in part for part in parts):
        return None
    may_be_deep = any(part.count(b"[") + part.count(b"{") > levels - is_list for part in parts)
    return None if may_be_deep and not is_shallow(value, levels) else Written(value, parts)


def is_shallow(value: Any, levels: int) -> bool:
    """Are there no more than so many lists and objects inside each other?"""
    if levels == 0:
        return False
    inner = value.values() if type(value) is dict else value
    return all(is_shallow(each, levels - 1) for each in inner if type(each) is dict or type(each) is list)
