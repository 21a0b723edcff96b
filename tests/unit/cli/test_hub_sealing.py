"""`milesaga hub sealing` over a scripted API."""

import json
from typing import Any

import httpx
import pytest

from services.cli.client import Api
from services.cli.hub import sealing
from tests.unit.cli.test_hub_events import Stack, run

NEWEST = {"name": "9f8a6c0d2e41b7f3", "which": "newest", "sealed": 7, "target": None}
FORMER = {"name": "0c1d2e3f40516273", "which": "former", "sealed": 2, "target": None}
UNKNOWN = {"name": "ffffffff00000000", "which": "unknown", "sealed": 1, "target": "fuel/bi"}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    scripted = Stack()
    monkeypatch.setattr(sealing, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(scripted)))
    return scripted


def told(stack: Stack, *keys: dict[str, Any], waits: int = 0, needed: bool = False) -> tuple[int, str, str]:
    shown = {"keys": list(keys), "waits": waits, "former_is_needed": needed}
    stack.answers["GET /v1/hub/sealing"] = [(200, shown), (200, shown)]
    result = run("sealing")
    again = run("sealing", "--json")
    assert (json.loads(again.stdout), again.exit_code) == (shown, result.exit_code)
    return result.exit_code, result.stdout, result.stderr


def test_a_former_key_is_needed_until_nothing_is_sealed_by_it(stack: Stack) -> None:
    code, said, _ = told(stack, NEWEST, FORMER, waits=1, needed=True)
    assert code == 1
    assert all(each in said for each in ("9f8a6c0d2e41b7f3", "newest", "former", "is needed still, 1 of the processes"))
    code, said, _ = told(stack, NEWEST, FORMER | {"sealed": 0})
    assert (code, "needed no more" in said) == (0, True)


def test_without_a_change_there_is_one_key(stack: Stack) -> None:
    code, said, complained = told(stack, NEWEST)
    assert (code, "DELIVERY_FORMER_MASTER_KEY" in said, complained) == (0, False, "")


def test_a_key_that_is_missing_is_named_with_a_target_that_waits_for_it(stack: Stack) -> None:
    code, _, complained = told(stack, NEWEST, UNKNOWN)
    assert (code, complained) == (1, "ffffffff00000000 is not given: fuel/bi and others cannot be signed for\n")
