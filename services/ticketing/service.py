"""What the house must know of ticketing."""

from shared.runtime.description import Description

SERVICE = Description(
    name="ticketing",
    settings=("services.ticketing.settings:SabreSettings",),
    bindings=(("commands", "ticketing.#"),),
    may_rest=True,
    documents=("bookings",),
)
