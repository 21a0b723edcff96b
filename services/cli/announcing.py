"""Where a stack is: told to people, and to other processes over the same folder for as long as it stands."""

from typing import Final
from urllib.parse import urlsplit

from shared.runtime.home import HTTP_URL, SANDBOX_URL, SMTP_URL, Home

NOTES: Final = (HTTP_URL, SANDBOX_URL, SMTP_URL)


class Announcement:
    """What is written when it is ready, and taken back in the end."""

    def __init__(self, home: Home, url: str) -> None:
        self._home = home
        self._url = url
        self._written: list[str] = []

    def make(self, *, whole: bool, smtp_port: int | None) -> None:
        """`smtp_port` is the sandbox's, where there is one: then the sandbox answers at the same address."""
        notes = {HTTP_URL: self._url} if whole else {}
        if smtp_port is not None:
            host = urlsplit(self._url).netloc.rpartition(":")[0]
            notes |= {SANDBOX_URL: self._url, SMTP_URL: f"smtp://{host}:{smtp_port}"}
        for name, text in notes.items():
            self._written.append(name)
            self._home.write(name, text)
        print(f"ready {self._url}\ndocs {self._url}/docs", flush=True)

    def take_back(self) -> None:
        for name in self._written:
            self._home.remove(name)
