"""Is the archive whole? Its segments are read page by page, each some seconds' worth."""

from dataclasses import dataclass
from typing import Final

import httpx

from services.cli.client import Api, Json
from services.cli.patience import patiently

VERIFY: Final = "/v1/hub/archive/verify"
LATER: Final = frozenset({httpx.codes.TOO_MANY_REQUESTS})
"""Somebody else has it read: one at a time."""


@dataclass(frozen=True)
class Verified:
    """So many segments were read; what is wrong with which."""

    segments: int
    wrong: list[Json]


def verified(api: Api) -> Verified:
    """Of all segments. Raises ApiError."""
    segments, wrong = 0, list[Json]()
    cursor: str | None = None
    while True:
        page = _page(api, cursor)
        segments += page["segments"]
        wrong += page["wrong"]
        cursor = page.get("next_cursor")
        if cursor is None:
            return Verified(segments, wrong)


def _page(api: Api, cursor: str | None) -> Json:
    return patiently(lambda: api.get(VERIFY, cursor=cursor), LATER)
