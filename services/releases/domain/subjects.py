"""What a button is about, written so that nobody else can write it."""

import hmac
from dataclasses import dataclass


class Forged(Exception):
    """The button's value is none that we made."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a button is about: exactly this, whatever the message around it says."""

    request: str
    digest: str


class Subjects:
    """Writes what a button is about, so that nobody else can."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def written(self, subject: Subject) -> str:
        return f"{subject.request}|{subject.digest}|{self._mac(subject)}"

    def read(self, text: str) -> Subject:
        """Raises Forged."""
        parts = text.split("|")
        if len(parts) != 3:  # noqa: PLR2004 - as written
            raise Forged(text)
        subject = Subject(parts[0], parts[1])
        if not hmac.compare_digest(self._mac(subject).encode(), parts[2].encode()):
            raise Forged(text)
        return subject

    def _mac(self, subject: Subject) -> str:
        return hmac.new(self._key, f"{subject.request}|{subject.digest}".encode(), "sha256").hexdigest()[:32]
