"""A process of its own that handles `work`, writes what it did to a file, and dies of one message. Run by the tests.

python -m tests.component.bus.crashing_worker URL FILE
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from shared.contracts.cloudevents import Envelope
from tests.component.bus.conftest import Job, new_bus

POISON = "poison"


async def main(url: str, file: Path) -> None:
    done = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def handle(job: Job, _: Envelope) -> None:
        if job.name == POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.sleep(0)  # let every prefetched message come into hand before the first is done
        os.write(done, f"{job.name}\n".encode())

    bus = new_bus(url)
    await bus.start()
    await bus.consume("work", {Job: handle})
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
