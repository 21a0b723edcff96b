"""What the house must know of delivery."""

from shared.runtime.description import Description

SERVICE = Description(
    name="delivery",
    settings=("services.delivery.settings:DeliverySettings",),
    bindings=(("commands", "delivery.#"),),
    reads=("target",),
    commands=("archive", "hub"),
    public=("/v1/hub/sealing", "/v1/hub/targets"),
    asks=("releases",),
    scales_by="copies",
    outward=True,
)
