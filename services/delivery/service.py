"""What the house must know of delivery."""

from shared.runtime.description import Description
from shared.runtime.judged import Share

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
    judged_by=(
        # one process has a target: what the new version has was the other's a while ago
        Share(
            "failed-attempts",
            "milesaga_target_attempts_total",
            bad='fault!="none"',
            alike=("bus", "target"),
            since="1h",
            most=0.2,
        ),
    ),
)
