"""The scenes of the event hub. Each checks what it claims by what it finds outside."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Final, Self

from rich.console import Console

from services.cli.client import Api, ApiError, Json, sandbox_token
from services.cli.demo.checks import Checks, Unexpected, shown_path, soon
from services.cli.demo.hub.reader import may_read, read
from services.cli.demo.hub.till import Till
from services.cli.demo.stack import Stack

RECEIPTS: Final = 1_000
BATCH: Final = 100
WRONG: Final = 557
"""The number of the receipt whose amount is a text."""
QUALIFYING: Final = 3_000
"""Cents from which on a receipt is of interest to the partner's books."""
SMALL: Final = 350
"""Cents below which one is of interest to the partner's customer relations."""
DOWN: Final = 4
"""Seconds for which an endpoint is down."""
STEP: Final = 5.0
"""Seconds after which an endpoint that is back is sent twice as much."""
LITTLE: Final = 15
"""Webhooks that one may have in the first of them, at most, of 20 a second: a tenth, and what is allowed at once."""
REFUNDS: Final = 100
TAKEN: Final = 204
LATE: Final = 60.0
"""Seconds for what was tried in vain: it comes again after 1, 5 and 30."""
MAILED: Final = (11, 12, 13)
"""Receipts whose customers want to be told."""
PATIENCE: Final = 30.0
COMMAND: Final = 60.0


