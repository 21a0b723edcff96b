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
from services.cli.demo.checks import Checks, Unexpected, shown_path, soon
from services.cli.demo.deploying import SCRIPT, Chat, Deploy, Person, request_of
from services.cli.demo.stack import Stack
from services.cli.printing import styled
from services.cli.release.access import ROOT

POLICY: Final = Path(__file__).parent / "release-policy.toml"
SRE, OWNER, DEPLOYER, ONCALL = "U0SRE", "U0OWNER", "U0DEPLOYER", "U0ONCALL"
WHO: Final = {SRE: "sre", OWNER: "owner", DEPLOYER: "the deployer"}
AUDIT: Final = "audit"
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
            message = self._asked()
            self._press(DEPLOYER, message)
            told = self._chat.whispered(DEPLOYER)
            self._checks.told(f"to him alone: {told}")
            self._checks.same(
                "the deployer presses approve and is refused, he alone is told",
                "You asked for this, or have a part in it: somebody else must agree.",
                told,
            )
            pressed = self._press(SRE, message)
            self._checks.same("one of sre agreed: that is not enough", "pending", self._newest()["state"])
            size = self._size()
            self._checks.same("the recorded button is replayed: answered", 200, self._chat.replay(pressed))
            self._checks.same("and without effect: the log has not grown", size, self._size())
            self._press(OWNER, message)
            self._checks.same("one of owners agreed too: it ran, and its code went through", 0, self._ended(deploy))
            hashed = hashlib.sha256(SCRIPT.encode()).hexdigest()
            self._checks.same("it ran the hashed copy", hashed, deploy.ran.read_text().split()[0])
            self._receipt = request_of(self._deployer, "succeeded")["id"]
            self._checks.same("the message shows that it is done", True, self._chat.shows(message, "done"))

    def changed(self) -> None:
        with self._deploy("checkout 1.4.3") as deploy:
            message = self._asked()
            self._press(SRE, message)
            deploy.script.write_text(SCRIPT + "rm -rf everything\n")
            self._checks.told("deploy.sh has another line now: rm -rf everything")
            self._press(OWNER, message)
            self._checks.same("exit 95: what would run is not what was agreed to", 95, self._ended(deploy))
            self._checks.same("nothing ran", False, deploy.ran.exists())
        self._clear()

    def denied(self) -> None:
        with self._deploy("checkout 1.4.4") as deploy:
            message = self._asked()
            self._chat.deny(SRE, message, "the migration is not reviewed")
            self._checks.told("sre presses deny, and says why: the migration is not reviewed")
            self._checks.same("exit 91", 91, self._ended(deploy))
            self._checks.same("nothing ran", False, deploy.ran.exists())
            self._checks.same("the message shows it", True, self._chat.shows(message, "denied"))

    def frozen(self) -> None:
        with self._deploy("checkout 1.4.5", "--patience", "6s") as deploy:
            message = self._asked()
            self._press(SRE, message)
            body = {"match": {"environment": "production"}, "reason": "Black Friday"}
            freeze = self._sre.api.send("POST", f"{ROOT}/freezes", body)
            self._checks.told("sre freezes production: Black Friday")
            self._press(OWNER, message)
            self._checks.same("approved and frozen: exit 94 when patience is over", 94, self._ended(deploy))
            self._checks.same("nothing ran", False, deploy.ran.exists())
        self._sre.api.send("DELETE", f"{ROOT}/freezes/{freeze['id']}")
        self._clear()

    def broken(self) -> None:
        with self._deploy("the database's connections are gone") as deploy:
            self._asked()
            request = request_of(self._deployer, "pending")
            body = {"digest": request["digest"], "incident": "INC-7", "reason": "no sales since 03:10"}
            self._oncall.api.send("POST", f"{ROOT}/requests/{request['id']}/break-glass", body)
            self._checks.told(f"oncall breaks the glass for {request['id']}, without sre and owners")
            self._checks.same("it runs at once, without anybody's agreement", 0, self._ended(deploy))
            loud = self._chat.newest("Glass broken by p-oncall (INC-7)")
            self._checks.told(f"chat: {loud['text']}")
            called = "<!channel>" in json.dumps(loud["blocks"])
            self._checks.same("the chat is loud: everybody in the channel is called", True, called)
            self._checks.told(f"chat: {self._chat.newest('Review overdue')['text']}")
            found = self._oncall.api.get(f"{ROOT}/requests/{request['id']}")
            self._checks.same("nobody looked at it in time: the review is overdue", "overdue", found["review"])
        body = {"verdict": "accepted", "reason": "it was right"}
        looked = self._sre.api.send("POST", f"{ROOT}/requests/{request['id']}/review", body)
        self._checks.same("another one looks at it at last", "accepted", looked["review"])

    def proved(self) -> None:
        """By the command line that an auditor has: offline, but for fetching the two files and the key."""
        audit = self._folder / AUDIT
        audit.mkdir(parents=True)
        self._checks.told(f"in {shown_path(audit)}:")
        bundle = audit / "log.jsonl"
        key = str(self._sre.api.get(f"{ROOT}/log/checkpoint")["key"])
        verify = ("verify", "--bundle", bundle.name, "--checkpoint", "kept.note", "--key", key)
        self._log(0, "checkpoint", "kept.note")
        self._log(0, "export", bundle.name)
        self._log(0, "receipt", self._receipt, "receipt.json")
        told = self._log(0, *verify)
        size = int(told.split()[0])
        self._checks.same(f"all {size} entries of the log hold, by the public key alone", True, "as they were" in told)
        told = self._log(0, "verify", "--receipt", "receipt.json", "--key", key)
        self._checks.same("a receipt of the first deployment holds", True, "proved by the checkpoint" in told)
        agreed = [line for line in told.splitlines() if " approval " in line]
        who = [name for line in agreed for name in ("p-sre", "p-owner") if name in line]
        self._checks.same("and says who agreed", ["p-sre", "p-owner"], who)
        lines = bundle.read_bytes().splitlines(keepends=True)
        index = size // 2
        bundle.write_bytes(b"".join(_flipped(lines, index)))
        told = self._log(1, *verify)
        self._checks.same(
            f"a byte of entry {index} is changed: exit 1, and the entry is named", True, f"entry {index}:" in told
        )
        shortened = [line for line in lines if line.startswith(b'{"leaf"')][:-3]
        bundle.write_bytes(b"".join(shortened))
        told = self._log(1, *verify)
        self._checks.same("the last three are cut off: the checkpoint that was kept tells, exit 1", True, bool(told))

    def _log(self, code: int, *words: str) -> str:
        """What `milesaga release log` tells an auditor, who expects it to end with that code. Raises Unexpected."""
        command = ("release", "log", *words)
        self._checks.typed(*command)
        done = subprocess.run(
            [sys.executable, "-m", "services.cli.main", *command],
            cwd=self._folder / AUDIT,
            env=os.environ | {"MILESAGA_URL": self._url, "MILESAGA_PERSON": "sre"},
            capture_output=True,
            text=True,
            check=False,
        )
        told = done.stdout + done.stderr
        if done.returncode != code:
            raise Unexpected(f"release log {words[0]}: expected exit {code}, found {done.returncode}: {told}")
        self._checks.told(told)
        return told

    @contextmanager
    def _deploy(self, reason: str, *options: str) -> Iterator[Deploy]:
        self._number += 1
        deploy = Deploy(self._url, self._folder / f"{self._number}", reason, *options)
        self._checks.typed(*deploy.words)
        try:
            yield deploy
        finally:
            deploy.stop()

    def _asked(self) -> Json:
        """The ask's message, as everybody in the channel has it."""
        message = self._chat.newest(ASKS)
        self._checks.told(f"chat: {message['text']}")
        return message

    def _press(self, user: str, message: Json) -> Json:
        self._checks.told(f"{WHO[user]} presses approve")
        return self._chat.press(user, message, "approve")

    def _ended(self, deploy: Deploy) -> int:
        """The gate's code, once it has ended; with all that it, and the script behind it, said."""
        code = deploy.ended()
        self._checks.told(deploy.said())
        return code

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
