"""Run inside a pod, by `kubectl exec`: takes memory until the pod's limit is passed.

Many small processes, so that the largest of the pod's is its service, which is the one that the kernel then kills: no
process can send SIGKILL to its container's first one otherwise. `draining` asks the service to drain before.
"""

import os
import signal
import sys
import time

EACH = 16 << 20
"""Bytes: a service at rest has 90 MB and more."""
MOST = 100
WITHIN = 60.0


def main() -> None:
    if "draining" in sys.argv:
        os.kill(1, signal.SIGTERM)
    for _ in range(MOST):
        if os.fork() == 0:
            held = bytearray(os.urandom(1 << 16) * (EACH >> 16))
            time.sleep(WITHIN)
            sys.exit(len(held))
    sys.exit("there was enough memory")


main()
