"""What strangers wrote, so that nothing in it is unseen, or turns round what stands behind it."""

from typing import Final
from unicodedata import category

UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Zs", "Co", "Cn"})
"""Unicode's categories of controls, directions of writing, halves of pairs, ends of lines, spaces, and of
what no font has."""
BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and signs of other categories that are shown as nothing, or as a space."""
VARIANTS: Final = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
"""They change how the letter before them looks, or hide a message in it."""


def visible(text: str) -> str:
    """What nobody sees as its number. Newlines and plain spaces stay."""
    return "".join(each if _is_seen(each) else f"\\u{ord(each):04x}" for each in text)


def _is_seen(each: str) -> bool:
    if " " <= each <= "~" or each == "\n":
        return True
    return category(each) not in UNSEEN and each not in BLANK and not any(ord(each) in some for some in VARIANTS)
