"""What the house must know of the checkout."""

from shared.runtime.description import Description

SERVICE = Description(
    name="checkout",
    settings=("services.checkout.settings:CheckoutSettings",),
    bindings=(("commands", "checkout.#"), ("answers", "#"), ("public", "checkout.start.*")),
    public=("/v1/checkouts", "/v1/operations"),
    asks=("cart",),
)
