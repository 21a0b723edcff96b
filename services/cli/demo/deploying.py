"""What people do in the demonstration of releases: one deploys behind the gate, others press buttons in the chat."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from services.cli.client import Api, Json, sandbox_token
from services.cli.demo.checks import Unexpected, soon
from services.cli.release.access import ROOT, SCOPES

ABOUT: Final = ("--action", "deploy", "--environment", "production", "--target", "checkout")
ENDED_WITHIN: Final = 30.0
SCRIPT: Final = """#!/bin/sh
sha256sum <deploy.sh >"$RAN"
echo "deploying checkout (execution $MILESAGA_EXECUTION)"
"""


class Person:
    """Somebody with a token of his own, by command line and HTTP."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self.api = Api(url, sandbox_token(url, SCOPES, name))


class Deploy:
    """One gate before `./deploy.sh`, in a folder of its own: a real process, as on a deployer's machine."""

    def __init__(self, url: str, folder: Path, reason: str, *options: str, person: str = "deployer") -> None:
        folder.mkdir(parents=True)
        self.script = folder / "deploy.sh"
        self.script.write_text(SCRIPT)
        self.script.chmod(0o755)
        self.ran = folder / "ran"
        payload = ("--file", "deploy.sh", "--env", "RAN")
        self.words = ("release", "gate", *ABOUT, *payload, "--reason", reason, *options, "--", "./deploy.sh")
        """As they are typed behind `milesaga`."""
        mine = {"MILESAGA_URL": url, "MILESAGA_PERSON": person, "RAN": str(self.ran)}
        mine |= {"XDG_STATE_HOME": str(folder / "state")}  # nothing is left in the home of whoever looks on
        self._said = folder / "said"
        with self._said.open("wb") as said:
            self._gate = subprocess.Popen(
                [sys.executable, "-m", "services.cli.main", *self.words],
                cwd=folder,
                env=os.environ | mine,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def ended(self) -> int:
        try:
            return self._gate.wait(ENDED_WITHIN)
        except subprocess.TimeoutExpired:
            self._gate.kill()
            raise Unexpected(f"the gate goes on after {ENDED_WITHIN:.0f} s: {self.said()}") from None

    def stop(self) -> None:
        if self._gate.poll() is None:
            self._gate.kill()
            self._gate.wait()

    def said(self) -> str:
        return self._said.read_text()


class Chat:
    """The sandbox's workspace: what stands there, and fingers."""

    def __init__(self, url: str) -> None:
        self._api = Api(url)
        self._known = {each["message"]["ts"] for each in self.messages()}

    def newest(self, text: str) -> Json:
        """The newest message that says so, waited for; each is given once."""

        def find() -> Json | None:
            for each in reversed(self.messages()):
                ts = each["message"]["ts"]
                if ts not in self._known and each["seen_by"] is None and text in each["message"]["text"]:
                    self._known.add(ts)
                    message: Json = each["message"]
                    return message
            return None

        return soon(f"a message that says {text!r}", find)

    def press(self, user: str, message: Json, verb: str) -> Json:
        """The callback, with what was answered."""
        told = self._api.send("POST", "/sandbox/slack/click", {"user": user, "ts": message["ts"], "action_id": verb})
        [answer] = told["answers"]
        if answer["status"] != 200:  # noqa: PLR2004 - HTTP's
            raise Unexpected(f"{user} pressed {verb}: expected 200, found {answer}")
        return told

    def deny(self, user: str, message: Json, reason: str) -> None:
        """Press, and fill in the modal that asks why."""
        self.press(user, message, "deny")
        view = soon("a modal", lambda: next(iter(self._api.get("/sandbox/slack/views")["views"]), None))
        values = {"why": {"reason": reason}}
        self._api.send("POST", "/sandbox/slack/submit", {"user": user, "view_id": view["view"]["id"], "values": values})

    def replay(self, told: Json) -> int:
        """The same callback again, to the byte; what is answered."""
        again = self._api.send("POST", f"/sandbox/slack/callbacks/{told['id']}/replay", {})
        return int(again["answers"][0]["status"])

    def whispered(self, user: str) -> str:
        """What that person alone was told last."""
        told = soon(f"a word to {user}", lambda: [each for each in self.messages() if each["seen_by"] == user])
        return str(told[-1]["message"]["text"])

    def shows(self, message: Json, text: str) -> bool:
        """That message is drawn so, waited for."""

        def drawn() -> bool:
            now = next(each["message"] for each in self.messages() if each["message"]["ts"] == message["ts"])
            return text in now["text"]

        return bool(soon(f"a message that becomes {text!r}", drawn))

    def messages(self) -> list[Json]:
        return list(self._api.get("/sandbox/slack/messages")["messages"])


def request_of(person: Person, state: str) -> Json:
    """The newest request in that state, waited for."""

    def find() -> Json | None:
        found = person.api.get(f"{ROOT}/requests", state=state)["requests"]
        return found[0] if found else None

    return soon(f"a request that is {state}", find)
