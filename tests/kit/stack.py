"""`milesaga run` as a user starts it: a real process, with its own data folder and port, killed in every way."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from services.cli.broker_node import PrivateBroker
from services.cli.ports import free_ports
from tests.patience import READS, STARTED

REPOSITORY = Path(__file__).parents[2]
COMMAND_LINE = "services.cli.main"
READY = re.compile(r"^ready (http://\S+)", re.MULTILINE)
NOT_INHERITED = {"BROKER_URL", "MONGODB_URL", "MILESAGA_HOME", "PORT", "OIDC_ISSUER", "SANDBOX", "ENVIRONMENT"}


class Stack:
    """One `milesaga run` over `home`. Started again after a kill it keeps its port and its data."""

    def __init__(
        self,
        home: Path,
        *services: str,
        environment: Mapping[str, str] | None = None,
        repository: Path = REPOSITORY,
        python: Path = Path(sys.executable),
        module: str = COMMAND_LINE,
    ) -> None:
        """`python` has the packages that `repository` needs; `module` is a command line like the real one."""
        self._module = module
        self.home = home
        self._repository = repository
        self._python = str(python)
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log_file = home / "stack.log"
        self._services = services
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._begin = 0  # where in the log the last start began

    def start(self, within: float = STARTED) -> str:
        """Start it and wait for its `ready` line; the URL printed there."""
        self.launch()
        return self.wait_until_ready(within)

    def launch(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self._begin = self.log_file.stat().st_size if self.log_file.exists() else 0
        with self.log_file.open("ab") as out:
            self._process = subprocess.Popen(
                [self._python, "-m", self._module, "run", *self._services, "--port", str(self.port)],
                cwd=self._repository,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def wait_until_ready(self, within: float = STARTED) -> str:
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if ready := READY.search(self.log()):
                self.url = ready[1]
                return self.url
            if self.process.poll() is not None:
                raise AssertionError(f"the stack ended with {self.process.returncode}\n{self.log()[-4000:]}")
            time.sleep(0.02)
        raise AssertionError(f"the stack is not ready after {within} s\n{self.log()[-4000:]}")

    def environment(self) -> dict[str, str]:
        """For further commands on this stack: `run` in `command` uses it."""
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        return inherited | READS | {"MILESAGA_HOME": str(self.home), "PYTHONUNBUFFERED": "1"} | self._environment

    def change(self, environment: Mapping[str, str]) -> None:
        """These variables, all of them, from the next start and command on."""
        self._environment = dict(environment)

    def command(self, *arguments: str, timeout: float = 180.0) -> subprocess.CompletedProcess[str]:
        """Another `milesaga` command on the same data folder, run to its end."""
        return subprocess.run(
            [self._python, "-m", COMMAND_LINE, *arguments],
            cwd=self._repository,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the stack has not been started")
        return self._process

    def log(self) -> str:
        """What it has printed since the last start."""
        with self.log_file.open("rb") as file:
            file.seek(self._begin)
            return file.read().decode(errors="replace")

    def kill(self) -> None:
        """`kill -9` of the process that was started: the private broker stays behind."""
        self.process.kill()
        self.process.wait()

    def kill_all(self) -> None:
        """`kill -9` of every process, the private broker included."""
        _kill_group(self.process)
        PrivateBroker(self.home).kill()

    def terminate(self, within: float = 40.0) -> int:
        """SIGTERM, as a supervisor does; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)

    def interrupt(self, within: float = 40.0) -> int:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(within)

    def clean_up(self) -> None:
        """Leave no process behind, whatever the test did."""
        if self._process is not None:
            _kill_group(self._process)
        if (self.home / "broker").exists():
            PrivateBroker(self.home).kill()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()
