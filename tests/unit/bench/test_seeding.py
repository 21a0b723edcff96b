"""Copies of purchases: distinct, and related as the originals are."""

from collections.abc import Sequence
from pathlib import Path

from shared.store.documents import CollectionSpec, Document, Index, Lookup
from shared.store.sqlite import SqliteStore
from tests.bench.seeding import fill

PURCHASE = "6b5481ff-b601-5b22-b7df-4bd4c70ed6c4"
CART = "01a21b83-d9f8-75ea-a510-a065717ae755"
CHECKOUTS = CollectionSpec(
    "checkouts",
    (Index("by_member", ("member_id",)),),
    (Lookup("by_locator", "locators"), Lookup("by_ticket", "tickets")),
)
BODY = {
    "member_id": "m-f8a37e5d970d",
    "cart_id": CART,
    "locators": ["TVHBYM"],
    "tickets": ["0472400000001"],
    "amount": 1234567890123,
    "currency": "BRL",
}
COPIES = 50


async def stored(file: Path, spec: CollectionSpec, *documents: Document) -> None:
    store = SqliteStore(file)
    collection = store.collection(spec)
    await store.open()
    for document in documents:
        await collection.save(document)
    await store.close()


async def found(file: Path, spec: CollectionSpec, index: str) -> Sequence[Document]:
    store = SqliteStore(file)
    collection = store.collection(spec)
    await store.open()
    documents = await collection.find(index, (), limit=1000)
    await store.close()
    return documents


async def test_copies_differ_in_every_name_and_in_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "checkout.sqlite3"
    await stored(file, CHECKOUTS, Document(PURCHASE, BODY))
    assert await fill(file, COPIES) == COPIES
    documents = await found(file, CHECKOUTS, "by_member")
    assert len({document.id for document in documents}) == COPIES + 1
    for name in ("member_id", "cart_id", "locators", "tickets"):
        assert len({str(document.body[name]) for document in documents}) == COPIES + 1
    assert {document.body["amount"] for document in documents} == {BODY["amount"]}
    assert {document.body["currency"] for document in documents} == {"BRL"}
    assert all(document.body["cart_id"].startswith("01a21b83-d9f8-75ea-a510-") for document in documents)
    assert all(document.body["tickets"][0].startswith("047") for document in documents)


async def test_a_copy_has_the_same_names_in_every_store(tmp_path: Path) -> None:
    carts = CollectionSpec("carts", (Index("by_lock", ("locked_by",)),))
    await stored(tmp_path / "checkout.sqlite3", CHECKOUTS, Document(PURCHASE, BODY))
    await stored(tmp_path / "cart.sqlite3", carts, Document(CART, {"locked_by": PURCHASE}))
    for name in ("checkout", "cart"):
        await fill(tmp_path / f"{name}.sqlite3", COPIES)
    bought = {
        each.id: each.body["cart_id"] for each in await found(tmp_path / "checkout.sqlite3", CHECKOUTS, "by_member")
    }
    locked = {each.body["locked_by"]: each.id for each in await found(tmp_path / "cart.sqlite3", carts, "by_lock")}
    assert bought == locked


async def test_copies_are_found_as_the_original_is(tmp_path: Path) -> None:
    file = tmp_path / "checkout.sqlite3"
    await stored(file, CHECKOUTS, Document(PURCHASE, BODY))
    await fill(file, COPIES)
    store = SqliteStore(file)
    collection = store.collection(CHECKOUTS)
    await store.open()
    documents = await collection.find("by_member", (), limit=1000)
    for document in documents:
        (same,) = await collection.having("by_locator", document.body["locators"][0], limit=5)
        assert same == document
    await store.close()
