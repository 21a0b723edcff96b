from dataclasses import replace

import pytest

from shared.store.documents import Collection, CollectionSpec, Document, Index, Scalar
from tests.contract.store.conftest import Engine, put

# In the order of (rank, shelf, id): nothing before numbers, numbers before text, text by its bytes.
SHELF: list[tuple[str, Scalar, Scalar]] = [
    ("n1", None, None),
    ("n2", None, None),
    ("n3", None, 4),
    ("n4", None, "a"),
    ("p1", -5, None),
    ("p2", 7, 1),
    ("p3", 7, 1),
    ("p4", 7, 1),
    ("p5", 7, "B"),
    ("p6", 7, "a"),
    ("p7", 7, "é"),
    ("p8", 30, None),
    ("q1", "7", None),
    ("q2", "A", 1),
    ("q3", "a", 1),
    ("q4", "a\u0301", 1),
    ("q5", "é", 1),
    ("q6", "日", 1),
    ("q7", "🛫", 1),
]
ORDERED = [name for name, _, _ in SHELF]


def book(name: str, rank: Scalar, shelf: Scalar) -> Document:
    """Absent and null are the same to an index, so both stand for None."""
    body: dict[str, object] = {"kind": "book", "rank": rank, "shelf": shelf}
    if name in {"n2", "n4", "p8"}:
        body = {key: value for key, value in body.items() if value is not None}
    return Document(name, body)


@pytest.fixture
async def shelf(things: Collection) -> Collection:
    await put(things, *(book(*row) for row in reversed(SHELF)))
    await put(things, Document("other", {"kind": "map", "rank": 7, "shelf": 1}), Document("none", {"rank": 7}))
    return things


async def walk(collection: Collection, prefix: tuple[Scalar, ...], size: int, descending: bool) -> list[str]:
    """Page by page, as a list's cursor goes."""
    fields = ("kind", "rank", "shelf")[len(prefix) :]
    names: list[str] = []
    after: tuple[Scalar, ...] | None = None
    while True:
        page = await collection.find("by_kind", prefix, limit=size, after=after, descending=descending)
        assert len(page) <= size
        if not page:
            return names
        names += [document.id for document in page]
        after = (*(page[-1].body.get(field) for field in fields), page[-1].id)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_pages_of_any_size_give_everything_once_and_in_order(
    shelf: Collection, size: int, descending: bool
) -> None:
    expected = ORDERED[::-1] if descending else ORDERED
    assert await walk(shelf, ("book",), size, descending) == expected


@pytest.mark.parametrize("descending", [False, True])
async def test_an_empty_prefix_walks_the_whole_index(shelf: Collection, descending: bool) -> None:
    expected = [*ORDERED, "other"]
    assert await walk(shelf, (), 4, descending) == (expected[::-1] if descending else expected)


@pytest.mark.parametrize("descending", [False, True])
async def test_a_longer_prefix_narrows(shelf: Collection, descending: bool) -> None:
    expected = ["p2", "p3", "p4", "p5", "p6", "p7"]
    assert await walk(shelf, ("book", 7), 2, descending) == (expected[::-1] if descending else expected)
    assert await walk(shelf, ("book", 7, 1), 2, descending) == (["p4", "p3", "p2"] if descending else expected[:3])


async def test_none_in_a_later_place_means_absent_or_null(shelf: Collection) -> None:
    assert await walk(shelf, ("book", None), 2, False) == ["n1", "n2", "n3", "n4"]
    assert await walk(shelf, ("book", None, None), 1, False) == ["n1", "n2"]


async def test_a_document_without_the_first_field_is_not_in_the_index(shelf: Collection) -> None:
    await put(shelf, Document("null", {"kind": None, "rank": 7}))
    assert await shelf.find("by_kind", (None,), limit=10) == []
    assert await shelf.find("by_kind", (None, 7), limit=10) == []


async def test_text_and_numbers_are_not_equal(shelf: Collection) -> None:
    assert await walk(shelf, ("book", "7"), 5, False) == ["q1"]


async def test_fields_may_lie_deeper_in_the_body(things: Collection) -> None:
    await put(
        things,
        Document("a", {"owner": {"id": "M1"}, "rank": 2}),
        Document("b", {"owner": {"id": "M1"}, "rank": 1}),
        Document("c", {"owner": {"id": "M2"}, "rank": 1}),
        Document("d", {"owner": None}),
    )
    assert [found.id for found in await things.find("by_owner", ("M1",), limit=5)] == ["b", "a"]


@pytest.mark.parametrize("descending", [False, True])
async def test_a_field_called_id_is_a_field_like_any_other(engine: Engine, descending: bool) -> None:
    named = CollectionSpec("named", (Index("by_name", ("id",)), Index("by_shelf", ("shelf", "id"))))
    _, (collection,) = await engine.open(named)
    bodies = {"a": "z", "b": "y", "c": "y", "d": "x"}
    await put(collection, *(Document(name, {"id": id_, "shelf": 1}) for name, id_ in bodies.items()))
    await put(collection, Document("nameless", {"shelf": 1}))
    in_order = ["d", "b", "c", "a"]
    for index, prefix, expected in (("by_name", (), in_order), ("by_shelf", (1,), ["nameless", *in_order])):
        found: list[str] = []
        after: tuple[Scalar, ...] | None = None
        while page := await collection.find(index, prefix, limit=1, after=after, descending=descending):
            found.append(page[0].id)
            after = (page[0].body.get("id"), page[0].id)
        assert found == (expected[::-1] if descending else expected)
    assert [each.id for each in await collection.find("by_name", ("y",), limit=5)] == ["b", "c"]


async def test_what_is_found_is_the_whole_document(things: Collection) -> None:
    (saved,) = await put(things, Document("a", {"reference": "R1", "more": [1, 2]}, schema=3))
    assert await things.find("by_reference", ("R1",), limit=5) == [saved]


async def test_a_change_moves_the_document_in_its_index(shelf: Collection) -> None:
    found = await shelf.get("n1")
    assert found is not None
    await shelf.save(replace(found, body=found.body | {"rank": 8}))
    assert await walk(shelf, ("book", 8), 5, False) == ["n1"]
    assert await walk(shelf, ("book", None), 5, False) == ["n2", "n3", "n4"]


async def test_a_long_list_comes_whole(things: Collection) -> None:
    await put(things, *(Document(f"d{n:04}", {"kind": "x", "rank": n}) for n in range(300)))
    found = await things.find("by_kind", ("x",), limit=250, descending=True)
    assert [document.body["rank"] for document in found] == list(range(299, 49, -1))


@pytest.mark.parametrize(
    ("index", "prefix", "after"),
    [("by_nothing", ("x",), None), ("by_owner", (1, 2, 3), None), ("by_owner", ("M1",), (1,))],
)
async def test_a_question_that_does_not_fit_the_index_is_refused(
    things: Collection, index: str, prefix: tuple[Scalar, ...], after: tuple[Scalar, ...] | None
) -> None:
    with pytest.raises(ValueError, match=r"index|fields"):
        await things.find(index, prefix, limit=1, after=after)
