"""Ports of this machine that nobody listens at."""

import secrets
import socket
from collections import deque
from pathlib import Path
from typing import Final

HELD: Final = 64
"""Ports that are kept for whoever asked: more than one stack takes, and each is taken within seconds."""
_claims: Final[deque[socket.socket]] = deque()


def free_ports(count: int) -> list[int]:
    """Random free ports below those the kernel gives to outgoing connections, which could take one in the meantime.

    Nobody else who asks here is given them, in no process of this machine: between the answer and a server's listening
    lie seconds.
    """
    lowest_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = range(min(10_000, lowest_ephemeral // 2), lowest_ephemeral)
    ports: list[int] = []
    while len(ports) < count:
        port = secrets.choice(candidates)
        if is_free(port) and _claimed(port):
            ports.append(port)
    return ports


def is_free(port: int) -> bool:
    """Could somebody listen there now?"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _claimed(port: int) -> bool:
    """By a name that the kernel gives to one process, and takes back when that ends (unix(7), abstract sockets)."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0milesaga-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    if len(_claims) > HELD:
        _claims.popleft().close()
    return True
