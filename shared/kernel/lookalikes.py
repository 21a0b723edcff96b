"""Names that people take for the same, though they are not: by case, by a blank, by letters of another script.

A small part of Unicode's confusables (UTS 39): compatible forms, case, what nobody sees, and letters of Cyrillic and
Greek that look like Latin ones. It is for refusing a name beside another one, and for keeping a person out of
something; never for letting somebody in.
"""

import unicodedata
from typing import Final

_CYRILLIC: Final = (
    "\u0430\u0435\u0455\u0456\u0458\u043a\u04cf\u043c\u043e\u0440\u0441\u0442\u0443\u0445\u04bb\u0501\u051b\u051d"
)
_GREEK: Final = "\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c7"
_LATIN: Final = "\u0131\u0261l1|0"
_PAIRS: Final = ((_CYRILLIC, "aesijkimopctyxhdqw"), (_GREEK, "aikvoptux"), (_LATIN, "igiiio"))
"""Letters, and what they look like."""
_LOOKS: Final = {ord(one): other for these, others in _PAIRS for one, other in zip(these, others, strict=True)}
_UNSEEN: Final = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def skeleton(name: str) -> str:
    """Equal for names that look alike."""
    plain = "".join(each for each in unicodedata.normalize("NFKC", name) if unicodedata.category(each) not in _UNSEEN)
    return unicodedata.normalize("NFKC", plain.casefold()).translate(_LOOKS)


def hides_something(name: str) -> bool:
    """Has the name a sign that nobody sees, or a blank at an end?"""
    unseen = any(unicodedata.category(each) in _UNSEEN - {"Zs"} for each in name)
    return unseen or name != name.strip() or unicodedata.normalize("NFC", name) != name
