"""Files of the repository that are made from the list of services: their texts by path, written or compared."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

Tree: TypeAlias = Mapping[str, str]
"""Texts of files, by their paths from the repository's top."""

REPOSITORY: Final = Path(__file__).parents[3]
HOUSE: Final = "services/house.py"
WIDTH: Final = 120


class _Dumper(yaml.SafeDumper):
    """Lists indented below their key, texts of several lines as they are, and nothing by reference."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - yaml's signature
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - yaml's signature
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def documents(found: Iterable[Any], source: str = HOUSE) -> str:
    """YAML documents, one after another, below a line that says where they come from."""
    dumped = (yaml.dump(each, Dumper=_Dumper, sort_keys=False, width=WIDTH, allow_unicode=True) for each in found)
    return f"# Made by `make manifests` from {source}: change it there.\n" + "---\n".join(dumped)


def write(tree: Tree, root: Path = REPOSITORY) -> list[str]:
    """Make the files as they should be; the paths of those that changed."""
    changed = differing(tree, root)
    for path in changed:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(tree[path])
    return changed


def differing(tree: Tree, root: Path = REPOSITORY) -> list[str]:
    """The paths of files that are missing or say something else."""
    return [path for path, text in tree.items() if not (root / path).is_file() or (root / path).read_text() != text]
