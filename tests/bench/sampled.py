"""The command line, and where its processor time goes: `python -m tests.bench.sampled run checkout`.

SIGUSR2 begins, the next one ends and writes seconds by kind of work, to PID.json in the folder `SAMPLES`. In between
the kernel interrupts after every 5 ms that the process used. What the main thread used since the last time is put down
to the innermost frame whose kind is known, so that a library counts for whoever calls it, unless it has a kind of its
own. C code without frames counts for who called it, and where nobody did, as in uvloop, for the event loop. Other
threads do one kind of work each.
"""

import json
import os
import signal
import threading
import time
from collections import defaultdict
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

from services.cli.main import main

SAMPLES: Final = "BENCH_SAMPLES"
EVERY: Final = 0.005
"""Seconds of the process's CPU; a look takes some ten microseconds."""

SERVER, CLIENT, AMQP, STORE = "http server", "http client", "amqp", "store"
RULES, CODEC, TELEMETRY, MAIL = "rules", "pydantic", "telemetry", "mail"
SANDBOX, LOOP = "sandbox", "event loop and other"

OURS: Final = (
    ("services/sandbox/", SANDBOX),
    ("services/notifications/adapters/", MAIL),
    ("shared/bus/", AMQP),
    ("shared/contracts/", CODEC),
    ("shared/outside/", CLIENT),
    ("shared/runtime/application", SERVER),
    ("shared/runtime/front", SERVER),
    ("shared/runtime/server", SERVER),
    ("shared/runtime/logging", TELEMETRY),
    ("shared/saga/", RULES),
    ("shared/store/", STORE),
    ("shared/telemetry/", TELEMETRY),
    ("shared/web/", SERVER),
    ("shared/worker/", RULES),
)
"""By the beginning of the path; the first that fits."""
ROOMS: Final = {"adapters": CLIENT, "http": SERVER}
"""Of a service; its other rooms are rules."""
PACKAGES: Final = {
    "aio_pika": AMQP,
    "aiormq": AMQP,
    "aiosmtpd": SANDBOX,
    "aiosmtplib": MAIL,
    "email": MAIL,
    "fastapi": SERVER,
    "httpcore": CLIENT,
    "httpx": CLIENT,
    "jinja2": MAIL,
    "logging": TELEMETRY,
    "opentelemetry": TELEMETRY,
    "pamqp": AMQP,
    "prometheus_client": TELEMETRY,
    "pydantic": CODEC,
    "smtplib": MAIL,
    "sqlite3": STORE,
    "starlette": SERVER,
    "uvicorn": SERVER,
}
THREADS: Final = (("store-", STORE), ("sandbox-", SANDBOX), ("traces", TELEMETRY))
REPOSITORY: Final = f"{Path(__file__).parents[2]}/"
LIBRARIES: Final = f"{Path(os.__file__).parent}/"
INSTALLED: Final = "site-packages/"


def kind_of_file(path: str) -> str | None:
    """What a module's code does, None where that depends on who calls it."""
    if INSTALLED in path or path.startswith(LIBRARIES):
        package = path.rpartition(INSTALLED)[2].removeprefix(LIBRARIES).partition("/")[0].removesuffix(".py")
        return PACKAGES.get(package)
    ours = path.removeprefix(REPOSITORY)
    for beginning, kind in OURS:
        if ours.startswith(beginning):
            return kind
    parts = ours.removesuffix(".py").split("/")
    if parts[0] == "services" and len(parts) > 2 and parts[1] != "cli":
        return ROOMS.get(parts[2], RULES)
    return None


class Sampler:
    """Counts the main thread's seconds by kind; begins and ends by signals, in the main thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kinds: dict[CodeType, str | None] = {}
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._looks = False
        self._at = 0.0
        self._threads: dict[threading.Thread, float] = {}

    def toggle(self, _number: int, _frame: FrameType | None) -> None:
        self._looks = not self._looks
        if self._looks:
            self._threads = _others()
            self._at = time.thread_time()
            signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
            return
        signal.setitimer(signal.ITIMER_PROF, 0)
        for thread, used in _others().items():
            kind = next((kind for name, kind in THREADS if thread.name.startswith(name)), LOOP)
            self._seconds[kind] += used - self._threads.get(thread, 0.0)
        made = self._file.with_suffix(".new")
        made.write_text(json.dumps(self._seconds))
        made.replace(self._file)

    def look(self, _number: int, frame: FrameType | None) -> None:
        now = time.thread_time()
        self._seconds[self._kind(frame)] += now - self._at
        self._at = now

    def _kind(self, frame: FrameType | None) -> str:
        kinds = self._kinds
        while frame is not None:
            code = frame.f_code
            if code not in kinds:
                kinds[code] = kind_of_file(code.co_filename)
            kind = kinds[code]
            if kind is not None:
                return kind
            frame = frame.f_back
        return LOOP


def _others() -> dict[threading.Thread, float]:
    """CPU seconds of every other thread so far."""
    return {
        thread: time.clock_gettime(time.pthread_getcpuclockid(thread.ident))
        for thread in threading.enumerate()
        if thread.ident is not None and thread is not threading.main_thread()
    }


if __name__ == "__main__":
    sampler = Sampler(Path(os.environ[SAMPLES]) / f"{os.getpid()}.json")
    signal.signal(signal.SIGPROF, sampler.look)
    signal.signal(signal.SIGUSR2, sampler.toggle)
    main()
