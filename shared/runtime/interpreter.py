"""How seldom the interpreter turns away from the work: to look for garbage, and to let another thread go on."""

import gc
import sys
from typing import Final

NEW_OBJECTS: Final = 50_000
"""Objects made and not freed until a collection begins. Python's own 700 make a busy process look through everything in
flight many times a second, in vain: hardly anything here refers to itself. Costs a few megabytes, saves a seventh of
the CPU."""
TURN: Final = 0.02
"""Seconds for which a thread that computes may go on while another one waits. The loop lets the stores' threads go on
whenever it asks the kernel for something, many times in so long; Python's own 0.005 take it from the loop in the middle
of a message, and cost a busy process one in twenty of its messages."""


def settle() -> None:
    """Call when everything is imported: modules live as long as the process, so no collection looks at them again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, 10, 10)
    sys.setswitchinterval(TURN)
