"""What the house must know of the hub."""

from shared.runtime.description import Description

SERVICE = Description(
    name="hub",
    settings=("services.hub.settings:HubSettings",),
    bindings=(("commands", "hub.#"),),
    families=("target",),
    listens=("events", "public"),
    commands=("archive", "delivery"),
    public=("/v1/events", "/v1/hub"),
    internal=True,
    asks=("archive", "releases"),
    scales_by="requests",
)