class HubScenes:
    """Played over one running stack, in their order."""

    def __init__(self, stack: Stack, out: Console) -> None:
        self._stack = stack
        self._checks = Checks(out)
        self._till = Till(stack.url, f"d{int(time.time())}")
        self._operator = Api(stack.url, sandbox_token(stack.url, "ops:read ops:write"))
        self._results: dict[int, Json] = {}
        self._url = ""
        """Of the partner's user on the broker, once it has one."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._till.close()
        self._operator.close()

    def all(self) -> Sequence[tuple[str, Callable[[], None]]]:
        return (
            ("A partner, two types and a bus, from two files", self.applied),
            ("Two endpoints have their secrets; one of them is down for some seconds", self.endpoints),
            ("1,000 receipts in batches, one of them wrong", self.published),
            ("Ten receipts are said again", self.repeated),
            ("The partner reads its queue, as its own user of the broker", self.read_by_its_partner),
            (
                "Both endpoints have every webhook, signed, under one name however often it was tried",
                self.delivered,
            ),
            ("A service of ours is told as well: customers who want it have mail", self.handed_over),
            ("A rule has a bug: 100 refunds owe the whole receipt. It is mended, and they are replayed", self.mended),
            ("One event, from its acceptance to its targets", self.traced),
            ("The archive has each event once, and is what was written", self.archived),
            ("Audit: each copy stands somewhere", self.audited),
        )

    def applied(self) -> None:
        names = [self._file(name) for name in ("partner.yaml", "bus.yaml")]
        self._checks.told(self._milesaga("hub", "apply", *names))
        again = json.loads(self._milesaga("hub", "apply", "--json", *names))
        self._checks.same("the same files change nothing", {"same"}, {each["change"] for each in again["things"]})

    def endpoints(self) -> None:
        for name, answers in (("bi", []), ("crm", [{"status": 503, "seconds": DOWN}])):
            secret = self._milesaga("hub", "targets", "rotate", f"fuel/{name}").strip()
            self._operator.send("DELETE", f"/sandbox/receiver/{name}")
            self._operator.send("PUT", f"/sandbox/receiver/{name}", {"secrets": [secret], "answers": answers})
            self._checks.same(f"fuel/{name} has its secret, told this once", "whsec_", secret[:6])

    def published(self) -> None:
        refused: ApiError | None = None
        self._checks.told(f"POST /v1/events, {BATCH} in each request, as application/cloudevents-batch+json")
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
        self._checks.told(f"the till was told: {refused.status} {refused.code}: {refused}")
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
        own = [part for name in ("books", "refunds") for part in ("--target", f"fuel/{name}")]
        url = self._url = self._milesaga("partners", "add", "coles", *own, "--replace").strip()
        expected = {self._results[n]["id"] for n in range(RECEIPTS) if n * 7 >= QUALIFYING}
        found = read(url, "target.fuel.books", len(expected))
        self._checks.same(f"{len(expected)} receipts qualify, each copy is there", expected, set(found.by_hubid))
        self._checks.same("and none twice", len(expected), found.copies)
        self._checks.same("nobody else's queue opens to this user", False, may_read(url, "notifications"))

    def delivered(self) -> None:
        wanted = {
            "bi": {self._results[n]["id"] for n in range(RECEIPTS) if n * 7 >= QUALIFYING},
            "crm": {self._results[n]["id"] for n in range(RECEIPTS) if n * 7 < SMALL},
        }
        for name, expected in wanted.items():
            soon(f"all webhooks at {name}", partial(self._has, name, len(expected)), LATE)
            heard = self._heard(name)
            taken = {each["body"]["hubid"]: each["webhook_id"] for each in heard if each["status"] == TAKEN}
            self._checks.same(f"{len(expected)} webhooks at {name}, each of them expected", expected, set(taken))
            names = {each["webhook_id"] for each in heard}
            self._checks.same("one name for each", set(taken.values()), names)
            self._checks.same("every request is signed", {"secret 1"}, {each["verified_by"] for each in heard})
        refused = [each for each in self._heard("crm") if each["status"] != TAKEN]
        self._checks.same("some came while crm was down, and came again", True, bool(refused))
        steps = self._since_it_was_back("crm")
        told = ", ".join(map(str, steps))
        self._checks.told(f"crm, of 20 a second at most, in each {STEP:.0f} s since it was back: {told}")
        was_slow = steps[0] <= LITTLE < sum(steps)
        self._checks.same("it was sent little at first, and not all that waited", True, was_slow)

    def handed_over(self) -> None:
        for number in MAILED:
            name = self._receipt(number)["data"]["receipt"]
            mails = soon(f"mail about receipt {name}", lambda name=name: self._mails(name), PATIENCE)  # type: ignore[misc]
            self._checks.same(f"one mail about receipt {name}", 1, len(mails))

    def mended(self) -> None:
        began = datetime.now(UTC).isoformat()
        refunds = [self._till.refund(number, number + 1) for number in range(REFUNDS)]
        right = {
            result["id"]: {"owed": event["data"]["refund"]["amount"]}
            for event, result in zip(refunds, self._till.publish(refunds), strict=True)
        }
        wrong = read(self._url, "target.fuel.refunds", REFUNDS).by_hubid
        self._checks.same("100 refunds were told wrongly", (set(right), False), (set(wrong), wrong == right))
        last = list(right)[-1]
        self._checks.told(f"such as {json.dumps(wrong[last])}, where {json.dumps(right[last])} is right")
        bus = self._file("bus.yaml")
        path = Path(bus)
        path.write_text(path.read_text().replace("{owed: {$: /data/total/amount}}", "{owed: {$: /data/refund/amount}}"))
        tried = json.loads(self._milesaga("hub", "backtest", bus, "--from", began, "--json"))
        differ = [rule["name"] for rule in tried["rules"] if rule["gained"] or rule["lost"]]
        self._checks.same(
            "tried on the past, no rule gains or loses an event", ([], True), (differ, tried["events"] > 0)
        )
        self._checks.told(self._milesaga("hub", "apply", bus))
        name = f"again-{self._till.run}"
        again = ("hub", "replay", "start", name, "--target", "fuel/refunds", "--from", began, "--rate", "500")
        self._milesaga(*again)
        found = read(self._url, "target.fuel.refunds", REFUNDS)
        self._checks.same("the replay brings all of them, as they should have been", right, found.by_hubid)
        self._checks.same("marked as what they are", 1, len(found.replays))
        self._checks.told(self._milesaga("hub", "replay", "show", name, "--follow"))
        self._checks.same("to nobody else", 0, read(self._url, "target.fuel.books", 0).copies)

    def traced(self) -> None:
        event = self._receipt(MAILED[-1])
        soon("what became of it, on record", lambda: self._is_on_record(event["id"]), PATIENCE)
        shown = self._milesaga("hub", "trace", "coles", event["id"])
        self._checks.told(shown)
        self._checks.same("it was handed over", True, "handed over" in shown)

    def archived(self) -> None:
        soon("all receipts in the archive", lambda: len(self._archived()) >= RECEIPTS, PATIENCE)
        found = self._archived()
        expected = sorted(each["id"] for each in self._results.values())
        self._checks.same("each receipt once", expected, sorted(found))
        self._checks.same("no segment is damaged", True, ", 0 damaged" in self._milesaga("hub", "archive", "verify"))

    def audited(self) -> None:
        self._checks.told(self._milesaga("audit"))

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

    def _has(self, name: str, webhooks: int) -> bool:
        return bool(self._operator.get(f"/sandbox/receiver/{name}")["webhooks"] >= webhooks)

    def _heard(self, name: str) -> list[Json]:
        """Every request that an endpoint of the sandbox had."""
        found: list[Json] = []
        after: int | None = 0
        while after is not None:
            page = self._operator.get(f"/sandbox/receiver/{name}/requests", after=after)
            found += page["requests"]
            after = page["next_after"]
        return found

    def _since_it_was_back(self, name: str) -> list[int]:
        """Webhooks that it took, by steps, from the first one after the last that it refused."""
        heard = self._heard(name)
        last = max(place for place, each in enumerate(heard) if each["status"] != TAKEN)
        times = [datetime.fromisoformat(each["at"]).timestamp() for each in heard[last + 1 :]]
        counts = Counter(int((each - times[0]) / STEP) for each in times)
        return [counts[step] for step in range(max(counts) + 1)]

    def _mails(self, reference: str) -> list[Json]:
        found: list[Json] = self._operator.get("/sandbox/mail/messages", reference=reference)["messages"]
        return found

    def _is_on_record(self, event_id: str) -> bool:
        shown = self._operator.get(f"/v1/events/coles/{event_id}")
        return bool(shown["targets"] and shown["archived"])

    def _archived(self) -> list[str]:
        pages = self._operator.pages("/v1/hub/archive", "events", partner="coles")
        return [each["hubid"] for each in pages if each["event"]["id"].startswith(f"{self._till.run}-0")]

    def _file(self, name: str) -> str:
        """The file as an integration engineer would have it, in the folder of the demonstration; its path as typed."""
        path = self._stack.home / name
        text = files("services.cli.demo.hub").joinpath(name).read_text()
        path.write_text(text.replace("$url", self._stack.url))
        return shown_path(path)

    def _milesaga(self, *arguments: str) -> str:
        """What a command prints, which is shown itself. Raises Unexpected where it fails."""
        self._checks.typed(*arguments)
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
