"""The story of a deployment that wants another person: approved, changed, denied, frozen, broken, and proved."""

import hashlib
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console

from services.cli.client import Json
from services.cli.demo.checks import Checks, Unexpected, soon
from services.cli.demo.deploying import SCRIPT, Chat, Deploy, Person, request_of
from services.cli.demo.stack import Stack
from services.cli.printing import styled
from services.cli.release.access import ROOT

POLICY: Final = Path(__file__).parent / "release-policy.toml"
SRE, OWNER, DEPLOYER, ONCALL = "U0SRE", "U0OWNER", "U0DEPLOYER", "U0ONCALL"
ASKS: Final = "waits for approval"
ENVIRONMENT: Final = {"RELEASES_POLICY": str(POLICY), "PROCESSES": "1"}
"""A policy whose reviews are overdue soon; and one process for a handful of people: another would only take its time
to start."""


def perform(stack: Stack, out: Console) -> None:
    """Play every scene over a stack that is started here. Raises Unexpected and what a stack raises."""
    out.print("Starting RabbitMQ, all services and the sandbox, which has the chat ...")
    took = stack.start()
    out.print(f"ready {stack.url} after {took:.1f} s; log: {stack.log}; the chat: {stack.url}/sandbox/slack/page")
    scenes = Releases(stack.url, stack.home / "deployer" / uuid.uuid4().hex, out)
    for number, (title, play) in enumerate(scenes.all(), 1):
        out.print(styled(f"\n{number}. {title}", "bold"))
        play()


