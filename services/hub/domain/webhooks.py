"""What of a webhook's file would never be sent as it stands: said when the file is applied, not by each copy that dies.

Where a URL may lead is delivery's to judge, by its settings and by what the host's name stands for at that moment.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from shared.contracts.buses import KINDS, BusTerms, TargetTerms, duration
from shared.contracts.delivery import is_ours
from shared.rules.faults import Fault, pointer_to

_URL: Final = re.compile(r"[!-\[\]-~]+")
"""Printable ASCII, without spaces and backslashes, which readers of URLs understand in different ways."""
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
"""A token of RFC 9110, 5.6.2."""
_VALUE: Final = re.compile(r"[!-~]([ \t!-~]*[!-~])?|")
"""A field value of RFC 9110, 5.5, in ASCII: no line ends in it."""

SHORTEST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=14)
"""What a copy may be tried for: delivery keeps for so long what it could not be tried in."""


def wrong_webhooks(terms: BusTerms) -> Iterator[Fault]:
    """In the order of the file."""
    for name, target in terms.targets.items():
        at = ("targets", name)
        if target.webhook is not None and not _is_url(target.webhook):
            expected = "an http or https URL with a host, in ASCII, without a user and a fragment"
            yield Fault(pointer_to((*at, "webhook")), expected, target.webhook[:100])
        for header, expected in _wrong_headers(target):
            yield Fault(pointer_to((*at, "headers", header)), expected, header[:100])


def without_effect(terms: BusTerms) -> Iterator[Fault]:
    """What would do nothing, or nothing that is meant. All but the kind is about the requests to a webhook: an order,
    too, can be kept only where it is we who wait for the answer; a feed has that of acceptance by itself."""
    for name, target in terms.targets.items():
        at = ("targets", name)
        if target.webhook is None:
            for field, value in target.model_dump(exclude=set[str](KINDS), exclude_defaults=True).items():
                yield Fault(pointer_to((*at, field)), "nothing, where the target is no webhook", str(value)[:100])
        elif target.burst is not None and target.rate is None:
            yield Fault(pointer_to((*at, "burst")), "a rate beside it", "none")
        if not SHORTEST <= duration(target.retry_for) <= LONGEST:
            yield Fault(pointer_to((*at, "retry_for")), "a time between 1m and 14d", target.retry_for)


def _wrong_headers(target: TargetTerms) -> Iterator[tuple[str, str]]:
    for name, value in target.headers.items():
        if not _NAME.fullmatch(name):
            yield name, "a header's name, of 100 characters at most"
        elif is_ours(name):
            yield name, "a header that we do not set ourselves"
        elif not _VALUE.fullmatch(value):
            yield name, "printable ASCII, on one line"


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    named = bool(parts.hostname) and parts.username is None and parts.password is None and "#" not in text
    return bool(_URL.fullmatch(text)) and parts.scheme in {"http", "https"} and named and port != 0
