"""What is written in sh is sound, by ShellCheck."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
SHELLCHECK = Path(sys.executable).with_name("shellcheck")
SCRIPTS = sorted((REPOSITORY / "deploy").glob("gate.sh")) + sorted((REPOSITORY / "deploy" / "examples").rglob("*.sh"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_for_other_peoples_machines_is_sound(script: Path) -> None:
    found = subprocess.run([SHELLCHECK, script], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
