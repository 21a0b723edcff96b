"""What the house must know of offers."""

from shared.runtime.description import Description

SERVICE = Description(
    name="offers",
    settings=("services.offers.settings:OffersSettings", "services.offers.settings:SabreSettings"),
    public=("/v1/offers",),
    internal=True,
    scales_by="requests",
)
