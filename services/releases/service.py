"""What the house must know of releases."""

from shared.runtime.description import Description

SERVICE = Description(
    name="releases",
    settings=("services.releases.settings:ReleasesSettings",),
    public=("/v1/releases",),
    internal=True,
    scales_by="requests",
)
