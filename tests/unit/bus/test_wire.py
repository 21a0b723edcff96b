"""Below what aiormq promises we reach in one file, for releases that were tried."""

import ast
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import aiormq.connection
import pytest
from aio_pika.robust_connection import RobustConnection
from aiormq.base import Base
from aiormq.channel import Channel
from aiormq.connection import Connection
from pamqp import commands, decode
from pamqp.header import ContentHeader

from shared.bus import wire

ROOT = Path(__file__).parents[3]
WIRE = ROOT / "shared/bus/wire.py"
OF_OTHERS = {"number", "closing", "channels"}
"""Names that other things have, too: a flight, an event loop, a bus."""


def reached(path: Path) -> set[str]:
    """The attributes a file asks for that are on the list."""
    tree = ast.parse(path.read_text())
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & wire.REACHED


def test_what_is_reached_is_named_and_nothing_else_reaches_it() -> None:
    assert reached(WIRE) == wire.REACHED
    others = {path.name: reached(path) - OF_OTHERS for path in WIRE.parent.glob("*.py") if path != WIRE}
    assert not {path: names for path, names in others.items() if names}


def test_pamqp_is_known_to_the_wire_alone() -> None:
    naming = [
        path for place in ("shared", "services") for path in (ROOT / place).rglob("*.py") if "pamqp" in imports(path)
    ]
    assert naming == [WIRE]


def imports(path: Path) -> set[str]:
    """The packages that a file imports from."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".", 1)[0] for name in found}


OFFERED = {"logging._srcfile"}
"""What a library's own documentation tells to set."""


def test_no_class_of_a_library_is_changed_elsewhere() -> None:
    """A setting of an attribute on an imported name."""
    changed = {}
    for path in (path for place in ("shared", "services") for path in (ROOT / place).rglob("*.py")):
        tree = ast.parse(path.read_text())
        foreign = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom | ast.Import)
            for alias in node.names
        }
        targets = [target for node in ast.walk(tree) if isinstance(node, ast.Assign) for target in node.targets]
        set_there = {
            f"{each.value.id}.{each.attr}"
            for each in targets
            if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id in foreign
        }
        if path != WIRE and (unasked := set_there - OFFERED):
            changed[str(path.relative_to(ROOT))] = unasked
    assert not changed


def test_all_that_is_reached_is_still_there() -> None:
    names = set(Channel.__init__.__code__.co_names) | {name for kind in Channel.__mro__ for name in vars(kind)}
    names |= set(Connection.__init__.__code__.co_names)
    names |= set(Base.__init__.__code__.co_names) | set(RobustConnection.__init__.__code__.co_names)
    names |= {
        name for kind in RobustConnection.__mro__ for name in (*vars(kind), *getattr(kind, "__annotations__", {}))
    }
    names |= {*vars(ContentHeader), *vars(commands.Basic.Properties), *vars(decode)}
    names |= {*vars(aiormq.connection), *vars(Connection)}
    assert wire.REACHED - names == set()


@pytest.mark.parametrize("library", ["aiormq", "aio-pika", "pamqp"])
def test_the_next_minor_release_is_not_taken_in_unseen(library: str) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    [bound] = [one for one in declared if re.match(rf"{library}\b", one)]
    major, minor = map(int, version(library).split(".")[:2])
    assert bound == f"{library}>={major}.{minor},<{major}.{minor + 1}"
