"""The table of refusals knows every code that is said in the sources, and no other."""

import ast
from collections.abc import Iterator
from pathlib import Path

from services.notifications.domain.reasons import _REASONS
from services.payment.adapters.stripe import _DECLINES
from shared.contracts.refusals import REFUSALS
from shared.contracts.steps import NOT_DONE
from tests.kit.stack import REPOSITORY

OF_THE_HOUSE = ("sandbox", "cli")
SAID_FIRST = {"Refused", "refuse", "CannotStart"}
SAID_BY_NAME = {"Refusal", "to"}
"""`Refusal(code=...)` and `StepRefused.to(command, code=...)`."""


def sources() -> Iterator[Path]:
    for folder in ("services", "shared"):
        for file in (REPOSITORY / folder).rglob("*.py"):
            if not set(file.parts) & set(OF_THE_HOUSE) and file.name != "refusals.py":
                yield file


def texts(node: ast.AST) -> Iterator[str]:
    """The literals in an expression: one, or those of its alternatives."""
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def codes_given_to_init(kind: ast.ClassDef) -> Iterator[str]:
    for node in ast.walk(kind):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "__init__":
            yield from texts(node.args[0])


def codes_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in SAID_FIRST and node.args:
                yield from texts(node.args[0])
            for keyword in node.keywords:
                if name in SAID_BY_NAME and keyword.arg == "code":
                    yield from texts(keyword.value)
        elif isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "CannotStart" for base in node.bases):
            yield from codes_given_to_init(node)


def test_every_refusal_is_listed_with_what_it_means_and_no_other() -> None:
    said = {code for file in sources() for code in codes_in(ast.parse(file.read_text()))}
    said |= set(_DECLINES.values()) | NOT_DONE
    assert said - set(REFUSALS) == set(), "a code that the table does not know"
    assert set(REFUSALS) - said == set(), "codes that nobody says"
    assert all(meaning.means and meaning.remedy for meaning in REFUSALS.values())


def test_customers_are_told_of_no_other_reasons() -> None:
    assert all(reasons.keys() <= REFUSALS.keys() for reasons in _REASONS.values())
