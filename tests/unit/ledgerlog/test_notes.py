"""Signed notes are C2SP's, as the Go reference implementation writes them."""

from base64 import b64decode

import pytest

from shared.ledgerlog.checkpoints import Checkpoint
from shared.ledgerlog.notes import BadNote, Signer, VerifierKey, opened
from tests.unit.ledgerlog.logs import ORIGIN, SIGNER, checkpoint, written

KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PRIVATE = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
SIGNATURE = (
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
NOTE = f"{TEXT}\n{SIGNATURE}"
"""The example of golang.org/x/mod/sumdb/note."""
PETER = VerifierKey.read(KEY)


def test_the_published_note_is_opened_and_made_again() -> None:
    assert opened(NOTE, [PETER]) == TEXT
    signer = Signer("PeterNeumann", b64decode(PRIVATE)[1:])
    assert signer.key.written() == KEY
    assert signer.signed(TEXT) == NOTE


def test_no_part_of_a_verifier_key_is_one() -> None:
    parts = [KEY[start:end] for start in range(len(KEY)) for end in range(start + 1, len(KEY) + 1)]
    parts += [KEY[:place] + chr(ord(KEY[place]) + 1) + KEY[place + 1 :] for place in range(len(KEY))]
    for part in parts:
        if part != KEY:
            with pytest.raises(BadNote):
                VerifierKey.read(part)


def test_a_name_that_is_no_text_is_none() -> None:
    """A terminal hands on whatever bytes were typed."""
    with pytest.raises(BadNote):
        VerifierKey.read(f"\udcff{KEY}")
    with pytest.raises(ValueError, match="name"):
        Signer("\udcff", bytes(32))


@pytest.mark.parametrize(
    "note",
    [
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}{SIGNATURE}",
        NOTE.rstrip("\n"),
        NOTE.replace("crypto", "Crypto"),
        NOTE.replace("x08go/", "x08go/A"),
        NOTE.replace("JnAM=", "JnAN="),
        NOTE.replace("\u2014", "-"),
        f"{NOTE}\n",
        f"{TEXT}\r\n{SIGNATURE}",
        f"{TEXT}\n{SIGNATURE}not a signature\n",
        f"{TEXT}\n{SIGNATURE * 101}",
        "",
    ],
)
def test_what_is_not_exactly_a_signed_note_is_refused(note: str) -> None:
    with pytest.raises(BadNote):
        opened(note, [PETER])


def test_a_stranger_vouches_for_nothing_and_harms_nothing() -> None:
    both = NOTE + SIGNER.signed(TEXT).rpartition("\n\n")[2]
    assert opened(both, [PETER]) == TEXT
    with pytest.raises(BadNote, match="none of the known keys"):
        opened(NOTE, [SIGNER.key])
    namesake = Signer("PeterNeumann", b"\x01" * 32)
    with pytest.raises(BadNote, match="none of the known keys"):
        opened(NOTE, [namesake.key])


def test_a_checkpoint_is_read_as_it_was_written() -> None:
    leaves = written(5)
    found = Checkpoint.opened(checkpoint(leaves), [SIGNER.key])
    assert (found.origin, found.size) == (ORIGIN, 5)
    assert found.text().splitlines()[:2] == [ORIGIN, "5"]


def test_a_checkpoint_is_its_origins_alone() -> None:
    other = Signer("somebody.example", b"\x09" * 32)
    note = other.signed(Checkpoint(ORIGIN, 3, b"\x00" * 32).text())
    with pytest.raises(BadNote, match="none of the known keys"):
        Checkpoint.opened(note, [other.key, SIGNER.key])


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n05\n{'A' * 43}=\n",
        f"{ORIGIN}\n-1\n{'A' * 43}=\n",
        f"{ORIGIN}\n5\n{'A' * 42}B=\n",
        f"{ORIGIN}\n5\n{'A' * 43}\n",
        f"5\n{'A' * 43}=\n",
        f"{ORIGIN}\n5\n{'A' * 42}B=\n\n",
    ],
)
def test_what_is_not_exactly_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        Checkpoint.read(text)
