"""A log in a file is whole, or the place is named at which it is not."""

import json
from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared.ledgerlog import bundles
from shared.ledgerlog.bundles import Report, lines, read, verified
from shared.ledgerlog.leaves import FreeText, Leaf
from shared.ledgerlog.notes import Signer
from shared.ledgerlog.receipts import BadReceipt, Proved, Receipt
from tests.unit.ledgerlog.logs import ORIGIN, SIGNER, checkpoint, receipt, written

COUNT = 50
KEYS = [SIGNER.key]
LEAVES = written(COUNT)


def looked_at(
    leaves: Sequence[bytes], *notes: str, texts: Sequence[FreeText] = (), anchors: Sequence[str] = ()
) -> Report:
    return verified(read(lines(leaves, notes, texts)), KEYS, anchors)


def test_a_whole_log_holds() -> None:
    report = looked_at(LEAVES, checkpoint(LEAVES, 20), checkpoint(LEAVES))
    assert (report.holds, report.size, report.vouched, report.checkpoints) == (True, COUNT, COUNT, 2)
    assert report.faults == []


def test_without_a_checkpoint_nobody_vouches_for_a_log() -> None:
    assert not looked_at(LEAVES).holds
    assert not looked_at(LEAVES, checkpoint(LEAVES, signer=Signer(ORIGIN, b"\x01" * 32))).holds


@pytest.mark.parametrize("index", range(COUNT))
def test_a_changed_byte_is_found_where_it_is(index: int) -> None:
    changed = [*LEAVES]
    changed[index] = changed[index].replace(b'"ana"', b'"bia"')
    report = looked_at(changed, checkpoint(LEAVES, 20), checkpoint(LEAVES))
    assert not report.holds
    # Nothing is chained to the last leaf: the checkpoint before it is the last that holds.
    assert report.faults[0].index == (index if index < COUNT - 1 else 20)


def test_every_byte_counts() -> None:
    leaf = LEAVES[30]
    for place in range(len(leaf)):
        for flipped in (leaf[place] ^ 1, leaf[place] ^ 0x20):
            changed = [*LEAVES]
            changed[30] = leaf[:place] + bytes([flipped]) + leaf[place + 1 :]
            assert [each.index for each in looked_at(changed, checkpoint(LEAVES)).faults][:1] in ([30], [29])


def test_a_log_that_lost_its_end_is_told_by_an_anchor() -> None:
    cut = LEAVES[:-3]
    assert looked_at(cut, checkpoint(cut)).holds
    report = looked_at(cut, checkpoint(cut), anchors=[checkpoint(LEAVES)])
    assert [(each.index, each.what) for each in report.faults] == [
        (COUNT - 3, f"a checkpoint tells of {COUNT} leaves, here are {COUNT - 3}")
    ]


@pytest.mark.parametrize("anchored", [False, True])
def test_what_was_appended_is_vouched_for_by_nobody(anchored: bool) -> None:
    """Whoever has no key can make a chain, and an export has a checkpoint of all that is in it."""
    longer = written(COUNT + 3, first=LEAVES)
    anchors = [checkpoint(LEAVES)] if anchored else []
    report = looked_at(longer, checkpoint(LEAVES, 20), checkpoint(LEAVES), anchors=anchors)
    assert (report.holds, report.vouched, report.checkpoints) == (False, COUNT, 2)
    assert [each.index for each in report.faults] == [COUNT]


def test_leaves_that_changed_places_are_told() -> None:
    swapped = [*LEAVES]
    swapped[10], swapped[11] = swapped[11], swapped[10]
    assert looked_at(swapped, checkpoint(LEAVES)).faults[0].index == 10


def test_a_log_written_anew_is_told_by_an_anchor_from_before() -> None:
    anew = written(COUNT, first=LEAVES[:30], word="approved")
    assert looked_at(anew, checkpoint(anew)).holds, "its own signer says so"
    report = looked_at(anew, checkpoint(anew), anchors=[checkpoint(LEAVES, 25), checkpoint(LEAVES, 40)])
    assert [each.index for each in report.faults] == [25], "the anchor of 25 is the last that holds"


def test_a_strangers_checkpoint_does_not_hide_where_the_log_differs() -> None:
    anew, stranger = written(COUNT, first=LEAVES[:30], word="approved"), Signer(ORIGIN, b"\x01" * 32)
    anchors = [checkpoint(LEAVES, 3, stranger), checkpoint(LEAVES, 25), checkpoint(LEAVES, 40)]
    report = looked_at(anew, checkpoint(anew), anchors=anchors)
    assert [each.index for each in report.faults] == [0, 25]


def test_an_erased_text_harms_nothing_and_a_changed_one_is_told() -> None:
    told = FreeText("ab" * 32, "it burns")
    first = replace(Leaf.read(LEAVES[0]), facts={"reason": told.hash}).written()
    leaves = written(5, first=[first])
    assert looked_at(leaves, checkpoint(leaves)).holds
    assert looked_at(leaves, checkpoint(leaves), texts=[told]).holds
    assert not looked_at(leaves, checkpoint(leaves), texts=[replace(told, text="it rains")]).holds


def test_a_text_is_told_with_a_whole_salt() -> None:
    """A short one could be guessed, and with it what was erased."""
    told = FreeText("ab", "it burns")
    first = replace(Leaf.read(LEAVES[0]), facts={"reason": told.hash}).written()
    leaves = written(5, first=[first])
    assert not looked_at(leaves, checkpoint(leaves), texts=[told]).holds


