"""Where the archive keeps what it keeps is said in one variable, and what is wrong with it is said by its name."""

from pathlib import Path

import pytest

from services.archive.settings import ArchiveSettings
from shared.runtime.settings import WrongSettings, read
from shared.segments.objects import Objects


def fault(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings) as wrong:
        read(ArchiveSettings)
    return str(wrong.value)


@pytest.mark.parametrize(
    "place",
    ["s3://", "s3:///prefix", "http://bucket/x", "archive", "file://relative", "s3://bucket/x?y=1", "ftp://a/b"],
)
def test_what_is_no_place_is_told_with_what_was_expected(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    assert fault(monkeypatch, ARCHIVE_PLACE=place) == (
        "ARCHIVE_PLACE: must be file:///FOLDER, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"
    )


def test_what_is_of_another_store_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as one:
        assert fault(one, ARCHIVE_ENDPOINT="https://minio") == (
            "ARCHIVE_ENDPOINT: only where ARCHIVE_PLACE is s3:// or az://"
        )
    with monkeypatch.context() as one:
        assert "ARCHIVE_ENDPOINT" in fault(one, ARCHIVE_PLACE="gs://bucket", ARCHIVE_ENDPOINT="https://minio")
    with monkeypatch.context() as one:
        assert fault(one, ARCHIVE_PLACE="s3://bucket", ARCHIVE_ENDPOINT="minio:9000").startswith("ARCHIVE_ENDPOINT: ")


def test_a_folder_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    held = read(ArchiveSettings).opened(tmp_path, str).hold()
    assert (tmp_path / "archive" / held.writer).is_dir()
    monkeypatch.setenv("ARCHIVE_PLACE", f"{(tmp_path / 'else where').as_uri()}")
    read(ArchiveSettings).opened(tmp_path, str).hold()
    assert (tmp_path / "else where" / "writer-1").is_dir()


@pytest.mark.parametrize("place", ["s3://bucket", "s3://my.bucket/some/where/", "gs://bucket/x", "az://container/x"])
def test_an_object_store_is_a_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    monkeypatch.setenv("ARCHIVE_PLACE", place)
    opened = read(ArchiveSettings).opened(tmp_path, str)
    assert isinstance(opened, Objects)
    assert opened.head("writer-1") == f"{place.partition('://')[2].partition('/')[2].strip('/')}/writer-1/head".lstrip(
        "/"
    )
