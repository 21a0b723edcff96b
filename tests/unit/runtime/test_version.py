"""The version that the documents tell."""

import tomllib
from pathlib import Path

from shared.runtime.version import VERSION


def test_the_documents_tell_the_packages_version() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
