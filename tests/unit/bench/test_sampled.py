"""To what kind of work processor time is put down."""

import json
import subprocess
import sys
from pathlib import Path

import fastapi
import pytest

from tests.bench.sampled import AMQP, CLIENT, CODEC, LOOP, MAIL, REPOSITORY, RULES, SERVER, kind_of_file

WORK = """
import os, signal, sys, time
from pathlib import Path
from pydantic import TypeAdapter
from tests.bench.sampled import Sampler

class Numbers:
    def read(self):
        numbers, many = TypeAdapter(list[int]), list(range(5000))
        until = time.process_time() + 0.5
        while time.process_time() < until:
            numbers.validate_python(many)

def count():
    until = time.process_time() + 0.2
    while time.process_time() < until:
        pass

sampler = Sampler(Path(sys.argv[1]))
signal.signal(signal.SIGPROF, sampler.look)
signal.signal(signal.SIGUSR2, sampler.toggle)
count()
os.kill(os.getpid(), signal.SIGUSR2)
began = time.process_time()
Numbers().read()
count()
used = time.process_time() - began
os.kill(os.getpid(), signal.SIGUSR2)
count()
print(used)
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"{REPOSITORY}services/checkout/saga.py", RULES),
        (f"{REPOSITORY}services/checkout/http/routes.py", SERVER),
        (f"{REPOSITORY}services/payment/adapters/stripe.py", CLIENT),
        (f"{REPOSITORY}services/notifications/adapters/smtp.py", MAIL),
        (f"{REPOSITORY}shared/bus/wire.py", AMQP),
        (f"{REPOSITORY}shared/kernel/money.py", None),
        (f"{REPOSITORY}services/cli/run.py", None),
        (fastapi.__file__, SERVER),
        (json.__file__, None),
    ],
)
def test_a_file_has_a_kind_or_counts_for_who_calls_it(path: str, kind: str | None) -> None:
    assert kind_of_file(path) == kind


def test_seconds_between_the_signals_are_told_by_kind(tmp_path: Path) -> None:
    file = tmp_path / "samples.json"
    done = subprocess.run(
        [sys.executable, "-c", WORK, str(file)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    seconds = json.loads(file.read_text())
    assert sum(seconds.values()) == pytest.approx(float(done.stdout), abs=0.1)
    assert seconds[CODEC] > seconds[LOOP] > 0.1
