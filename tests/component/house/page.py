"""The page "Your own service", read as the files that it shows."""

import re
import shutil
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
PAGE = REPOSITORY / "docs" / "your-own-service.md"
SHOWN = re.compile(r"^`([\w/.]+)`\n\n```(python|diff)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FORGOTTEN = shutil.ignore_patterns("__pycache__")


def shown() -> dict[str, str]:
    """The files' contents, by their paths in the repository; the house's is a difference."""
    return {path: text for path, _, text in SHOWN.findall(PAGE.read_text())}


def repository_with_the_service(folder: Path) -> Path:
    """A copy of the repository after everything that the page says was done."""
    for name in ("services", "shared"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=FORGOTTEN)
    shutil.copy(REPOSITORY / "pyproject.toml", folder)
    files = shown()
    house = folder / "services" / "house.py"
    house.write_text(_changed(house.read_text(), files.pop("services/house.py")))
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    (folder / "services" / "thanks" / "__init__.py").touch()
    return folder


def _changed(text: str, difference: str) -> str:
    """Lines to remove must be there; what is added to them takes their place, other lines stand after the docstring."""
    removed = [line[1:] for line in difference.splitlines() if line.startswith("-")]
    added = [line[1:] for line in difference.splitlines() if line.startswith("+")]
    imports = [line for line in added if line.startswith("from ")]
    (old,) = removed
    (new,) = (line for line in added if line not in imports)
    assert old in text.splitlines(), "the page shows another house than there is"
    return text.replace(old, new).replace("\nfrom services.", "\n" + "\n".join(imports) + "\nfrom services.", 1)