@pytest.mark.parametrize(
    "line",
    [
        b"what is this",
        b'{"checkpoint": 1}',
        b'{"checkpoint": "x", "leaf": {}}',
        b'{"text": {"salt": "zz", "text": ""}}',
        b'{"text": {"salt": "00", "text": ""}}',
        b'{"text": {"salt": "%s", "text": "\\ud800"}}' % (b"ab" * 32),
        b'{"leaf": {}}',
    ],
)
def test_a_line_that_is_none_of_a_bundle_is_told(line: bytes) -> None:
    found = verified(read([*lines(LEAVES, [checkpoint(LEAVES)], []), line]), KEYS)
    assert not found.holds


@pytest.mark.parametrize("leaf", [b"[" * 100_000, b'{"facts":' + b"[" * 100_000, b'{"facts":[1]}', b"[]", b"9" * 5_000])
def test_no_leaf_keeps_texts_from_being_looked_for(leaf: bytes) -> None:
    told = FreeText("ab" * 32, "it burns")
    first = replace(Leaf.read(LEAVES[0]), facts={"reason": told.hash}).written()
    leaves = written(5, first=[first])
    report = looked_at([*leaves, leaf], checkpoint(leaves), texts=[told])
    assert {each.index for each in report.faults} == {5}


def test_a_time_that_runs_backwards_is_told() -> None:
    early = replace(Leaf.read(LEAVES[10]), at=Leaf.read(LEAVES[3]).at).written()
    leaves = written(COUNT, first=[*LEAVES[:10], early])
    report = looked_at(leaves, checkpoint(leaves))
    assert [each.what for each in report.faults] == ["it is older than the leaf before"]


def test_a_receipt_needs_no_log() -> None:
    written_out = json.dumps(receipt(LEAVES, "request-3").body()).encode()
    found, leaves = Receipt.read(written_out).verified(KEYS)
    assert found.size == COUNT
    assert [leaf.n for leaf in leaves] == list(range(3, COUNT, 7))


def spoiled(change: Callable[[dict[str, Any]], None]) -> bytes:
    body = receipt(LEAVES, "request-3").body()
    change(body)
    return json.dumps(body).encode()


SPOILED: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another actor": lambda body: body["entries"][2].update(leaf=body["entries"][2]["leaf"].replace("ana", "bia")),
    "another request's leaf": lambda body: body["entries"].append(receipt(LEAVES, "request-4").body()["entries"][-1]),
    "another order": lambda body: body["entries"].reverse(),
    "a leaf twice": lambda body: body["entries"].insert(0, body["entries"][0]),
    "nothing": lambda body: body.update(entries=[]),
    "another proof": lambda body: body["entries"][0]["proof"].pop(),
    "another log": lambda body: body.update(checkpoint=checkpoint(LEAVES, 49)),
    "nobody's signature": lambda body: body.update(checkpoint=body["checkpoint"][:-9] + "AAAAAAA=\n"),
    "no proof": lambda body: body["entries"][0].pop("proof"),
    "no list of hashes": lambda body: body["entries"][0].update(proof=dict.fromkeys(body["entries"][0]["proof"])),
    "a request that is no text": lambda body: body.update(request=3),
    "a word that nothing proves": lambda body: body.update(verdict="approved"),
    "another one": lambda body: body["entries"][0].update(actor="bia"),
    "no base64": lambda body: body["entries"][0].update(proof=["?"]),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_receipt_that_was_changed_proves_nothing(name: str) -> None:
    with pytest.raises(BadReceipt):
        Receipt.read(spoiled(SPOILED[name])).verified(KEYS)


def test_what_is_no_receipt_is_refused() -> None:
    for text in (b"", b"[]", b"{}", b"[" * 100_000):
        with pytest.raises(BadReceipt):
            Receipt.read(text)
    with pytest.raises(BadReceipt):
        Receipt("r", checkpoint(LEAVES), (Proved(b"\xff", ()),)).verified(KEYS)


def test_a_receipt_says_each_thing_once_and_in_one_way() -> None:
    """What reads the first of two members, or another encoding, must not see what was not proved."""
    text = json.dumps(receipt(LEAVES, "request-3").body())
    part = json.loads(text)["entries"][0]["proof"][0]
    last = part[-2]
    loose = [each for each in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" if each != last]
    same = [each for each in loose if b64decode(part[:-2] + each + "=") == b64decode(part)]
    assert same, "base64 writes 32 bytes in four ways, of which one is right"
    changed = [
        '{"request":"request-4",' + text[1:],
        text.replace('"leaf"', '"leaf": "another", "leaf"', 1),
        text.replace(part, part[:-2] + same[0] + "="),
        "\ufeff" + text,
    ]
    for each in [*(each.encode() for each in changed), text.encode("utf-16")]:
        with pytest.raises(BadReceipt):
            Receipt.read(each)
    assert Receipt.read(text.encode()).verified(KEYS)


def nothing(*_: Any) -> None:
    return None


MUTANTS: dict[str, tuple[str, Any]] = {
    "checkpoints are compared": ("_compare", nothing),
    "each leaf is looked at": ("_looked_at", nothing),
    "texts belong to leaves": ("hashes_in", lambda _: {FreeText("ab" * 32, "it rains").hash}),
    "a salt has its size": ("_is_salt", lambda _: True),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_each_rule_is_missed_when_it_is_taken_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, *MUTANTS[name])
    checks: list[Callable[[], None]] = [
        test_a_whole_log_holds,
        test_leaves_that_changed_places_are_told,
        test_a_log_that_lost_its_end_is_told_by_an_anchor,
        test_an_erased_text_harms_nothing_and_a_changed_one_is_told,
        test_a_text_is_told_with_a_whole_salt,
    ]
    assert any(_fails(check) for check in checks)


def _fails(check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:  # noqa: BLE001 - however it fails, it is noticed
        return True
    return False
