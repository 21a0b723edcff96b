"""Whose CPU is counted."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.bench.children import Failed
from tests.bench.processes import cpu_seconds, tree, wait_until_quiet

BURN = "import time\nwhile time.process_time() < 0.4: pass"
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BURN!r}], check=True)
idle = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
print(idle.pid, flush=True)
input()
idle.communicate(b"")
"""


@pytest.fixture
def parent() -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        yield process
        process.communicate("\n")


def test_a_tree_is_a_process_and_its_living_descendants(parent: "subprocess.Popen[str]") -> None:
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert tree(parent.pid) == {parent.pid, child}


def test_what_an_ended_child_used_is_counted(parent: "subprocess.Popen[str]") -> None:
    assert parent.stdout is not None
    parent.stdout.readline()
    assert cpu_seconds({parent.pid}) > 0.3


def test_a_process_that_has_ended_is_an_empty_tree_and_used_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert tree(process.pid) == set()
    assert cpu_seconds({process.pid}) == 0


def test_rest_is_waited_for(parent: "subprocess.Popen[str]") -> None:
    assert parent.stdout is not None
    parent.stdout.readline()
    wait_until_quiet(lambda: tree(parent.pid), 10)


def test_a_process_that_does_not_come_to_rest_is_a_failure() -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            with pytest.raises(Failed, match="did not come to rest"):
                wait_until_quiet(lambda: {busy.pid}, 1)
        finally:
            busy.kill()
