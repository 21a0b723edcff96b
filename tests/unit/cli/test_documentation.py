"""The documentation names what is there."""

import re
from importlib import import_module
from inspect import isclass
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from services.cli.main import COMMANDS
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
