"""`milesaga bench`: all measurements, a table, and `bench.json`."""

import asyncio
import json
import os
import platform
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from services.cli.broker_node import BrokerError, PrivateBroker
from tests.bench import (
    against,
    costs,
    deciding,
    gates,
    hub,
    hub_delivery,
    hub_matching,
    hub_past,
    hub_replays,
    purchases,
    sizes,
    stored,
    telemetry,
)
from tests.bench.children import Failed
from tests.bench.contest import Contest, entrants
from tests.bench.figures import Figure, show, write
from tests.bench.kinds import MODULE as SAMPLED
from tests.bench.kinds import Look
from tests.bench.processes import tree
from tests.bench.sampled import SAMPLES
from tests.bench.trees import here, installed, laid_out
from tests.bench.used import Meter
from tests.e2e.houses import SERVICES, House, house
from tests.e2e.shop import Shop
from tests.engines import WHY_NOT, mongodb
from tests.kit.broker import VirtualHosts
from tests.kit.counts import Counts
from tests.kit.stack import Stack

WIDTH: Final = 160
"""Columns of a table that goes to a file."""
ROUNDS: Final = 5
SAGAS: Final = 800
IN_FLIGHT: Final = 200
PURCHASES: Final = 200
PURCHASES_IN_FLIGHT: Final = 32
PACED: Final = 150
RATE: Final = 10.0
LOADED: Final = 50
"""Purchases carried out before the memory of the services is looked at."""

COUNTED: Final = 40
"""Purchases over which the cost of one is counted."""
COUNTED_AT_ONCE: Final = 2
"""Few, so that nothing is asked twice on a busy machine."""
IDLE: Final = 5.0
"""Seconds in which is seen what processes take that do nothing."""
SETTLED: Final = 3.0
"""Seconds in which receipts are sent and outboxes cleared, after the last purchase has ended."""

PARTS: Final = ("sagas", "telemetry", "purchases", "services", "costs")
ALL: Final = (
    *PARTS,
    "kinds",
    "stored",
    "hub",
    "hub-mongodb",
    "hub-matching",
    "hub-delivery",
    "hub-archive",
    "hub-large",
    "gate",
    "decide",
    "verify",
)
"""With what takes minutes, or is of interest to few, and is measured where it is named."""


