"""What the house must know of the cart."""

from shared.runtime.description import Description

SERVICE = Description(
    name="cart",
    settings=("services.cart.settings:CartSettings",),
    bindings=(("commands", "cart.#"),),
    public=("/v1/carts",),
    internal=True,
    asks=("offers",),
    scales_by="requests",
)
