"""What the house must know of the archive."""

from shared.runtime.description import Description

SERVICE = Description(
    name="archive",
    settings=("services.archive.settings:ArchiveSettings",),
    bindings=(("commands", "archive.#"),),
    public=("/v1/hub/archive",),
    internal=True,
    keeps=True,
)
