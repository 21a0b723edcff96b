"""One screen that says how everything stands."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from services.cli import status
from services.cli.main import app

WELL: dict[str, Any] = {
    "at": "2026-11-21T12:00:00+00:00",
    "api": {"url": "http://stack", "ready": True, "status": "ready", "broker": "here"},
    "broker": {"here": True, "version": "4.1.0"},
    "services": [
        {"name": "offers", "runs": True, "processes": None, "waiting": 0, "suspects": 0, "dead": 0},
        {"name": "payment", "runs": True, "processes": 2, "waiting": 17, "suspects": 0, "dead": 3},
        {"name": "ticketing", "runs": False, "processes": 0, "waiting": 5, "suspects": 0, "dead": 0},
    ],
    "purchases": [{"status": "needs_attention", "count": 5000, "more": True, "oldest_at": "2026-11-20T12:00:00Z"}],
    "dead": [{"service": "payment", "fault": "KeyError:[bold]", "count": 3, "oldest_at": "2026-11-20T12:00:00+00:00"}],
}


def shown(monkeypatch: pytest.MonkeyPatch, seen: dict[str, Any], *arguments: str) -> str:
    monkeypatch.setattr(status, "look", lambda _: seen)
    result = CliRunner().invoke(app, ["status", *arguments], env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return result.stdout


def line(screen: str, word: str) -> str:
    (found,) = [each for each in screen.splitlines() if word in each and "fault" not in each and "KeyError" not in each]
    return found


def test_services_queues_purchases_and_faults_stand_on_one_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = shown(monkeypatch, WELL)
    assert "ready" in line(screen, "http://stack")
    assert "RabbitMQ 4.1.0" in screen
    assert [each.strip() for each in line(screen, "payment").split("│")[1:-1]] == [
        "payment",
        "runs",
        "2",
        "17",
        "0",
        "3",
    ]
    assert "away" in line(screen, "ticketing")
    assert "5000 or more" in line(screen, "needs_attention")
    assert "KeyError:[bold]" in screen


def test_what_is_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    away = {"api": {"url": "http://stack", "ready": True, "broker": "away"}, "broker": {"here": False, "version": None}}
    screen = shown(monkeypatch, WELL | away | {"dead": []})
    assert "ready, without broker" in line(screen, "http://stack")
    assert "no dead letters" in screen
    nobody = shown(monkeypatch, WELL | {"api": {"ready": False}})
    assert "away" in line(nobody, "api")


def test_programs_get_it_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(shown(monkeypatch, WELL, "--json")) == WELL
