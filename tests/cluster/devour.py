"""Run inside a pod, by `kubectl exec`: takes memory until the pod's limit is passed.

Many small processes, so that the largest of the pod's is its service, which is the one that the kernel then kills: no
process can send SIGKILL to its container's first one otherwise. `draining` waits until the service drains.
"""

import os
import sys
import time
import urllib.error
import urllib.request

EACH = 16 << 20
"""Bytes: a service at rest has 90 MB and more."""
MOST = 100
LOOK = 0.05
WITHIN = 60.0


def drains() -> bool:
    try:
        urllib.request.urlopen("http://127.0.0.1:8000/readyz", timeout=5.0).close()
    except urllib.error.HTTPError as error:
        return b"draining" in error.read()
    return False


def main() -> None:
    deadline = time.monotonic() + WITHIN
    while "draining" in sys.argv and not drains():
        if time.monotonic() > deadline:
            sys.exit("it does not drain")
        time.sleep(LOOK)
    for _ in range(MOST):
        if os.fork() == 0:
            held = bytearray(os.urandom(1 << 16) * (EACH >> 16))
            time.sleep(WITHIN)
            sys.exit(len(held))
    sys.exit("there was enough memory")


main()
