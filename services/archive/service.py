"""What the house must know of the archive."""

from shared.runtime.description import Description
from shared.runtime.judged import Behind

SERVICE = Description(
    name="archive",
    settings=("services.archive.settings:ArchiveSettings",),
    bindings=(("commands", "archive.#"),),
    reads=("target",),
    public=(
        "/v1/hub/archive",
        "/v1/hub/backtests",
        "/v1/hub/feed",
        "/v1/hub/replays",
        "/v1/hub/targets/*/*/deliveries",
    ),
    asks=("hub",),
    internal=True,
    keeps=True,
    judged_by=(Behind("pages-kept-late", "milesaga_archive_lag_seconds", most=30),),
)
