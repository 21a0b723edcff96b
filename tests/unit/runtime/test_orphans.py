"""A process ends with the one that started it."""

import os
import signal
import subprocess
import sys

import psutil

from tests.eventually import eventually_sync

PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], stdout=subprocess.PIPE, text=True)
print(child.stdout.readline().strip(), flush=True)
sys.stdin.read()
"""
CHILD = """
import os, sys, time
from shared.runtime.orphans import die_with
die_with(int(sys.argv[1]))
print(os.getpid(), flush=True)
while True:
    time.sleep(60)
"""


def test_a_child_goes_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait()
    eventually_sync(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_child_whose_parent_has_gone_already_does_not_begin() -> None:
    """Whoever it belongs to now is not the one that it was started by."""
    done = subprocess.run([sys.executable, "-c", CHILD, str(os.getpid() + 1)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == b""
