"""Two gates, one of Python and one of sh, before the same office: real processes in a folder of their own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.eventually import eventually_sync
from tests.kit.office import Office

REPOSITORY = Path(__file__).parents[3]
GATES = {
    "python": [sys.executable, "-m", "services.cli.main", "release", "gate"],
    "sh": ["/bin/sh", str(REPOSITORY / "deploy" / "gate.sh")],
}
ABOUT = (
    "--action",
    "deploy",
    "--environment",
    "production",
    "--target",
    "checkout",
    "--reason",
    "a fix",
    "--env",
    "RAN",
)
SCRIPT = """#!/bin/sh
printf '%s\\n' "$@" >"$RAN/arguments"
cat -- deploy.sh >"$RAN/bytes"
pwd >"$RAN/folder"
env >"$RAN/environment"
"""
STARTED = 30.0


@dataclass
class Gate:
    """A way to call a gate over one office."""

    office: Office
    words: list[str]
    here: Path
    ran: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def script(self, text: str = SCRIPT, name: str = "deploy.sh") -> Path:
        path = self.here / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """`words` as they are; the rest as `ABOUT` has it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MILESAGA_")}
        mine = {
            "MILESAGA_URL": self.office.url,
            "MILESAGA_TOKEN": "secret-token",
            "RAN": str(self.ran),
            "TMPDIR": str(self.ran.parent),
            "XDG_STATE_HOME": str(self.ran.parent / "state"),
        }
        given = inherited | mine | {"PYTHONPATH": str(REPOSITORY)} | environment
        made = subprocess.Popen(
            [*self.words, *words],
            cwd=self.here,
            env={name: value for name, value in given.items() if value},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(made)
        return made

    def guard(
        self, *options: str, command: tuple[str, ...] = ("./deploy.sh",), **environment: str
    ) -> subprocess.Popen[str]:
        """A gate before `./deploy.sh`, which is one of its files."""
        return self.start(*ABOUT, "--file", "deploy.sh", "--reach", "1s", *options, "--", *command, **environment)

    def asked(self) -> None:
        """The request has been made."""
        eventually_sync(lambda: bool(self.office.requests), STARTED)

    def has_run(self) -> bool:
        return any(self.ran.iterdir())


@pytest.fixture
def office() -> Iterator[Office]:
    with Office() as office:
        yield office


@pytest.fixture(params=GATES)
def gate(request: pytest.FixtureRequest, office: Office, tmp_path: Path) -> Iterator[Gate]:
    here, ran = tmp_path / "here", tmp_path / "ran"
    here.mkdir()
    ran.mkdir()
    made = Gate(office, GATES[request.param], here, ran)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str], code: int, within: float = 40.0) -> str:
    """It has ended so; what it said on standard error."""
    out, err = process.communicate(timeout=within)
    assert process.returncode == code, f"{process.returncode}: {out}{err}"
    return err
