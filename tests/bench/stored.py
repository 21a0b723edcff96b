"""What a purchase costs by how many are stored already: all sizes on one broker, in turns, as in `against.py`."""

import asyncio
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, Final

from services.cli.broker_node import PrivateBroker
from shared.runtime.host import STORES
from tests.bench.against import measure, play
from tests.bench.figures import Figure
from tests.bench.seeding import fill
from tests.bench.sides import Purchases, Side
from tests.bench.trees import HERE
from tests.bench.used import Measured
from tests.kit.broker import VirtualHosts

SIZES: Final = (100, 10_000, 100_000)
REAL: Final = 10
"""Purchases of which the stored ones are copies."""
COUNT: Final = 50
"""Measured in each round."""
SWEPT: Final = frozenset({"offers"})
"""Stores that keep nothing of a purchase."""
FLAT: Final = 1.2


def compare(home: Path, rounds: int, told: Callable[[str], Any]) -> list[Figure]:
    """`told` is given what is being done, once for each size that is filled and each turn."""
    broker = PrivateBroker(home)
    broker.start()
    try:
        hosts = VirtualHosts(broker)
        with Purchases(HERE, home / "real", hosts.take()) as shop:
            measure(shop, broker, "real", REAL)
        with ExitStack() as stack:
            running: dict[str, Side] = {}
            for size in SIZES:
                told(f"storing {size:,} purchases")
                folder = _filled(home / "real", home / str(size), size)
                running[str(size)] = stack.enter_context(Purchases(HERE, folder, hosts.take()))
            for side in running.values():
                measure(side, broker, "warm", COUNT)
            found = play(running, broker, COUNT, rounds, lambda size: told(f"with {int(size):,} stored"))
    finally:
        broker.stop()
    return _figures(found)


def _filled(real: Path, folder: Path, size: int) -> Path:
    shutil.copytree(real, folder)
    for store in sorted((folder / STORES).glob("*.sqlite3")):
        if store.stem not in SWEPT:
            asyncio.run(fill(store, size // REAL - 1))
    return folder


def _figures(rounds: Sequence[Mapping[str, Measured]]) -> list[Figure]:
    cpu = {str(size): tuple(each[str(size)].cpu_ms for each in rounds) for size in SIZES}
    smallest = cpu[str(SIZES[0])]
    costs = [Figure(f"purchase_cpu_ms_with_{size}_stored", median(found), "ms", found) for size, found in cpu.items()]
    ratios = [
        Figure(f"purchase_cpu_with_{size}_stored", median(ratio), "ratio", ratio, f"below {FLAT} to {SIZES[0]}")
        for size in map(str, SIZES[1:])
        if (ratio := tuple(many / few for many, few in zip(cpu[size], smallest, strict=True)))
    ]
    return [*costs, *ratios]
