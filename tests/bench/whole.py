"""A whole stack, as `milesaga run` starts it, for as long as it is measured."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.kit.stack import Stack


@contextmanager
def running(home: Path, environment: Mapping[str, str] | None = None) -> Iterator[tuple[str, str]]:
    """Where it is, and its broker. Ended in order, or at once where a measurement is void."""
    stack = Stack(home, environment=environment)
    try:
        stack.start()
        yield stack.url, (stack.home / "broker.url").read_text().strip()
        stack.terminate()
    finally:
        stack.clean_up()
