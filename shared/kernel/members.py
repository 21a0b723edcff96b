"""What a member's id may be."""

import re
from typing import Final

MEMBER_ID: Final = r"^[ -~]{1,255}$"
"""An OpenID Connect subject: up to 255 printable ASCII characters, whichever the issuer chose."""
_MEMBER_ID = re.compile(r"[ -~]{1,255}")


def may_be_member(member_id: str) -> bool:
    """Can anybody of that id have an account? Messages and tokens from outside may name anything."""
    return _MEMBER_ID.fullmatch(member_id) is not None
