"""NUL in text, at which SQLite's functions end what they extract: two texts must never become one."""

import pytest

from shared.store.documents import Collection, Document
from tests.contract.store.conftest import put

NUL = "a\x00b"


@pytest.mark.parametrize("body", [{"reference": NUL}, {"owner": {"id": NUL}}, {"kind": "x", "rank": "\x00"}])
async def test_nul_in_indexed_text_is_the_callers_mistake(things: Collection, body: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="NUL"):
        await things.save(Document("stranger", body))
    (mine,) = await put(things, Document("mine", {}))
    with pytest.raises(ValueError, match="NUL"):
        await things.save(Document("mine", body, mine.version))
    assert await things.get("stranger") is None
    assert await things.get("mine") == mine


async def test_nul_in_an_id_is_the_callers_mistake(things: Collection) -> None:
    with pytest.raises(ValueError, match="NUL"):
        await things.save(Document(NUL, {}))
    assert await things.get(NUL) is None


async def test_what_is_asked_for_with_nul_is_not_taken_for_another(things: Collection) -> None:
    await put(things, Document("a", {"kind": "a", "rank": "a", "reference": "a"}))
    assert await things.get_many([NUL]) == []
    assert await things.find("by_reference", (NUL,), limit=5) == []
    assert await things.find("by_kind", ("a", NUL), limit=5) == []


async def test_nul_in_a_cursor_stands_between_its_neighbours(things: Collection) -> None:
    await put(things, Document("1", {"kind": "x", "rank": "a"}), Document("2", {"kind": "x", "rank": "aa"}))
    found = await things.find("by_kind", ("x",), limit=5, after=(NUL, None, "0"))
    assert [document.id for document in found] == ["2"]


async def test_nul_elsewhere_in_a_body_is_kept(things: Collection) -> None:
    (saved,) = await put(things, Document("a", {"reference": "R1", "note": NUL}))
    assert await things.get("a") == saved
