"""A demonstration that cannot keep its word says so and fails."""

from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from services.cli import demo
from services.cli.client import ApiError
from services.cli.demo.checks import Checks, Unexpected, soon
from services.cli.demo.stack import Stack, StackError
from shared.runtime.home import Home


def test_a_claim_that_holds_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    Checks(Console()).same("two tickets", 2, 1 + 1)
    assert "✔ two tickets" in capsys.readouterr().out


def test_a_claim_that_does_not_hold_says_what_was_expected_and_what_was_found() -> None:
    with pytest.raises(Unexpected, match=r"^two tickets: expected 2, found 3$"):
        Checks(Console()).same("two tickets", 2, 3)


def test_what_does_not_turn_up_in_time_is_unexpected() -> None:
    with pytest.raises(Unexpected, match="the receipt: expected within 0 s, found nothing"):
        soon("the receipt", list, within=0.0)


def test_what_turns_up_late_is_found() -> None:
    found = iter([None, None, "mail"])
    assert soon("the receipt", lambda: next(found)) == "mail"


@pytest.mark.parametrize(
    "failure", [Unexpected("two tickets: expected 2, found 3"), ApiError("Nothing answers."), StackError("It ended.")]
)
def test_a_demonstration_that_fails_stops_the_stack_and_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failure: Exception
) -> None:
    stopped = []

    def perform(_: Stack, __: Console) -> None:
        raise failure

    monkeypatch.setattr(demo, "_perform", perform)
    monkeypatch.setattr(Stack, "stop", lambda _: stopped.append(True))
    app = typer.Typer()
    app.command()(demo.run)
    result = CliRunner().invoke(app, ["--home", str(tmp_path)])
    assert result.exit_code == 1
    assert f"The demonstration failed. {failure}" in result.stdout
    assert stopped == [True]


def test_a_folder_that_cannot_be_used_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match=r"^MILESAGA_HOME: .* cannot be used"), Stack(tmp_path / "file" / "home"):
        pytest.fail("used what cannot be used")


def test_a_folder_in_which_another_stack_runs_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with (
        Home(tmp_path).claimed(),
        pytest.raises(StackError, match=r"^MILESAGA_HOME: a stack runs over .* already"),
        Stack(tmp_path),
    ):
        pytest.fail("two stacks over one folder")


def test_another_stack_in_the_same_log_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    with Stack(tmp_path, {"BROKER_URL": "not a URL"}) as stack:
        with (tmp_path / "stack.log").open("w") as log:
            log.write("ready http://127.0.0.1:1\n")
        assert not stack._is_ready()
        with (tmp_path / "stack.log").open("a") as log:
            log.write(f"ready {stack.url}\n")
        assert stack._is_ready()


def test_a_stack_that_ends_at_once_shows_the_end_of_its_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = pytest.raises(StackError, match=r"(?s)exit code 2.*BROKER_URL")
    with Stack(tmp_path, {"BROKER_URL": "not a URL"}) as stack, broken:
        stack.start()


def test_without_docker_the_demonstration_over_containers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    app = typer.Typer()
    app.command()(demo.run)
    result = CliRunner().invoke(app, ["--compose"])
    assert result.exit_code == 1
    assert "There is no `docker` on this machine." in result.stdout
    assert "stack.log" not in result.stdout
