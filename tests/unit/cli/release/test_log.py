"""`milesaga release log verify` and `policy check`: what an auditor does, with files alone."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli.release import app
from shared.ledgerlog.bundles import lines
from tests.unit.ledgerlog.logs import SIGNER, checkpoint, receipt, written

LEAVES = written(20)
KEY = SIGNER.key.written()
LAPTOP = Path(__file__).parents[4] / "services/releases/laptop"


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return bundled(tmp_path, LEAVES)


def bundled(folder: Path, leaves: list[bytes]) -> Path:
    file = folder / "log.jsonl"
    file.write_bytes(b"".join(lines(leaves, [checkpoint(LEAVES)], [])))
    return file


def test_a_whole_log_is_verified_with_a_file_and_a_key(bundle: Path, tmp_path: Path) -> None:
    result = run("log", "verify", "--bundle", str(bundle), "--key", KEY)
    assert (result.exit_code, result.stdout.split(",")[0]) == (0, "20 entries")
    key = tmp_path / "key.txt"
    key.write_text(f"{KEY}\n")
    told = run("log", "verify", "--bundle", str(bundle), "--key", str(key), "--json")
    assert json.loads(told.stdout)["vouched"] == 20


def test_the_first_entry_that_differs_is_named(tmp_path: Path) -> None:
    changed = [*LEAVES]
    changed[7] = changed[7].replace(b"asked", b"tasks")
    result = run("log", "verify", "--bundle", str(bundled(tmp_path, changed)), "--key", KEY)
    assert result.exit_code == 1
    assert "entry 7:" in result.stderr


def test_a_checkpoint_counts_however_it_was_kept(tmp_path: Path) -> None:
    """A mail has other line ends; a screen shows the key below it."""
    file, anchor = tmp_path / "log.jsonl", tmp_path / "anchor"
    file.write_bytes(b"".join(lines(LEAVES, [checkpoint(LEAVES)], [])))
    for kept in (checkpoint(LEAVES).replace("\n", "\r\n"), f"{checkpoint(LEAVES)}\nkey {KEY}\n"):
        anchor.write_bytes(kept.encode())
        result = run("log", "verify", "--bundle", str(file), "--key", KEY, "--checkpoint", str(anchor))
        assert result.exit_code == 0, result.stderr


def test_a_lost_end_is_told_by_a_checkpoint_from_elsewhere(tmp_path: Path) -> None:
    cut, anchor = LEAVES[:-3], tmp_path / "kept.note"
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"".join(lines(cut, [checkpoint(cut)], [])))
    assert run("log", "verify", "--bundle", str(file), "--key", KEY).exit_code == 0
    anchor.write_text(checkpoint(LEAVES))
    result = run("log", "verify", "--bundle", str(file), "--key", KEY, "--checkpoint", str(anchor))
    assert result.exit_code == 1
    assert "entry 17: a checkpoint tells of 20 leaves" in result.stderr


def test_a_receipt_is_verified_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt(LEAVES, "request-3").body()))
    result = run("log", "verify", "--receipt", str(file), "--key", KEY, "--json")
    assert [each["n"] for each in json.loads(result.stdout)["entries"]] == [3, 10, 17]
    file.write_text(file.read_text().replace("ana", "bia"))
    assert run("log", "verify", "--receipt", str(file), "--key", KEY).exit_code == 1


def test_a_file_is_not_believed_by_its_own_word(bundle: Path) -> None:
    result = run("log", "verify", "--bundle", str(bundle))
    assert result.exit_code != 0
    assert "--key" in result.stderr
    assert run("log", "verify", "--bundle", str(bundle), "--key", "no+key+atall").exit_code != 0


def test_what_is_no_text_is_no_checkpoint_and_no_key(bundle: Path, tmp_path: Path) -> None:
    (binary := tmp_path / "binary").write_bytes(bytes(range(128, 256)))
    result = run("log", "verify", "--bundle", str(bundle), "--key", KEY, "--checkpoint", str(binary))
    assert (result.exit_code, result.stderr[:34]) == (1, "entry 0: a checkpoint is not to be")
    result = run("log", "verify", "--bundle", str(bundle), "--key", str(binary))
    assert (result.exit_code, result.stderr[:6]) == (1, "--key:")


@pytest.mark.parametrize("beside", ["--bundle", "--checkpoint"])
def test_a_receipt_is_not_compared_with_what_is_given_beside_it(bundle: Path, tmp_path: Path, beside: str) -> None:
    """Whoever gives both would believe that it was."""
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt(LEAVES, "request-3").body()))
    assert run("log", "verify", "--receipt", str(file), "--key", KEY, beside, str(bundle)).exit_code == 2


def test_a_policy_is_checked_before_anything_starts_with_it(tmp_path: Path) -> None:
    policy, people = LAPTOP / "release-policy.toml", LAPTOP / "people.toml"
    assert run("policy", "check", str(policy), "--people", str(people)).exit_code == 0
    wrong = tmp_path / "policy.toml"
    wrong.write_text(policy.read_text().replace('{ group = "sre" }, { group = "owners" }', '{ group = "nobody" }'))
    result = run("policy", "check", str(wrong), "--people", str(people))
    assert result.exit_code == 1
    assert "line 8" in result.stderr
    assert "the group nobody" in result.stderr
    wrong.write_text(policy.read_text().replace('need = [{ group = "sre" }]', 'need = [{ group = "sre", count = 9 }]'))
    assert run("policy", "check", str(wrong), "--people", str(people)).exit_code == 1
