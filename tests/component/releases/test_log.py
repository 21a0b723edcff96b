"""The log of a service: proofs, receipts, a file that an auditor checks; and what happens to it in a crash."""

import asyncio
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from services.releases.app import PAGES, REQUESTS, TEXTS
from services.releases.cases import books, folding
from services.releases.cases import head as heads
from services.releases.cases.releasing import KeptText
from shared.contracts.releases import ReleaseCheckpoint
from shared.ledgerlog.bundles import read, verified
from shared.ledgerlog.checkpoints import Checkpoint
from shared.ledgerlog.leaves import FreeText
from shared.ledgerlog.notes import VerifierKey
from shared.ledgerlog.receipts import Receipt
from shared.ledgerlog.tree import continues, includes, leaf_hash
from shared.store.repository import Repository
from tests.component.releases.desk import Desk, releases
from tests.eventually import eventually
from tests.kit.clock import HandClock


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a test fills several."""
    from services.releases.cases import proving  # noqa: PLC0415 - patched beside the others

    for module in (heads, books, proving):
        monkeypatch.setattr(module, "PAGE", 4)
    monkeypatch.setattr(folding, "MOST_IN_HEAD", 6)
    monkeypatch.setattr(heads, "KEPT_IN_HEAD", 2)


async def lived(desk: Desk, requests: int = 6) -> list[dict[str, Any]]:
    """So many requests, each run to its end."""
    found = []
    for n in range(requests):
        request = await desk.approved(key=f"k-{n}", reason=f"reason {n}")
        granted = (await desk.grant(request)).json()
        assert (await desk.redeem(granted["grant"], request, f"attempt-{n}")).status_code == 200
        found.append(request)
    return found


async def checkpoint(desk: Desk) -> tuple[Checkpoint, VerifierKey]:
    told = (await desk.send("sre", "GET", "/log/checkpoint")).json()
    key = VerifierKey.read(told["key"])
    return Checkpoint.opened(told["checkpoint"], [key]), key


async def test_the_whole_log_is_verified_without_the_service(desk: Desk) -> None:
    await lived(desk)
    told, key = await checkpoint(desk)
    content = (await desk.send("sre", "GET", "/log/bundle")).content
    report = verified(read(content.splitlines(keepends=True)), [key])
    assert (report.holds, report.size, report.vouched) == (True, told.size, told.size)
    assert report.root == told.root
    assert told.size == 1 + 6 * 6


async def test_each_leaf_and_each_older_log_is_proved(desk: Desk) -> None:
    await lived(desk)
    told, _ = await checkpoint(desk)
    older = []
    for size in range(1, told.size + 1):
        answer = (await desk.send("sre", "GET", f"/log/proof?index={size - 1}&size={told.size}")).json()
        leaf = answer["leaf"].encode()
        assert includes(told.root, told.size, size - 1, leaf_hash(leaf), list(map(b64decode, answer["proof"])))
        older.append(leaf)
        proof = (await desk.send("sre", "GET", f"/log/consistency?from={size}&to={told.size}")).json()["proof"]
        from shared.ledgerlog.tree import root_of  # noqa: PLC0415 - beside what it is compared with

        root = root_of([leaf_hash(each) for each in older])
        assert continues(size, root, told.size, told.root, list(map(b64decode, proof)))
    wrong = await desk.send("sre", "GET", f"/log/proof?index=0&size={told.size + 1}")
    assert (wrong.status_code, wrong.json()["errors"][0]["parameter"]) == (422, "size")


async def test_a_receipt_proves_a_request_by_itself(desk: Desk) -> None:
    requests = await lived(desk)
    _, key = await checkpoint(desk)
    for request in (requests[0], requests[-1]):
        content = (await desk.send("sre", "GET", f"/log/receipts/{request['id']}")).content
        _, leaves = Receipt.read(content).verified([key])
        assert [leaf.kind for leaf in leaves] == [
            "requested",
            "approval",
            "approval",
            "approved",
            "granted",
            "executing",
        ]
    assert (await desk.send("sre", "GET", "/log/receipts/nobody")).status_code == 404


async def test_an_erased_reason_leaves_the_log_whole(desk: Desk) -> None:
    (request,) = await lived(desk, 1)
    leaves = (await desk.send("sre", "GET", "/log")).json()["leaves"]
    hash_ = next(json.loads(each)["facts"]["reason"] for each in leaves if '"kind":"requested"' in each)
    assert (await desk.send("sre", "DELETE", f"/texts/{hash_}")).status_code == 204
    assert (await desk.send("sre", "DELETE", f"/texts/{hash_}")).status_code == 404
    assert (await desk.show(request))["reason"] is None
    _, key = await checkpoint(desk)
    content = (await desk.send("sre", "GET", "/log/bundle")).content
    assert b"reason 0" not in content
    assert verified(read(content.splitlines(keepends=True)), [key]).holds


async def texts_of(desk: Desk) -> list[str]:
    """What lies in the store."""
    store = desk.runtime.store("releases")
    collection = store.collection(TEXTS)
    await store.open()
    found = await collection.find("by_salt", (), limit=100)
    await store.close()
    return sorted(str(each.body["text"]) for each in found)


async def test_what_was_said_in_vain_is_forgotten(desk: Desk) -> None:
    request = (await desk.ask()).json()
    assert (await desk.decide("owner", request, "deny", reason="not on a Friday")).status_code == 200
    assert (await desk.decide("sre", request, "deny", reason="neither do I")).status_code == 200, "it is denied already"
    assert (await desk.ask("deployer", reason="another")).status_code == 422
    assert await texts_of(desk) == ["not on a Friday", "release 4.2"]
    shown = await desk.show(request)
    assert (shown["closed_by"], shown["closed_reason"]) == ("p-owner", "not on a Friday"), "who asked is told"


async def test_a_text_whose_process_died_before_it_told_of_it_is_no_fault_of_the_log(desk: Desk) -> None:
    (request,) = await lived(desk, 1)
    store = desk.runtime.store("releases")
    texts = Repository(store.collection(TEXTS), KeptText, key=lambda each: each.id)
    await store.open()
    lost = FreeText("1" * 64, "about to be told")
    await texts.save(KeptText(id=lost.hash, salt=lost.salt, text=lost.text), version=0)
    _, key = await checkpoint(desk)
    content = (await desk.send("sre", "GET", "/log/bundle")).content
    assert verified(read(content.splitlines(keepends=True)), [key]).holds
    assert b"about to be told" not in content

    (hash_,) = [each for each in await texts.find("by_salt", (), limit=9) if each.value.text == "reason 0"]
    await texts.save(hash_.value.model_copy(update={"text": "another reason"}), version=hash_.version)
    content = (await desk.send("sre", "GET", "/log/bundle")).content
    report = verified(read(content.splitlines(keepends=True)), [key])
    assert not report.holds, "one that was changed is found out"
    await store.close()
    assert request["id"]


async def kept(desk: Desk) -> int:
    """How many checkpoints were made; the bundle has one of its own before them."""
    return (await desk.send("sre", "GET", "/log/bundle")).content.count(b'{"checkpoint"') - 1


async def test_a_checkpoint_is_made_after_a_grant_and_within_the_hour(desk: Desk, clock: HandClock) -> None:
    request = (await desk.ask()).json()
    before = await kept(desk)
    await desk.tick()
    assert await kept(desk) == before, "nothing was granted"
    clock.pass_by(hours=1)
    await desk.tick()
    await desk.tick()
    assert await kept(desk) == before + 1
    for person in ("sre", "owner"):
        await desk.decide(person, request)
    await desk.grant(request)
    await desk.tick()
    assert await kept(desk) == before + 2
    await eventually(
        lambda: len([each for each in desk.runtime.recorder.said if isinstance(each, ReleaseCheckpoint)]) == 3
    )


async def test_requests_are_folded_anew_when_they_are_lost(
    desk: Desk, tmp_path: Path, clock: HandClock, store_url: str | None
) -> None:
    requests = await lived(desk)
    before = [await desk.show(each) for each in requests]
    await desk.settled()
    store = desk.runtime.store("releases")
    collection = store.collection(REQUESTS)
    await store.open()
    for document in await collection.find("by_time", (), limit=100):
        await collection.delete(document)
    await store.close()
    async with releases(tmp_path, clock, store_url) as fresh:
        assert [await fresh.show(each) for each in requests] == before


async def test_processes_that_make_room_at_the_same_time_refuse_nothing(desk: Desk, other: Desk) -> None:
    """Whoever loses the head while he writes leaves to their pages decides again."""

    async def asks(here: Desk, which: range) -> list[int]:
        return [(await here.ask(key=f"k-{n}", target=f"t-{n}")).status_code for n in which]

    found = await asyncio.gather(*(asks(each, range(n, 80, 4)) for n, each in enumerate((desk, other, desk, other))))
    assert {status for each in found for status in each} == {201}


async def test_pages_hold_what_left_the_head_once_and_in_order(desk: Desk, other: Desk) -> None:
    for n in range(8):
        request = (await (desk if n % 2 else other).ask(key=f"k-{n}")).json()
        await (other if n % 2 else desk).decide("sre", request, "deny", reason="no")
    store = desk.runtime.store("releases")
    collection = store.collection(PAGES)
    await store.open()
    pages = sorted(await collection.get_many([heads.page_id(n) for n in range(10)]), key=lambda page: page.id)
    await store.close()
    numbers = [json.loads(leaf)["n"] for page in pages for leaf in page.body["leaves"]]
    assert numbers == list(range(len(numbers)))
    assert len(pages) > 2
