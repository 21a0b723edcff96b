"""The Celery peer: two worker processes (its usual pool) and this one, which starts chains and collects results."""

import subprocess
import sys
import time
from collections import deque

from celery_app import checkout
from job import order, say

PATIENCE = 120.0


def carry_out(tag: str, count: int, in_flight: int) -> float:
    """On one thread, because results come in on the connection that asked for them."""
    open_chains = deque()
    began = time.perf_counter()
    for number in range(count):
        if len(open_chains) >= in_flight:
            open_chains.popleft().get(timeout=PATIENCE)
        open_chains.append(checkout(order(tag, number)).apply_async())
    while open_chains:
        open_chains.popleft().get(timeout=PATIENCE)
    return count / (time.perf_counter() - began)


worker = subprocess.Popen(
    [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "celery_app",
        "worker",
        "-P",
        "prefork",
        "-c",
        "2",
        "-l",
        "ERROR",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ],
    stdin=subprocess.DEVNULL,
    stdout=sys.stderr,
)
try:
    carry_out("first", 10, 1)
    print("ready", flush=True)
    for line in sys.stdin:
        tag, count, in_flight = line.split()
        say({"rate": carry_out(tag, int(count), int(in_flight))})
finally:
    worker.terminate()
    worker.wait(30)
