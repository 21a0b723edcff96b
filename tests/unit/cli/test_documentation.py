"""The documentation names what is there."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from inspect import isclass
from pathlib import Path
from typing import Any

import pytest
from pydantic_settings import BaseSettings
from typer.core import TyperGroup
from typer.main import get_command

from services.cli.main import COMMANDS, app
from shared.runtime.settings import RuntimeSettings

REPOSITORY = Path(__file__).parents[3]
README = REPOSITORY / "README.md"
PAGES = [README, *sorted((REPOSITORY / "docs").rglob("*.md")), *sorted((REPOSITORY / "services").rglob("README.md"))]
WITH_SETTINGS = sorted(path.parent for path in (REPOSITORY / "services").glob("*/settings.py"))
CODE = "".join(path.read_text() for room in ("services", "shared") for path in (REPOSITORY / room).rglob("*.py"))
NOT_FOR_USERS = {"SANDBOX_SMTP_PORT"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_each_decision_has_a_number_of_its_own() -> None:
    numbers = [path.name[:4] for path in (REPOSITORY / "docs" / "decisions").glob("[0-9]*.md")]
    assert sorted(set(numbers)) == sorted(numbers)


def test_the_readme_names_every_command() -> None:
    shown = set(re.findall(r"^\| `([a-z]+)[ `]", README.read_text(), re.MULTILINE))
    assert set(COMMANDS) <= shown


def test_the_pages_name_commands_and_options_that_there_are() -> None:
    found = {(page.name, words) for page in PAGES for words in _commands(page.read_text())}
    assert len(found) > 200
    assert {(page, words, wrong) for page, words in found if (wrong := _wrong(words.split()))} == set()
    assert _wrong(["hub", "aply"]) == "aply"
    assert _wrong(["hub", "dead", "redrive", "fuel/bi", "--fingerprints", "1"]) == "--fingerprints"


def _commands(text: str) -> Iterator[str]:
    """What stands behind `milesaga`, in a line of code or within a sentence."""
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    within = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    for code in (*lines, *(" ".join(each.split()) for each in within)):
        for words in re.findall(r"(?:^|[;|&$] *)milesaga ([^|;&#>]+)", code):
            yield words.partition(" -- ")[0]


def _wrong(words: list[str]) -> str:
    """The first word that no command answers to."""
    first, *said = [word.strip("'\"[](),") for word in words]
    if first.startswith("--"):
        return "" if first in ("--help", "--version") else first
    if first not in COMMANDS:
        return first
    command = _command(first)
    while isinstance(command, TyperGroup) and said and re.match(r"[a-z]", said[0]):
        if said[0] not in command.commands:
            return said[0]
        command, said = command.commands[said[0]], said[1:]
    known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)} | {"--help"}
    return next((word for word in said if word.startswith("--") and word not in known), "")


@cache
def _command(name: str) -> Any:
    group = get_command(app)
    return group.resolve_command(group.context_class(group), [name])[1]  # type: ignore[attr-defined]


def test_the_readme_names_every_setting_that_all_processes_read() -> None:
    settings = {name.upper() for name in RuntimeSettings.model_fields} - NOT_FOR_USERS
    assert {name for name in settings if f"`{name}`" not in README.read_text()} == set()


@pytest.mark.parametrize("service", WITH_SETTINGS, ids=lambda service: service.name)
def test_a_services_readme_names_every_setting_of_its_own(service: Path) -> None:
    readme = (service / "README.md").read_text()
    assert {name for name in _settings_of(service) if f"`{name}`" not in readme} == set()


@pytest.mark.parametrize("service", WITH_SETTINGS, ids=lambda service: service.name)
def test_a_services_readme_names_no_setting_that_is_not_there(service: Path) -> None:
    named = set(re.findall(rf"\b{service.name.upper()}_[A-Z0-9_]+\b", (service / "README.md").read_text()))
    assert named <= _settings_of(service)


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name != "operations.md"],  # which lists what there is, and is not copied from
    ids=lambda page: str(page.relative_to(REPOSITORY)),
)
def test_a_line_with_a_command_can_be_copied_whole(page: Path) -> None:
    """What is said about it stands behind a `#`."""
    blocks = "\n".join(re.findall(r"```\w*\n(.*?)```", page.read_text(), re.DOTALL))
    said = re.findall(r"^(?:\.venv/bin/|make |milesaga |[A-Z_]+=\S+ ).*?\S {2,}(?![ #\\]).*$", blocks, re.MULTILINE)
    assert said == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_what_a_page_quotes_of_the_log_is_what_is_logged(page: Path) -> None:
    quoted = re.findall(r'"([a-z][a-z\']* [a-z][^"\n`]*)"(?= in the\s+log)', page.read_text())
    assert {line for line in quoted if f'"{line}' not in CODE} == set()


def _settings_of(service: Path) -> set[str]:
    module = import_module(f"services.{service.name}.settings")
    found = [each for each in vars(module).values() if isclass(each) and issubclass(each, BaseSettings)]
    found = [each for each in found if each.__module__ == module.__name__]
    return {_variable(each, name) for each in found for name in each.model_fields}


def _variable(settings: type[BaseSettings], name: str) -> str:
    alias = settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"{settings.model_config.get('env_prefix', '')}{name}".upper()
