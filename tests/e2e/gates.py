"""Gates and approvals one after another, by people who go on whatever becomes of what answers them."""

import random
import uuid
from collections import Counter
from collections.abc import Callable
from threading import Event, Lock
from typing import Final

from services.cli.client import Api, ApiError
from services.cli.release.access import ROOT
from services.cli.release.gate import exits
from services.cli.release.gate.course import End, Run, Terms
from services.cli.release.gate.driving import wait
from services.cli.release.gate.line import Asked, Line
from shared.kernel.digest import digest

DENIED: Final = 8
"""One of so many is denied."""
PATIENCE: Final = 240.0
PAUSE: Final = 0.1
"""Seconds between two looks of who decides."""
Person = Callable[[str, random.Random], Api]
"""A client of somebody's by name; which of several processes it is before is chance."""


class Gates:
    """Gates as deployers run them, and what each of them ran."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._lock = Lock()
        self.ran: list[str] = []
        """Executions, each time that a command was started."""
        self.untold: set[str] = set()
        """Those of which nobody took the end, however often it was told."""
        self.codes: Counter[int] = Counter()
        self.said: list[str] = []
        """Why nothing ran, by those who were not denied."""

    def one(self, number: int) -> None:
        """By the gate's own steps; its command is to be counted."""
        payload = {"argv": ["./deploy.sh", str(number)]}
        about = {"action": "deploy", "environment": "production", "target": f"t-{number}", "reason": "again"}
        asked = Asked(uuid.uuid4().hex, uuid.uuid4().hex, digest(payload), f"t-{number}", about | {"payload": payload})
        chance = random.Random(number)
        line = Line(lambda: self._person("deployer", chance), asked)
        try:
            last = wait(asked, Terms(asked.digest, PATIENCE, PATIENCE), line, Run)
            if isinstance(last, Run):
                with self._lock:
                    self.ran.append(last.execution)
                if not line.tell_outcome(last.execution, 0, ""):
                    self.untold.add(last.execution)
            with self._lock:
                self.codes[last.code if isinstance(last, End) else 0] += 1
                self.said += [last.why] if isinstance(last, End) and last.code != exits.DENIED else []
        finally:
            line.close()


def decide(person: Person, name: str, over: Event) -> None:
    """Somebody who looks at what waits, again and again, and says yes to most of it."""
    chance = random.Random(name)
    while not over.wait(PAUSE):
        try:
            with person(name, chance) as api:
                for each in api.get(f"{ROOT}/requests", state="pending", limit=100)["requests"]:
                    no = name == "sre" and int(each["target"].removeprefix("t-")) % DENIED == 0
                    body = {"decision": "deny" if no else "approve", "digest": each["digest"], "reason": "again"}
                    api.send("POST", f"{ROOT}/requests/{each['id']}/decisions", body)
        except ApiError:
            continue  # what answers was killed, or somebody else was faster
