"""The chains of segments: each names the one that its writer closed before by its sha256."""

from collections.abc import Iterable

from services.archive.domain.segment import Segment

UNKNOWN = "the segment that its writer closed before it is not on the list"


def broken(segments: Iterable[Segment]) -> list[Segment]:
    """Those that follow a segment which is not on the list. What was removed at its time stays on it."""
    known = list(segments)
    there = {each.sha256 for each in known}
    return [each for each in known if each.previous and each.previous not in there and each.removed_at is None]
