"""What the house must know of notifications."""

from shared.runtime.description import Description

SERVICE = Description(
    name="notifications",
    settings=(
        "services.notifications.settings:NotificationsSettings",
        "services.notifications.settings:SmtpSettings",
    ),
    bindings=(("commands", "notifications.#"),),
    may_rest=True,
    documents=("notices",),
)
