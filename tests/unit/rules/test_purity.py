"""The rules' language is a library of its own: it imports nothing of the house but the kernel, and does no I/O."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
FILES = sorted((REPOSITORY / "shared" / "rules").rglob("*.py"))
WITH_IO = {"asyncio", "io", "os", "pathlib", "random", "secrets", "socket", "subprocess", "sys", "time", "urllib"}


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_it_imports_the_standard_library_readers_and_writers_of_text_and_the_kernel() -> None:
    found = {name for path in FILES for name in _imported(path)}
    ours = {name for name in found if name.startswith(("shared.rules", "shared.kernel"))}
    assert found - ours - {name for name in found if name.split(".")[0] in sys.stdlib_module_names} == {
        "yaml",
        "pydantic_core",
    }


def test_it_has_no_way_to_the_outside() -> None:
    found = {name.split(".")[0] for path in FILES for name in _imported(path)}
    assert found & WITH_IO == set()
    assert [path.name for path in FILES if "open(" in path.read_text()] == []
