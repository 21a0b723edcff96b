"""How soon a service is ready, and how much memory it takes: every service in a process of its own."""

import http.client
import re
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final

from tests.bench.children import Failed
from tests.bench.figures import Figure
from tests.e2e.houses import SERVICES, House
from tests.kit.stack import Stack

STARTS: Final = 3
WITHIN: Final = 30.0
LOOK: Final = 0.005


def ready_seconds(process: Stack) -> float:
    """From the start of the process to the first 200 of `/readyz`."""
    began = time.perf_counter()
    process.launch()
    while not _is_ready(process.port):
        if process.process.poll() is not None or time.perf_counter() - began > WITHIN:
            raise Failed(f"not ready\n{process.log()[-2000:]}")
        time.sleep(LOOK)
    return time.perf_counter() - began


def memory_mb(process: Stack) -> float:
    """The most that the process has had in memory."""
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    if found is None:
        raise Failed("the kernel does not tell the memory of a process")
    return int(found[1]) / 1024


def largest(house: House) -> Figure:
    """The largest service, with what it has just done in memory."""
    sizes = {name: memory_mb(house.processes[name]) for name in SERVICES}
    name = max(sizes, key=sizes.__getitem__)
    return Figure("service_rss_mb", sizes[name], "MB", target=f"less than 110 ({name})")


def slowest(house: House, advance: Callable[[], Any]) -> Figure:
    """Stop and start each service; the one whose median is the longest counts."""
    starts: dict[str, list[float]] = {}
    for _ in range(STARTS):
        for name in SERVICES:
            house.processes[name].terminate()
            starts.setdefault(name, []).append(ready_seconds(house.processes[name]))
            advance()
    name = max(starts, key=lambda each: median(starts[each]))
    return Figure(
        "service_ready_seconds",
        median(starts[name]),
        "s",
        tuple(starts[name]),
        f"less than 1.5 ({name})",
    )


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1.0)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