class Releases:
    """The scenes, played over one running stack."""

    def __init__(self, url: str, folder: Path, out: Console) -> None:
        self._url, self._folder = url, folder
        self._checks = Checks(out)
        self._chat = Chat(url)
        self._deployer, self._sre = Person(url, "deployer"), Person(url, "sre")
        self._oncall, self._owner = Person(url, "oncall"), Person(url, "owner")
        self._number = 0
        self._receipt = ""

    def all(self) -> Sequence[tuple[str, Callable[[], None]]]:
        return (
            ("A deployer asks; two others agree in chat; exactly the hashed script runs", self.approved),
            ("The script changes after it was approved", self.changed),
            ("Somebody denies it", self.denied),
            ("A freeze comes in between", self.frozen),
            ("An incident: the glass is broken, loudly, and nobody looks at it in time", self.broken),
            ("What ran, who asked and who agreed is proved, without the database", self.proved),
        )

    def approved(self) -> None:
        with self._deploy("checkout 1.4.2") as deploy:
            message = self._chat.newest(ASKS)
            self._chat.press(DEPLOYER, message, "approve")
            self._checks.same(
                "the deployer presses approve and is refused, he alone is told",
                "You asked for this, or have a part in it: somebody else must agree.",
                self._chat.whispered(DEPLOYER),
            )
            told = self._chat.press(SRE, message, "approve")
            self._checks.same("one of sre agreed: that is not enough", "pending", self._newest()["state"])
            size = self._size()
            self._checks.same("the recorded button is replayed: answered", 200, self._chat.replay(told))
            self._checks.same("and without effect: the log has not grown", size, self._size())
            self._chat.press(OWNER, message, "approve")
            self._checks.same("one of owners agreed too: it ran, and its code went through", 0, deploy.ended())
            hashed = hashlib.sha256(SCRIPT.encode()).hexdigest()
            self._checks.same("it ran the hashed copy", hashed, deploy.ran.read_text().split()[0])
            self._receipt = request_of(self._deployer, "succeeded")["id"]
            self._checks.same("the message shows that it is done", True, self._chat.shows(message, "done"))

    def changed(self) -> None:
        with self._deploy("checkout 1.4.3") as deploy:
            message = self._chat.newest(ASKS)
            self._chat.press(SRE, message, "approve")
            deploy.script.write_text(SCRIPT + "rm -rf everything\n")
            self._chat.press(OWNER, message, "approve")
            self._checks.same("exit 95: what would run is not what was agreed to", 95, deploy.ended())
            self._checks.same("nothing ran", False, deploy.ran.exists())
        self._clear()

    def denied(self) -> None:
        with self._deploy("checkout 1.4.4") as deploy:
            message = self._chat.newest(ASKS)
            self._chat.deny(SRE, message, "the migration is not reviewed")
            self._checks.same("exit 91", 91, deploy.ended())
            self._checks.same("nothing ran", False, deploy.ran.exists())
            self._checks.same("the message shows it", True, self._chat.shows(message, "denied"))

    def frozen(self) -> None:
        with self._deploy("checkout 1.4.5", "--patience", "6s") as deploy:
            message = self._chat.newest(ASKS)
            self._chat.press(SRE, message, "approve")
            body = {"match": {"environment": "production"}, "reason": "Black Friday"}
            freeze = self._sre.api.send("POST", f"{ROOT}/freezes", body)
            self._chat.press(OWNER, message, "approve")
            self._checks.same("approved and frozen: exit 94 when patience is over", 94, deploy.ended())
            self._checks.same("nothing ran", False, deploy.ran.exists())
        self._sre.api.send("DELETE", f"{ROOT}/freezes/{freeze['id']}")
        self._clear()

    def broken(self) -> None:
        with self._deploy("the database's connections are gone") as deploy:
            self._chat.newest(ASKS)
            request = request_of(self._deployer, "pending")
            body = {"digest": request["digest"], "incident": "INC-7", "reason": "no sales since 03:10"}
            self._oncall.api.send("POST", f"{ROOT}/requests/{request['id']}/break-glass", body)
            self._checks.same("it runs at once, without anybody's agreement", 0, deploy.ended())
            loud = self._chat.newest("Glass broken by p-oncall (INC-7)")
            called = "<!channel>" in json.dumps(loud["blocks"])
            self._checks.same("the chat is loud: everybody in the channel is called", True, called)
            self._chat.newest("Review overdue")
            found = self._oncall.api.get(f"{ROOT}/requests/{request['id']}")
            self._checks.same("nobody looked at it in time: the review is overdue", "overdue", found["review"])
        body = {"verdict": "accepted", "reason": "it was right"}
        looked = self._sre.api.send("POST", f"{ROOT}/requests/{request['id']}/review", body)
        self._checks.same("another one looks at it at last", "accepted", looked["review"])

    def proved(self) -> None:
        """By the command line that an auditor has: offline, but for fetching the two files and the key."""
        audit = self._folder / "audit"
        audit.mkdir(parents=True)
        bundle, note, receipt = audit / "log.jsonl", audit / "kept.note", audit / "receipt.json"
        told = self._sre.api.get(f"{ROOT}/log/checkpoint")
        note.write_text(told["checkpoint"])
        by = ("--key", told["key"])
        self._log("export", str(bundle))
        self._log("receipt", self._receipt, str(receipt))
        _, report = self._log("verify", "--bundle", str(bundle), "--checkpoint", str(note), *by, "--json")
        self._checks.same(
            f"all {report['size']} entries of the log hold, by the public key alone", True, report["holds"]
        )
        code, proved = self._log("verify", "--receipt", str(receipt), *by, "--json")
        self._checks.same("a receipt of the first deployment holds", 0, code)
        agreed = [each["actor"] for each in proved["entries"] if each["kind"] == "approval"]
        self._checks.same("and says who agreed", ["p-sre", "p-owner"], agreed)
        lines = bundle.read_bytes().splitlines(keepends=True)
        index = report["size"] // 2
        bundle.write_bytes(b"".join(_flipped(lines, index)))
        code, report = self._log("verify", "--bundle", str(bundle), "--checkpoint", str(note), *by, "--json")
        self._checks.same("a byte of the file is changed: exit 1", 1, code)
        self._checks.same(f"and the entry is named: {index}", index, report["faults"][0]["index"])
        shortened = [line for line in lines if line.startswith(b'{"leaf"')][:-3]
        bundle.write_bytes(b"".join(shortened))
        code, _ = self._log("verify", "--bundle", str(bundle), "--checkpoint", str(note), *by, "--json")
        self._checks.same("the last three are cut off: the checkpoint that was kept tells, exit 1", 1, code)

    def _log(self, *words: str) -> tuple[int, Json]:
        """`milesaga release log` as an auditor calls it: the exit code, and what it tells programs."""
        done = subprocess.run(
            [sys.executable, "-m", "services.cli.main", "release", "log", *words],
            env=os.environ | {"MILESAGA_URL": self._url, "MILESAGA_PERSON": "sre"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode and "--json" not in words:
            raise Unexpected(f"release log {words[0]}: expected 0, found {done.returncode}: {done.stderr}")
        return done.returncode, json.loads(done.stdout) if "--json" in words else {}

    @contextmanager
    def _deploy(self, reason: str, *options: str) -> Iterator[Deploy]:
        self._number += 1
        deploy = Deploy(self._url, self._folder / f"{self._number}", reason, *options)
        try:
            yield deploy
        finally:
            deploy.stop()

    def _newest(self) -> Json:
        newest: Json = self._deployer.api.get(f"{ROOT}/requests")["requests"][0]
        return newest

    def _size(self) -> int:
        return int(self._sre.api.get(f"{ROOT}/log", limit=1)["size"])

    def _clear(self) -> None:
        """The deployer takes back what waits, so that the next ask finds its lane free."""
        newest = self._newest()
        self._deployer.api.send("POST", f"{ROOT}/requests/{newest['id']}/withdraw", {})
        soon("a free lane", lambda: self._newest()["state"] == "withdrawn")


def _flipped(lines: list[bytes], index: int) -> list[bytes]:
    """The file's lines, with one byte in the middle of one entry changed."""
    line = bytearray(lines[index])
    line[len(line) // 2] ^= 1
    return [*lines[:index], bytes(line), *lines[index + 1 :]]
