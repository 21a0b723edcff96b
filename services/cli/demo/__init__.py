"""`milesaga demo`: a stack performs five purchases, crashes included, and audits itself."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from services.cli.audit import audit, show
from services.cli.broker_node import BrokerError
from services.cli.client import ApiError
from services.cli.demo.checks import Unexpected
from services.cli.demo.composed import ComposedStack
from services.cli.demo.portal import OutsideWorld
from services.cli.demo.scenarios import Scenes
from services.cli.demo.stack import LOG, Stack, StackError, Staged
from services.cli.printing import console, styled

S = TypeVar("S", bound=Staged)
INTERRUPTED = 130


def run(
    home: Annotated[
        Path | None, typer.Option(envvar="MILESAGA_HOME", help="Data folder of the demonstration; it is kept.")
    ] = None,
    compose: Annotated[
        bool, typer.Option("--compose", help="Over the containers of `make up`, which go on afterwards.")
    ] = False,
    hub: Annotated[bool, typer.Option("--hub", help="Partners' events instead of purchases.")] = False,
    releases: Annotated[
        bool, typer.Option("--releases", help="A deployment that wants another person, instead of purchases.")
    ] = False,
) -> None:
    """Start a stack of its own, perform five purchases over the public HTTP API, audit the books, stop everything.

    With --hub a partner's tills instead, which publish a thousand receipts; with --releases a deployment that is
    approved, changed, denied, frozen, and proved.
    """
    if hub + compose + releases > 1:
        raise typer.BadParameter("partners' events, and releases, are shown over a stack of the demonstration's own.")
    # the log of releases knows one policy: another one's log takes no request by it
    home = home or Path(".milesaga", "demo-releases" if releases else "demo")
    if compose:
        _play(nullcontext(ComposedStack()), _perform, None)
    elif hub:
        from services.cli.demo import hub as events  # noqa: PLC0415 - of the other demonstration

        _play(Stack(home, events.ENVIRONMENT), events.perform, home / LOG)
    elif releases:
        from services.cli.demo import releases as deployment  # noqa: PLC0415 - as above

        _play(Stack(home, deployment.ENVIRONMENT), deployment.perform, home / LOG)
    else:
        _play(Stack(home), _perform, home / LOG)


def _play(staged: AbstractContextManager[S], perform: Callable[[S, Console], None], log: Path | None) -> None:
    """Over a stack of the demonstration's own where there is its log."""
    out = console()
    begun = time.monotonic()
    try:
        with _terminated_as_interrupted(), staged as stack:
            perform(stack, out)
    except (Unexpected, ApiError, StackError, BrokerError) as error:
        out.print(styled("The demonstration failed.", "bold red"), str(error))
        if log is not None and log.exists():
            out.print(f"The stack's log is {log}.")
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        out.print("Interrupted; the containers go on." if log is None else "Interrupted; everything is stopped.")
        raise typer.Exit(INTERRUPTED) from None
    out.print(f"\nDone after {time.monotonic() - begun:.1f} s. {stack.left}")


def _perform(stack: Staged, out: Console) -> None:
    out.print("Starting RabbitMQ, all services and the sandbox (the outside world on a laptop) ...")
    took = stack.start()
    out.print(f"ready {stack.url} after {took:.1f} s; log: {stack.log}")
    scenes = Scenes(stack, out)
    outside = OutsideWorld(stack.url)
    outside.behave()
    for number, (title, play) in enumerate(scenes.all(), 1):
        out.print(styled(f"\n{number}. {title}", "bold"))
        play()
        outside.behave()
    out.print(styled("\nAudit: our books against the outside world's", "bold"))
    result = audit(outside.api)
    show(out, result)
    if result.differences:
        raise Unexpected(f"the audit: expected no difference, found {len(result.differences)}")


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM is taken as Ctrl-C, so that nothing is left behind."""

    def interrupt(_: int, __: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
