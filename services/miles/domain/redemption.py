"""What one purchase asked of the miles."""

from shared.worker.work import Work


class Redemption(Work):
    """The log of a purchase's commands. Its id is the purchase's."""

    member_id: str | None = None
    """Whose miles; known from the first step that was done."""