class Bench:
    """The parts of the benchmark, each with a line of progress."""

    def __init__(self, home: Path, progress: Progress, rounds: int) -> None:
        """`rounds` are those of comparisons among our own."""
        self._home = home
        self._progress = progress
        self._rounds = rounds

    def sagas(self) -> list[Figure]:
        """Five durable steps, ours and the peers'."""
        task = self._progress.add_task("peers' packages", total=None)
        python = installed()
        broker = PrivateBroker(self._home / "sagas")
        self._progress.update(task, description="RabbitMQ")
        broker.start()
        try:
            hosts = VirtualHosts(broker)
            taking_part = entrants(self._home / "sagas", hosts.take, python, SAGAS)
            self._progress.update(task, description="warming up")
            with Contest(taking_part, IN_FLIGHT) as contest:
                self._progress.update(task, total=ROUNDS * len(taking_part))
                for number in range(ROUNDS):
                    contest.round(number, lambda name: self._progress.update(task, description=name, advance=1))
                self._progress.update(task, description="five-step sagas: looking into the stores")
        finally:
            broker.stop()
        self._progress.update(task, description="five-step sagas")
        return contest.figures()

    def telemetry(self) -> list[Figure]:
        """What logs, metrics and traces cost our own five steps."""
        task = self._progress.add_task("telemetry: RabbitMQ", total=ROUNDS * 3)
        broker = PrivateBroker(self._home / "telemetry")
        broker.start()
        try:
            return telemetry.measure(
                self._home / "telemetry",
                VirtualHosts(broker).take,
                rounds=ROUNDS,
                sagas=SAGAS,
                in_flight=IN_FLIGHT,
                told=lambda name: self._progress.update(task, description=f"telemetry: {name}", advance=1),
            )
        finally:
            broker.stop()

    def purchases(self) -> list[Figure]:
        """Everything in one process, as `milesaga run` starts it."""
        task = self._progress.add_task("purchases over HTTP", total=2 * (PURCHASES + PACED))
        stack = Stack(self._home / "stack")
        try:
            stack.start()
            found = asyncio.run(self._buy(stack, self._advance(task)))
            _audit(stack, PURCHASES + PACED)
            stack.terminate()
        finally:
            stack.clean_up()
        return found

    def services(self) -> list[Figure]:
        """Each service in a process of its own, once with work behind it, then fresh."""
        starts = sizes.STARTS * len(SERVICES)
        task = self._progress.add_task("services one by one", total=2 * LOADED + starts)
        with house(self._home / "house", {}) as running:
            asyncio.run(self._load(running.url, running.broker_url, self._advance(task)))
            largest = sizes.largest(running)  # before the restarts: with the work in memory
            return [sizes.slowest(running, self._advance(task)), largest]

    def costs(self) -> list[Figure]:
        """What one purchase costs, each service in a process of its own."""
        task = self._progress.add_task("what a purchase costs", total=2 * (COUNTED + COUNTED_AT_ONCE))
        with house(self._home / "costs", {}) as running:
            return asyncio.run(self._count(running, self._advance(task)))

    def kinds(self) -> list[Figure]:
        """Where the processor time of a purchase goes."""
        task = self._progress.add_task("what processes do", total=2 * (LOADED + PURCHASES))
        samples = self._home / "samples"
        samples.mkdir()
        with house(self._home / "kinds", {SAMPLES: str(samples)}, SAMPLED) as running:
            look = Look(running, samples)
            asyncio.run(self._load(running.url, running.broker_url, self._advance(task)))
            asyncio.run(self._look(running, look, self._advance(task)))
            return look.figures(PURCHASES)

    def stored(self) -> list[Figure]:
        """Whole purchases over stores of several sizes."""
        fillings = len(stored.SIZES)
        task = self._progress.add_task("purchases to be copied", total=fillings * (1 + self._rounds))
        return stored.compare(
            self._home / "stored", self._rounds, lambda what: self._progress.update(task, description=what, advance=1)
        )

    def hub(self) -> list[Figure]:
        """Partners' events: a stack's, beside the obvious way; their matching, and their webhooks."""
        task = self._progress.add_task("partners' events", total=hub.steps(self._rounds))
        return [
            *hub.measure(
                self._home / "hub",
                lambda what: self._progress.update(task, description=what, advance=1),
                rounds=self._rounds,
            ),
            *self.hub_matching(),
            *self.hub_delivery(),
            *self.hub_archive(),
        ]

    def hub_mongodb(self) -> list[Figure]:
        """Partners' events over MongoDB: the server that `MONGODB_URL` names, or a `mongod` of one's own."""
        if "MONGODB_URL" not in os.environ and shutil.which("mongod") is None:
            raise Failed(WHY_NOT)
        task = self._progress.add_task("partners' events, MongoDB", total=self._rounds)
        with mongodb(self._home / "mongod") as url:
            return hub.measure_on_mongodb(
                self._home / "hub-mongodb",
                url,
                lambda what: self._progress.update(task, description=what, advance=1),
                rounds=self._rounds,
            )

    def hub_matching(self) -> list[Figure]:
        """One event against many rules: no broker, no store."""
        task = self._progress.add_task("rules", total=self._rounds * len(hub_matching.SIZES))
        return hub_matching.measure(
            lambda what: self._progress.update(task, description=what, advance=1), rounds=self._rounds
        )

    def hub_delivery(self) -> list[Figure]:
        """Copies to endpoints, each service in a process of its own."""
        task = self._progress.add_task("webhooks", total=hub_delivery.steps(self._rounds))
        return hub_delivery.measure(
            self._home / "webhooks",
            lambda what: self._progress.update(task, description=what, advance=1),
            rounds=self._rounds,
        )

    def hub_archive(self) -> list[Figure]:
        """Replays beside live events; then back-tests and searches of a past that is made up."""
        task = self._progress.add_task(
            "the archive", total=hub_replays.steps(self._rounds) + hub_past.steps(self._rounds)
        )

        def told(what: str) -> None:
            self._progress.update(task, description=what, advance=1)

        replays = hub_replays.measure(self._home / "replays", told, rounds=self._rounds)
        return [*replays, *hub_past.measure(self._home / "past", told, rounds=self._rounds)]

    def hub_large(self) -> list[Figure]:
        """A search in a past of ten million events."""
        task = self._progress.add_task(f"{hub_past.LARGE:,} events are written", total=1)
        return hub_past.measure_large(
            self._home / "large", lambda what: self._progress.update(task, description=what, advance=1)
        )

    def gate(self) -> list[Figure]:
        """From a press to what it lets run."""
        task = self._progress.add_task("gates", total=self._rounds * gates.GATES)
        stack = Stack(self._home / "gate")
        try:
            return gates.measure(stack.start(), self._home / "gates", self._advance(task), rounds=self._rounds)
        finally:
            stack.clean_up()

    def decide(self) -> list[Figure]:
        """Presses that come at once."""
        task = self._progress.add_task("two hundred people", total=1 + self._rounds)
        home = self._home / "decide"
        stack = Stack(home, environment={"PROCESSES": "1"} | deciding.files(home / "files"))
        try:
            return deciding.decide(stack.start(), self._advance(task), rounds=self._rounds)
        finally:
            stack.clean_up()

    def verify(self) -> list[Figure]:
        """The log, by an auditor."""
        task = self._progress.add_task("100,000 entries", total=self._rounds)
        return deciding.verify(self._advance(task), rounds=self._rounds)

    def against(self, ref: str, job: str) -> against.Comparison:
        """This commit's sagas or purchases, and those of another."""
        task = self._progress.add_task(f"{job}: the files of {ref}", total=None)
        files = {against.OURS: here(), against.THEIRS: laid_out(ref, self._home / "files" / job)}
        self._progress.update(task, description=f"{job}: warming up", total=2 * self._rounds)

        def told(side: str) -> None:
            self._progress.update(task, description=f"{job}: {side}, {files[side].name}", advance=1)

        return against.compare(job, files, self._home / "against" / job, self._rounds, told)

    async def _count(self, running: House, advance: Callable[[], Any]) -> list[Figure]:
        broker = PrivateBroker(running.home)
        async with Shop(running.url) as shop, purchases.listening(running.broker_url) as till:
            prepared = await purchases.carts(shop, COUNTED + COUNTED_AT_ONCE, advance)
            # providers' tokens are asked for by the first ones
            await purchases.at_full_load(till, prepared[COUNTED:], COUNTED_AT_ONCE, advance)
            await asyncio.sleep(SETTLED)
            idle = costs.Spent(running, broker)
            await asyncio.sleep(IDLE)
            urls = [process.url for name, process in running.processes.items() if name in SERVICES]
            counts = await Counts.read(urls)
            before = costs.Spent(running, broker)
            async with costs.tallied(running.broker_url) as tally:
                await purchases.at_full_load(till, prepared[:COUNTED], COUNTED_AT_ONCE, advance)
                await asyncio.sleep(SETTLED)
                spent = costs.Spent(running, broker).since(before, idle, tally, COUNTED)
            return [*costs.counted((await Counts.read(urls)).since(counts), COUNTED), *spent]

    async def _look(self, running: House, look: Look, advance: Callable[[], Any]) -> None:
        async with Shop(running.url) as shop, purchases.listening(running.broker_url) as till:
            prepared = await purchases.carts(shop, PURCHASES, advance)
            with look:
                await purchases.at_full_load(till, prepared, PURCHASES_IN_FLIGHT, advance)
                await asyncio.sleep(SETTLED)

    async def _buy(self, stack: Stack, advance: Callable[[], Any]) -> list[Figure]:
        broker_url = (stack.home / "broker.url").read_text().strip()
        async with Shop(stack.url) as shop:
            return await purchases.measure(
                shop,
                broker_url,
                Meter(lambda: tree(stack.process.pid), PrivateBroker(stack.home)),
                full=PURCHASES,
                in_flight=PURCHASES_IN_FLIGHT,
                paced=PACED,
                rate=RATE,
                advance=advance,
            )

    async def _load(self, url: str, broker_url: str, advance: Callable[[], Any]) -> None:
        async with Shop(url) as shop, purchases.listening(broker_url) as till:
            prepared = await purchases.carts(shop, LOADED, advance)
            await purchases.at_full_load(till, prepared, PURCHASES_IN_FLIGHT, advance)

    def _advance(self, task: TaskID) -> Callable[[], Any]:
        return lambda: self._progress.advance(task)


