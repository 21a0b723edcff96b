"""Card numbers (PAN) never enter: only a gateway's token for a card does."""

from typing import Any, Final

SHORTEST, LONGEST = 13, 19
"""Digits of a card number (ISO/IEC 7812)."""
SPACES: Final = str.maketrans("", "", " -.")


def refuse_card_number(value: Any) -> Any:
    """A validator of the one field that takes a card's token: elsewhere a 13-digit ticket number may pass Luhn, too."""
    if isinstance(value, str) and is_card_number(value):
        raise ValueError("holds a card number; send the gateway's token instead, card numbers are never taken")
    return value


def is_card_number(text: str) -> bool:
    """13 to 19 digits that pass Luhn, however they are spaced."""
    digits = text.translate(SPACES)
    return SHORTEST <= len(digits) <= LONGEST and digits.isascii() and digits.isdigit() and _luhn(digits)


def _luhn(digits: str) -> bool:
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0
