"""Files that are made: written where they differ, and compared."""

from pathlib import Path

import yaml

from services.cli.deploy.tree import differing, documents, write


def test_a_file_that_says_something_else_is_written_and_one_that_stands_is_left(tmp_path: Path) -> None:
    tree = {"a/b.yaml": "b\n", "c.yaml": "c\n"}
    (tmp_path / "c.yaml").write_text("c\n")
    assert write(tree, tmp_path) == ["a/b.yaml"]
    assert (tmp_path / "a" / "b.yaml").read_text() == "b\n"
    assert differing(tree, tmp_path) == []
    (tmp_path / "c.yaml").write_text("other\n")
    assert differing(tree, tmp_path) == ["c.yaml"]


def test_documents_are_the_yaml_that_was_given_without_references() -> None:
    shared = {"text": "one\ntwo\n", "on": "yes", "list": [1, "1"]}
    found: list[dict[str, object]] = [{"first": shared, "second": shared}, {"third": []}]
    text = documents(found)
    assert list(yaml.safe_load_all(text)) == found
    assert "&" not in text
    assert "text: |\n" in text
