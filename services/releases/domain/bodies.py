"""The text of the request of ours that is asked for: whoever agrees reads what will be sent, and not a hash of it."""

from collections.abc import Mapping
from typing import Any, Final

from shared.kernel.acts import LARGEST_BODY, body_digest
from shared.kernel.digest import digest_of_bytes

NOTHING: Final = digest_of_bytes(b"")


class WrongBody(ValueError):
    """The text is not what the payload is about; the message says what is expected."""


def check(payload: Mapping[str, Any], text: str | None) -> None:
    """The digest that counts is made here, of the text that is shown: nobody shows one and has another agreed to.
    A payload that only looks like a request of ours is one, for what redeems its grant is its digest. Raises
    WrongBody."""
    told = body_digest(payload)
    if told is None:
        if text:
            raise WrongBody("must be left out: the payload is no request of ours, which alone has a body")
        return
    try:
        content = (text or "").encode()
    except UnicodeEncodeError as error:
        raise WrongBody("must be text, without halves of a surrogate pair") from error
    if len(content) > LARGEST_BODY:
        raise WrongBody(f"must have at most {LARGEST_BODY} bytes: what nobody can be shown, nobody agrees to")
    if digest_of_bytes(content) != told:
        what = (
            "must be the text of which payload.body is the SHA-256" if text else "must be given: payload.body is of one"
        )
        raise WrongBody(f"{what}, so that whoever agrees reads it")
