"""Where a process listens, and how this machine reaches it there."""

import socket

import pytest

from shared.runtime.server import bind, reachable


@pytest.mark.parametrize(
    ("host", "near", "url"),
    [
        ("0.0.0.0", "127.0.0.1", "http://127.0.0.1:"),
        ("127.0.0.1", "127.0.0.1", "http://127.0.0.1:"),
        ("localhost", "localhost", "http://localhost:"),
        ("::", "::1", "http://[::1]:"),
        ("::1", "::1", "http://[::1]:"),
    ],
)
def test_every_address_of_a_machine_is_reached_by_its_own(host: str, near: str, url: str) -> None:
    if ":" in host and not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    listener = bind(host, 0)
    with listener.socket:
        assert listener.url.startswith(url)
        assert reachable(host) == near
        port = listener.socket.getsockname()[1]
        socket.create_connection((near, port), 5).close()


def test_what_listens_at_every_address_of_the_newer_protocol_takes_the_older_one_too() -> None:
    if not _has_ipv6():
        pytest.skip("this machine has no IPv6")
    listener = bind("::", 0)
    with listener.socket:
        socket.create_connection(("127.0.0.1", listener.socket.getsockname()[1]), 5).close()


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True
