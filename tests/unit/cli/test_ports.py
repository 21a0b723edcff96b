"""A port that was given to somebody is nobody else's, until it is listened at."""

import subprocess
import sys

from services.cli import ports
from services.cli.ports import HELD, free_ports, is_free

OTHER = "import sys; from services.cli import ports; print(ports._claimed(int(sys.argv[1])))"


def claimed_elsewhere(port: int) -> str:
    return subprocess.run([sys.executable, "-c", OTHER, str(port)], capture_output=True, text=True, check=True).stdout


def test_another_process_is_not_given_it() -> None:
    (port,) = free_ports(1)
    assert is_free(port)
    assert claimed_elsewhere(port) == "False\n"


def test_so_many_are_kept_and_the_oldest_goes() -> None:
    (first,) = free_ports(1)
    kept = free_ports(HELD)
    assert len({first, *kept}) == HELD + 1
    assert len(ports._claims) == HELD
    assert claimed_elsewhere(first) == "True\n"
