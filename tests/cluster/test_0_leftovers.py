"""A cluster that was killed, with its test or its machine's session, is in nobody's way."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.cluster.node import NETWORKS, clear_networks

SLEEPING = ["sleep", "infinity"]


def _ip(*arguments: str) -> str:
    return subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True).stdout


@contextmanager
def network() -> Iterator[tuple[str, str]]:
    """As `kube` makes one: its name, and that of its end on the machine."""
    key = secrets.token_hex(3)
    name, end = f"kube-{key}", f"v{key}"
    _ip("netns", "add", name)
    try:
        _ip("link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", name)
        yield name, end
    finally:
        subprocess.run(["ip", "link", "delete", end], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


@pytest.fixture(autouse=True)
def begun() -> None:
    """It wants no cluster."""


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ip"), reason="networks are made by root, with iproute2")
def test_a_network_in_which_nothing_runs_is_taken_away_and_one_that_is_used_stays() -> None:
    with ExitStack() as stack:
        dead, living = stack.enter_context(network()), stack.enter_context(network())
        process = stack.enter_context(subprocess.Popen(["ip", "netns", "exec", living[0], *SLEEPING]))
        stack.callback(process.kill)
        while not _ip("netns", "pids", living[0]):
            assert process.poll() is None
        clear_networks()
        left, links = {each.name for each in NETWORKS.iterdir()}, _ip("-brief", "link")
        assert living[0] in left
        assert living[1] in links
        assert dead[0] not in left
        assert dead[1] not in links
