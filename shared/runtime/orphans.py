"""No process outlives the one that started it: it would hold a port and stores that nobody knows of."""

import ctypes
import os
import signal
from typing import Final

PR_SET_PDEATHSIG: Final = 1
"""Of prctl(2): the signal that the kernel sends when the parent dies, however it dies."""


def die_with(parent: int) -> None:
    """Be killed when `parent` ends, which is expected to be the one that started this process. Linux only."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:  # it died before the kernel was told
        os.kill(os.getpid(), signal.SIGKILL)
