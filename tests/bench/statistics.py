"""Numbers about numbers."""

from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which so large a share of them lies. Raises ValueError where there are none."""
    if not values:
        raise ValueError("there are no values")
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
