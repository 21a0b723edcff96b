"""What the house must know of payment."""

from shared.runtime.description import Description

SERVICE = Description(
    name="payment",
    settings=("services.payment.settings:PaymentSettings", "services.payment.settings:StripeSettings"),
    bindings=(("commands", "payment.#"),),
)
