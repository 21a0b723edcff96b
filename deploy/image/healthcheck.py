#!/opt/milesaga/bin/python -ISB
"""Exit 0 when this container's service may be given work: `/readyz` answers 200 within four seconds.

Asked every few seconds in every container, so it imports nothing but sockets: an HTTP client costs ten times as much.
"""

import os
import socket
import sys

SECONDS = 4.0
LONGEST_STATUS_LINE = 128


def ready(port: int) -> bool:
    """Whether the service that listens on this port of the container's own says so."""
    request = f"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), SECONDS) as line:
            line.sendall(request.encode())
            answer = line.recv(LONGEST_STATUS_LINE)
    except OSError:
        return False
    return answer.split(b" ", 2)[1:2] == [b"200"]


if __name__ == "__main__":
    sys.exit(0 if ready(int(os.environ.get("PORT", "8000"))) else 1)
