"""What every command says where no stack runs: one sentence and one exit code."""

from typing import Final

NO_STACK: Final = 2


def nothing_at(place: str) -> str:
    """`place` is the address that was tried, or the folder in which a running stack would have left one."""
    return (
        f"Nothing answers at {place}: start the stack with `milesaga run`, "
        "or set MILESAGA_URL or MILESAGA_HOME to where it is."
    )


def not_its_own() -> str:
    """What to say where the broker refuses: a partner's URL, exported for its examples, is still there."""
    return (
        "milesaga: the broker refuses this to the user of BROKER_URL. Without that variable the stack's own is taken."
    )