def main(
    output: Annotated[Path, typer.Option(help="File for the figures.")] = Path("bench.json"),
    only: Annotated[list[str] | None, typer.Option(help=f"Parts to measure: {', '.join(ALL)}.")] = None,
    ref: Annotated[str | None, typer.Option("--against", help="A commit to be compared with.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Of a comparison; of each both sides have a part.")] = ROUNDS,
) -> None:
    """Measure speed and size on this machine; nothing is written unless every count is right."""
    known, wanted = (ALL, only or PARTS) if ref is None else (tuple(against.JOBS), only or against.USUAL)
    for part in wanted:
        if part not in known:
            raise typer.BadParameter(f"{part!r} is no part; known are {', '.join(known)}.")
    out = Console(width=None if sys.stdout.isatty() else WIDTH)
    columns = (TextColumn("{task.description:<40}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    figures: list[Figure] = []
    compared: list[against.Comparison] = []
    with TemporaryDirectory(prefix="milesaga-bench-") as home:
        try:
            with Progress(*columns, console=Console(stderr=True)) as progress:
                bench = Bench(Path(home), progress, rounds)
                for part in wanted:
                    if ref is None:
                        figures += getattr(bench, part.replace("-", "_"))()
                    else:
                        compared.append(bench.against(ref, part))
        except (Failed, BrokerError, AssertionError) as error:
            out.print(f"[bold red]The benchmark is void.[/] {error}", highlight=False, markup=True)
            raise typer.Exit(1) from error
    write(output, [*figures, *(figure for comparison in compared for figure in comparison.figures())])
    machine = f"{os.cpu_count()} cores, everything on them; Python {platform.python_version()}"
    title = f"{machine}; load {os.getloadavg()[0]:.1f}"
    for comparison in compared:
        comparison.show(out, f"{here().name} against {ref}; {title}")
    if figures:
        show(out, figures, title)
    out.print(f"written to {output}")


def _audit(stack: Stack, expected: int) -> None:
    """Every purchase in both sides' books, and no difference between them. Raises `Failed`."""
    audited = stack.command("audit", "--json")
    if audited.returncode:
        raise Failed(f"the audit finds differences: {audited.stdout[-2000:]}{audited.stderr[-500:]}")
    found = json.loads(audited.stdout)
    if (found["purchases"], found["open"], found["differences"]) != (expected, [], []):
        raise Failed(f"expected {expected} purchases, all ended: {json.dumps(found)[:1000]}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing that was started stays behind
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
