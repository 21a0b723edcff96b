"""The documentation names what is there."""

import re
from pathlib import Path

import pytest

from services.cli.main import COMMANDS
from shared.runtime.settings import RuntimeSettings

REPOSITORY = Path(__file__).parents[3]
README = REPOSITORY / "README.md"
PAGES = [README, *sorted((REPOSITORY / "docs").rglob("*.md")), *sorted((REPOSITORY / "services").rglob("README.md"))]
NOT_FOR_USERS = {"SANDBOX_SMTP_PORT"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_names_every_command() -> None:
    shown = set(re.findall(r"^\| `([a-z]+)[ `]", README.read_text(), re.MULTILINE))
    assert set(COMMANDS) <= shown


def test_the_readme_names_every_setting_that_all_processes_read() -> None:
    settings = {name.upper() for name in RuntimeSettings.model_fields} - NOT_FOR_USERS
    assert {name for name in settings if f"`{name}`" not in README.read_text()} == set()
