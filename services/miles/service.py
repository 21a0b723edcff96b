"""What the house must know of miles."""

from shared.runtime.description import Description

SERVICE = Description(
    name="miles",
    settings=("services.miles.settings:MilesSettings",),
    bindings=(("commands", "miles.#"),),
    public=("/v1/miles",),
    asks=("releases",),
)
