"""Fixtures shared by every level of tests."""

import shutil
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path
from typing import Protocol

import hypothesis
import pytest

from services.cli.broker_node import PrivateBroker
from tests.kit.broker import VirtualHosts, start_broker
from tests.kit.lines import Lines, written
from tests.kit.stack import Stack
from tests.patience import PATIENT

hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
# An example's time says nothing of what is right, and much of what else the machine does.

STACKS = pytest.StashKey[list[Stack]]()
LOG_LINES = 80
HOMES = count()


@pytest.fixture(autouse=True)
def a_home_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where a test says no other, so that none finds what another one left in the working tree's `.milesaga`."""
    monkeypatch.setenv("MILESAGA_HOME", str(tmp_path_factory.getbasetemp() / f"home-{next(HOMES)}"))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateBroker]:
    """The session's node. Tests share it: take `vhost_url`, and never stop it; for that there is `own_broker`."""
    home = tmp_path_factory.mktemp("session-broker")
    node = start_broker(home)
    yield node
    node.kill()
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def broker_url(broker: PrivateBroker) -> str:
    """The session's node, its default virtual host: for what does not declare anything."""
    return broker.url


@pytest.fixture(scope="session")
def virtual_hosts(broker: PrivateBroker) -> VirtualHosts:
    return VirtualHosts(broker)


@pytest.fixture
def vhost_url(virtual_hosts: VirtualHosts) -> Iterator[str]:
    """An empty virtual host on the session's node, for this test alone."""
    url = virtual_hosts.take()
    yield url
    virtual_hosts.give_back(url)


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[PrivateBroker]:
    """A node for this test alone, to kill, pause, stop and start."""
    node = start_broker(tmp_path / "own-broker")
    yield node
    node.kill()
    shutil.rmtree(node.folder)


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is logged from now on, DEBUG included."""
    with written() as kept:
        yield kept


@pytest.fixture
def patience() -> float:
    """Seconds a provider is waited for; a test that waits for the end of them asks for fewer, by `parametrize`."""
    return PATIENT


class StartStack(Protocol):
    """`start_stack(*services, home=..., environment=...)`: a `Stack`, ready unless `wait=False`."""

    def __call__(
        self, *services: str, home: Path | None = None, environment: dict[str, str] | None = None, wait: bool = True
    ) -> Stack: ...


@pytest.fixture
def start_stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StartStack]:
    """Start `milesaga run` as a real process; its log is shown when the test fails."""
    stacks = request.node.stash.setdefault(STACKS, [])

    def start(
        *services: str, home: Path | None = None, environment: dict[str, str] | None = None, wait: bool = True
    ) -> Stack:
        stack = Stack(home or tmp_path / f"stack-{len(stacks)}", *services, environment=environment)
        stacks.append(stack)
        if wait:
            stack.start()
        else:
            stack.launch()
        return stack

    yield start
    for stack in stacks:
        stack.clean_up()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for stack in item.stash.get(STACKS, []):
            if stack.log_file.exists():
                end = "\n".join(stack.log_file.read_text(errors="replace").splitlines()[-LOG_LINES:])
                report.sections.append((f"log of {stack.home.name}", end))
    return report
