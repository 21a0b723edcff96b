"""The broker of `milesaga run`: one that is given, or a private node, watched for as long as the services run."""

import logging
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING, Final

from shared.runtime.home import BROKER_USERS, Home
from shared.runtime.settings import RuntimeSettings
from shared.runtime.signals import stop_signals

if TYPE_CHECKING:
    from services.cli.broker_node import PrivateBroker

log = logging.getLogger(__name__)

BROKER_START_SECONDS: Final = 60.0
BROKER_GLANCE_SECONDS: Final = 0.5
BROKER_LOOK_SECONDS: Final = 15.0
BROKER_STOP_SECONDS: Final = 8.0
"""After the drain, whose bounds are `DRAIN_SECONDS` and 10 s more; what has not gone by then is killed."""


@contextmanager
def serving_broker(settings: RuntimeSettings, home: Home, names: Sequence[str]) -> Iterator[Future[str]]:
    """The broker's URL, when it is there: a private node takes seconds to start, in which the services are imported."""
    from shared.runtime.addresses import broker_url, own_broker_url  # noqa: PLC0415

    if settings.broker_url is not None or names:
        known: Future[str] = Future()
        alone = len(names) == 1
        known.set_result(own_broker_url(settings, home, names[0]) if alone else broker_url(settings, home))
        yield known
        return
    from services.cli.broker_node import PrivateBroker  # noqa: PLC0415

    broker = PrivateBroker(home.path)
    with ThreadPoolExecutor(1) as starter:
        starting = starter.submit(_start, broker, settings, home)
        ending = Event()
        watching = starter.submit(_watch, broker, starting, ending)
        try:
            yield starting
        finally:
            ending.set()
            watching.result()
            _stop(broker, starting)


def _start(broker: "PrivateBroker", settings: RuntimeSettings, home: Home) -> str:
    """With the users that were ever given on this home: its node may be a new one."""
    url = broker.start(BROKER_START_SECONDS)
    if settings.partners.exists() or home.read(BROKER_USERS):
        from services.cli.users import BrokerUsers  # noqa: PLC0415 - few stacks have users

        BrokerUsers(settings).apply()
    return url


def _watch(broker: "PrivateBroker", starting: "Future[str]", ending: Event) -> None:
    """Start a node again that was killed, and replace one that refuses messages for good, as after a full disk: neither
    mends by itself. Whether it lives is seen at a glance; whether it takes messages costs it a probe."""
    from services.cli.broker_node import BrokerError  # noqa: PLC0415

    if starting.exception() is not None:
        return
    looked, pause = time.monotonic(), BROKER_GLANCE_SECONDS
    while not ending.wait(pause):
        pause = BROKER_GLANCE_SECONDS
        if broker.lives and time.monotonic() - looked < BROKER_LOOK_SECONDS:
            continue
        try:
            if broker.mend(BROKER_START_SECONDS, ending.is_set):
                log.warning("the private broker was gone, or took no messages, and was started again")
        except BrokerError as error:
            log.warning("the private broker cannot be started again", extra={"error": type(error).__name__})
            pause = BROKER_LOOK_SECONDS
        looked = time.monotonic()


def _stop(broker: "PrivateBroker", starting: "Future[str]") -> None:
    """A node that is only half started cannot be stopped in order, so the start is awaited."""
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)
    if starting.exception() is None:
        broker.stop(BROKER_STOP_SECONDS)
