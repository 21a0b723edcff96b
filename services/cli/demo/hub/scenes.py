"""The scenes of the event hub. Each checks what it claims by what it finds outside."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final, Self

from rich.console import Console

from services.cli.client import Api, ApiError, Json, sandbox_token
from services.cli.demo.checks import Checks, Unexpected, soon
from services.cli.demo.hub.reader import may_read, read
from services.cli.demo.hub.till import Till
from services.cli.demo.stack import Stack

RECEIPTS: Final = 1_000
BATCH: Final = 100
WRONG: Final = 557
"""The number of the receipt whose amount is a text."""
QUALIFYING: Final = 3_000
"""Cents from which on a receipt is of interest to the partner's books."""
MAILED: Final = (11, 12, 13)
"""Receipts whose customers want to be told."""
PATIENCE: Final = 30.0
COMMAND: Final = 60.0


class HubScenes:
    """Played over one running stack, in their order."""

    def __init__(self, stack: Stack, out: Console) -> None:
        self._stack, self._out = stack, out
        self._checks = Checks(out)
        self._till = Till(stack.url, f"d{int(time.time())}")
        self._operator = Api(stack.url, sandbox_token(stack.url, "ops:read ops:write"))
        self._results: dict[int, Json] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._till.close()
        self._operator.close()

    def all(self) -> Sequence[tuple[str, Callable[[], None]]]:
        return (
            ("A partner, two types and a bus, from two files", self.applied),
            ("1,000 receipts in batches, one of them wrong", self.published),
            ("Ten receipts are said again", self.repeated),
            ("The partner reads its queue, as its own user of the broker", self.read_by_its_partner),
            ("A service of ours is told as well: customers who want it have mail", self.handed_over),
            ("One event, from its acceptance to its targets", self.traced),
            ("The archive has each event once, and is what was written", self.archived),
        )

    def applied(self) -> None:
        names = [str(self._file(name)) for name in ("partner.yaml", "bus.yaml")]
        self._show(self._milesaga("hub", "apply", *names))
        again = json.loads(self._milesaga("hub", "apply", "--json", *names))
        self._checks.same("the same files change nothing", {"same"}, {each["change"] for each in again["things"]})

    def published(self) -> None:
        refused: ApiError | None = None
        for start in range(0, RECEIPTS, BATCH):
            numbers = range(start, start + BATCH)
            batch = [self._receipt(number) for number in numbers]
            if WRONG in numbers:
                batch[WRONG - start]["data"]["total"]["amount"] = "38.99"
                refused = self._refused(batch)
                batch[WRONG - start] = self._receipt(WRONG)
            self._results |= dict(zip(numbers, self._till.publish(batch), strict=True))
        if refused is None:
            raise Unexpected("the wrong receipt: expected a refusal, found none")
        self._out.print(f"  the till was told: {refused}")
        pointers = [fault["pointer"] for fault in refused.problem["errors"]]
        self._checks.same("the refusal names the field", [f"/{WRONG % BATCH}/data/total/amount"], pointers)
        statuses = {each["status"] for each in self._results.values()}
        self._checks.same("mended, all 1,000 are accepted", ({"accepted"}, RECEIPTS), (statuses, len(self._results)))

    def repeated(self) -> None:
        numbers = range(10)
        again = self._till.publish([self._receipt(number) for number in numbers])
        self._checks.same("each is a duplicate", {"duplicate"}, {each["status"] for each in again})
        first = [self._results[number]["id"] for number in numbers]
        self._checks.same("and has the name that it was given first", first, [each["id"] for each in again])

    def read_by_its_partner(self) -> None:
        url = self._milesaga("partners", "add", "coles", "--target", "fuel/books", "--replace").strip()
        expected = {self._results[n]["id"] for n in range(RECEIPTS) if n * 7 >= QUALIFYING}
        found = read(url, "target.fuel.books", len(expected))
        self._checks.same(f"{len(expected)} receipts qualify, each copy is there", expected, set(found.by_hubid))
        self._checks.same("and none twice", len(expected), found.copies)
        self._checks.same("nobody else's queue opens to this user", False, may_read(url, "notifications"))

    def handed_over(self) -> None:
        for number in MAILED:
            name = self._receipt(number)["data"]["receipt"]
            mails = soon(f"mail about receipt {name}", lambda name=name: self._mails(name), PATIENCE)  # type: ignore[misc]
            self._checks.same(f"one mail about receipt {name}", 1, len(mails))

    def traced(self) -> None:
        event = self._receipt(MAILED[-1])
        soon("what became of it, on record", lambda: self._is_on_record(event["id"]), PATIENCE)
        shown = self._milesaga("hub", "trace", "coles", event["id"])
        self._show(shown)
        self._checks.same("it was handed over", True, "handed over" in shown)

    def archived(self) -> None:
        soon("all receipts in the archive", lambda: len(self._archived()) >= RECEIPTS, PATIENCE)
        found = self._archived()
        self._checks.same("each once", sorted(each["id"] for each in self._results.values()), sorted(found))
        self._checks.same("no segment is damaged", True, ", 0 damaged" in self._milesaga("hub", "archive", "verify"))

    def _receipt(self, number: int) -> Json:
        mail = {"email": f"shopper{number}@example.com"} if number in MAILED else {}
        return self._till.receipt(number, **mail)

    def _refused(self, batch: Sequence[Json]) -> ApiError:
        try:
            self._till.publish(batch)
        except ApiError as error:
            self._checks.same("nothing of its batch is kept", False, self._till.knows(batch[0]))
            return error
        raise Unexpected("the batch with a wrong receipt: expected a refusal, found none")

    def _mails(self, reference: str) -> list[Json]:
        found: list[Json] = self._operator.get("/sandbox/mail/messages", reference=reference)["messages"]
        return found

    def _is_on_record(self, event_id: str) -> bool:
        shown = self._operator.get(f"/v1/events/coles/{event_id}")
        return bool(shown["targets"] and shown["archived"])

    def _archived(self) -> list[str]:
        pages = self._operator.pages("/v1/hub/archive", "events", partner="coles")
        return [each["hubid"] for each in pages if each["event"]["id"].startswith(self._till.run)]

    def _file(self, name: str) -> Path:
        """The file as an integration engineer would have it, in the folder of the demonstration."""
        path = self._stack.home / name
        path.write_text(files("services.cli.demo.hub").joinpath(name).read_text())
        return path

    def _milesaga(self, *arguments: str) -> str:
        """What a command prints. Raises Unexpected where it fails."""
        own = {"MILESAGA_HOME": str(self._stack.home), "MILESAGA_URL": self._stack.url}
        done = subprocess.run(
            [sys.executable, "-m", "services.cli.main", *arguments],
            env=os.environ | own,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND,
            check=False,
        )
        if done.returncode:
            raise Unexpected(f"milesaga {' '.join(arguments)}: {done.stderr or done.stdout}")
        return done.stdout

    def _show(self, text: str) -> None:
        for line in text.rstrip().splitlines():
            self._out.print(f"  {line}")
