"""What segments ask of an object store is done alike by the one in mind, which tests use, and by an S3 over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import obstore
import pytest
from obstore.store import LocalStore

from shared.segments.buckets import Bucket, ObjectBucket
from shared.segments.places import Unreachable
from shared.segments.stores import Account, objects_at
from tests.kit.buckets import in_mind
from tests.kit.stores import S3, s3


@pytest.fixture(scope="module")
def store() -> Iterator[S3]:
    with s3() as made:
        yield made


@pytest.fixture(params=["in mind", "s3"])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    if request.param == "in mind":
        return in_mind()
    store: S3 = request.getfixturevalue("store")
    return objects_at(store.bucket(f"b{uuid4().hex}"), Account(store.endpoint), str).bucket


def keys(bucket: Bucket, folder: str, after: str = "") -> list[str]:
    return [each.key for each in bucket.list(folder, after)]


def test_an_object_is_made_once(bucket: Bucket) -> None:
    assert bucket.create("a/one", b"first") is not None
    assert bucket.create("a/one", b"second") is None
    assert bucket.create("a/none", b"") is not None
    assert bucket.create("a/none", b"something") is None
    assert (bucket.read("a/one").content, bucket.read("a/none").content) == (b"first", b"")


def test_an_object_is_changed_by_who_knows_what_it_is(bucket: Bucket) -> None:
    first = bucket.create("head", b"1")
    assert first is not None
    second = bucket.replace("head", b"2", first)
    assert second is not None
    assert bucket.replace("head", b"3", first) is None
    found = bucket.read("head")
    assert (found.content, found.version) == (b"2", second)
    assert bucket.replace("head", b"3", found.version) is not None
    assert bucket.replace("nothing", b"3", second) is None


def test_some_of_an_object_is_read(bucket: Bucket) -> None:
    bucket.create("a/one", b"0123456789")
    assert bucket.between("a/one", 2, 5) == b"234"
    assert bucket.between("a/one", 2, 2) == b""
    assert bucket.look("a/one").size == 10
    assert -2 <= bucket.look("a/one").age < 60


def test_what_is_not_there_is_not_found(bucket: Bucket) -> None:
    for ask in (bucket.read, bucket.look, lambda key: bucket.between(key, 0, 5)):
        with pytest.raises(FileNotFoundError):
            ask("a/one")
    bucket.delete(["a/one"])


def test_a_folder_is_listed_in_the_order_of_keys(bucket: Bucket) -> None:
    for key in ("w/b.zst", "w/a.open/0000", "w/a.open/0007", "w/a.zst", "wider/x"):
        bucket.create(key, b"x")
    assert keys(bucket, "w") == ["w/a.open/0000", "w/a.open/0007", "w/a.zst", "w/b.zst"]
    assert keys(bucket, "w", "w/a.~") == ["w/b.zst"]
    assert keys(bucket, "w/a.open") == ["w/a.open/0000", "w/a.open/0007"]
    assert bucket.names("w") == (["a.open"], ["a.zst", "b.zst"])
    assert bucket.names("") == (["w", "wider"], [])
    assert bucket.names("nothing") == ([], [])


def test_a_list_is_whole_however_long_it_is(bucket: Bucket) -> None:
    wanted = [f"w/{number:04}" for number in range(1_100)]
    for key in wanted:
        bucket.create(key, b"")
    assert keys(bucket, "w") == wanted
    bucket.delete(wanted[:1_050])
    assert keys(bucket, "w") == wanted[1_050:]


def test_a_store_that_takes_no_heed_of_where_a_list_begins_tells_no_more_of_it(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Azurite does."""
    for key in ("w/a", "w/b", "w/c"):
        bucket.create(key, b"x")
    listed = obstore.list

    def from_the_beginning(store: Any, folder: str | None, *, offset: str | None, chunk_size: int) -> Any:
        return listed(store, folder, chunk_size=chunk_size)

    monkeypatch.setattr("shared.segments.buckets.obstore.list", from_the_beginning)
    assert keys(bucket, "w", "w/b") == ["w/c"]


def test_a_bucket_that_is_not_there_is_told(store: S3) -> None:
    bucket = objects_at("s3://nobodys", Account(store.endpoint), str).bucket
    with pytest.raises(Unreachable, match="no such bucket"):
        bucket.create("a", b"")
    for ask in (bucket.list, bucket.names):
        with pytest.raises(Unreachable, match=r"(?i)bucket"):
            ask("a")


def test_a_store_that_is_away_is_no_answer(store: S3) -> None:
    bucket = objects_at(store.bucket("away"), Account(store.endpoint, seconds=1), str).bucket
    store.away = True
    try:
        for ask in (bucket.read, bucket.look, bucket.list, bucket.names, lambda key: bucket.create(key, b"")):
            with pytest.raises(Unreachable):
                ask("a")
    finally:
        store.away = False
    assert bucket.create("a", b"") is not None


def test_what_is_there_is_deleted_whatever_is_not(bucket: Bucket) -> None:
    names = [f"a/{number:03}" for number in range(50)]
    for name in names[1:]:
        bucket.create(name, b"x")
    bucket.delete(names)
    assert keys(bucket, "a") == []


def test_a_store_that_deletes_one_by_one_goes_on_behind_what_is_not_there(tmp_path: Path) -> None:
    """As Google's: another process may have been faster with some of them."""
    bucket = ObjectBucket(LocalStore(tmp_path))
    names = [f"a/{number:03}" for number in range(50)]
    for name in names[1:]:
        bucket.create(name, b"x")
    bucket.delete(names)
    assert keys(bucket, "a") == []
