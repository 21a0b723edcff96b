"""Segments on a disk: what was synced is there, what was torn is cut, what was changed is found."""

import hashlib
import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
import zstandard

from shared.segments import contents, files, frames
from shared.segments.contents import check, grown, index_of, lines_of, summary, that_may_have
from shared.segments.files import OpenSegment, content, reopened
from shared.segments.lines import Damaged, Line, Summary


def line(number: int) -> Line:
    told = {"id": f"{number:08}", "key": f"shop:{number}", "owner": f"o{number % 3}", "kind": "a.b.v1", "text": "São"}
    return Line(told["id"], told["key"], told["owner"], told["kind"], json.dumps(told).encode())


def read(text: bytes) -> Line:
    told = json.loads(text)
    return Line(told["id"], told["key"], told["owner"], told["kind"], text)


def filled(folder: Path, *sizes: int) -> OpenSegment:
    """A segment of so many frames, each of so many lines."""
    segment = OpenSegment(folder, "s1")
    number = 0
    for size in sizes:
        segment.append([line(number + at) for at in range(size)])
        number += size
    segment.sync()
    return segment


def texts(path: Path) -> list[bytes]:
    with content(path) as packed:
        return list(lines_of(packed, index_of(packed)[0]))


def may_have(path: Path, text: str) -> bool:
    with content(path) as packed:
        return contents.may_have(packed, text)


def test_a_closed_segment_is_json_lines_for_any_reader_of_zstd(tmp_path: Path) -> None:
    filled(tmp_path, 3, 1, 250).close("before")
    packed = (tmp_path / "s1.zst").read_bytes()
    with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as reader:
        shown = reader.read()
    assert shown.splitlines() == [line(n).text for n in range(254)]


@pytest.mark.skipif(shutil.which("zstdcat") is None, reason="no zstdcat")
def test_a_closed_segment_is_json_lines_for_zstdcat(tmp_path: Path) -> None:
    filled(tmp_path, 3, 1, 250).close("before")
    shown = subprocess.run(["zstdcat", tmp_path / "s1.zst"], capture_output=True, check=True).stdout
    assert [json.loads(text)["id"] for text in shown.splitlines()] == [f"{n:08}" for n in range(254)]


def test_a_summary_counts_what_is_in_it(tmp_path: Path) -> None:
    told = filled(tmp_path, 3, 4).close("before")
    path = tmp_path / "s1.zst"
    assert told == Summary(
        name="s1",
        count=7,
        first="00000000",
        last="00000006",
        owners={"o0": 3, "o1": 2, "o2": 2},
        kinds={"a.b.v1": 7},
        size=path.stat().st_size,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        previous="before",
    )
    assert not (tmp_path / "s1.open").exists()
    check(path.read_bytes(), told)


def test_a_segment_knows_most_of_what_is_not_in_it_without_its_index(tmp_path: Path) -> None:
    filled(tmp_path, *[50] * 40).close("")
    path = tmp_path / "s1.zst"
    assert all(may_have(path, f"{number:08}") and may_have(path, f"shop:{number}") for number in range(2_000))
    wrong = sum(may_have(path, f"shop:{number}") for number in range(2_000, 12_000))
    assert wrong < 10_000 / 1_000 * 5


def test_a_sieve_that_lost_a_bit_is_damage_and_no_answer(tmp_path: Path) -> None:
    filled(tmp_path, 50).close("")
    path = tmp_path / "s1.zst"
    content = bytearray(path.read_bytes())
    content[content.rindex(b"sieve.1\n") - 20] ^= 1
    path.write_bytes(content)
    with pytest.raises(Damaged, match="sieve"):
        may_have(path, "shop:1")


def test_a_segment_of_a_former_release_has_no_sieve_and_may_have_anything(tmp_path: Path) -> None:
    filled(tmp_path, 3, 2).close("before")
    path = tmp_path / "s1.zst"
    content, blocks = path.read_bytes(), index_of(path.read_bytes())[0]
    end = blocks[-1].offset + blocks[-1].length
    path.write_bytes(content[:end] + frames.index(blocks, "before"))
    assert may_have(path, "nothing of the kind")
    assert index_of(path.read_bytes()) == (blocks, "before")
    assert len(texts(path)) == 5


def test_what_is_gone_on_with_after_a_crash_is_known_too(tmp_path: Path) -> None:
    filled(tmp_path, 3).leave()
    again = reopened(tmp_path / "s1.open", read)
    assert again is not None
    again.append([line(7)])
    again.close("")
    path = tmp_path / "s1.zst"
    assert [number for number in range(9) if may_have(path, f"shop:{number}")] == [0, 1, 2, 7]


def test_a_line_is_found_by_its_id_and_by_its_key_in_one_block(tmp_path: Path) -> None:
    filled(tmp_path, *[50] * 40).close("")
    path = tmp_path / "s1.zst"
    blocks, _ = index_of(path.read_bytes())
    for wanted in ("00001234", "shop:1234"):
        candidates = that_may_have(blocks, wanted)
        assert blocks[24] in candidates
        assert len(candidates) <= 4, "most blocks know that it is not in them"
        assert line(1234).text in list(lines_of(path.read_bytes(), candidates))
    assert len(that_may_have(blocks, "shop:9999")) <= 4


def test_what_was_synced_is_whole_wherever_the_file_is_torn(tmp_path: Path) -> None:
    segment = filled(tmp_path, 2, 3, 4)
    ends = [0, *(block.offset + block.length for block in segment.blocks)]
    segment.leave()
    whole = (tmp_path / "s1.open").read_bytes()
    for torn in sorted({*random.Random(1).sample(range(1, len(whole)), 60), *ends[1:], ends[1] - 1, ends[1] + 1}):
        path = tmp_path / "s1.open"
        path.write_bytes(whole[:torn])
        again = reopened(path, read)
        kept = sum(end <= torn for end in ends[1:])
        if not kept:
            assert again is None
            assert not path.exists()
            continue
        assert again is not None
        assert again.blocks == segment.blocks[:kept]
        again.append([line(900)])
        again.close("")
        assert [read(text).id for text in texts(tmp_path / "s1.zst")] == [
            f"{n:08}" for n in [*range((0, 2, 5, 9)[kept]), 900]
        ]


def test_what_follows_a_damaged_frame_of_an_open_segment_is_copied_before_it_is_cut(tmp_path: Path) -> None:
    """It was said to be kept."""
    segment = filled(tmp_path, 5, 5, 5)
    segment.sync()
    segment.leave()
    path, begins = tmp_path / "s1.open", segment.blocks[1].offset
    found = bytearray(path.read_bytes())
    found[begins + 20] ^= 1
    path.write_bytes(found)
    again = reopened(path, read)
    assert again is not None
    assert again.size == begins
    assert (tmp_path / "s1.damaged").read_bytes() == found


def test_of_what_is_torn_there_is_no_copy(tmp_path: Path) -> None:
    segment = filled(tmp_path, 5, 5)
    segment.leave()
    path, whole = tmp_path / "s1.open", (tmp_path / "s1.open").read_bytes()
    growing = grown(whole, read)
    for torn in (whole[:-3], whole[: segment.blocks[1].offset + 3], whole + growing.ending(""), whole + b"\0" * 99):
        path.write_bytes(torn)
        again = reopened(path, read)
        assert again is not None
        again.leave()
        assert not (tmp_path / "s1.damaged").exists()


def test_an_index_that_was_being_written_is_written_anew(tmp_path: Path) -> None:
    segment = filled(tmp_path, 2, 3)
    told = segment.close("before")
    closed = (tmp_path / "s1.zst").read_bytes()
    for torn in (len(closed), len(closed) - 1, segment.size + 3):
        (tmp_path / "s1.open").write_bytes(closed[:torn])
        again = reopened(tmp_path / "s1.open", read)
        assert again is not None
        assert again.close("before") == told


def test_what_could_not_be_kept_is_taken_back(tmp_path: Path) -> None:
    segment = filled(tmp_path, 2, 3)
    segment.append([line(70)])
    segment.take_back(1)
    segment.append([line(80)])
    segment.close("")
    assert [read(text).id for text in texts(tmp_path / "s1.zst")] == ["00000000", "00000001", "00000080"]


def test_a_flipped_byte_is_found_anywhere(tmp_path: Path) -> None:
    told = filled(tmp_path, 20, 30).close("")
    path = tmp_path / "s1.zst"
    whole = path.read_bytes()
    for at in random.Random(2).sample(range(len(whole)), 50):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(Damaged):
            check(path.read_bytes(), told)
    path.write_bytes(whole)
    check(path.read_bytes(), told)


def test_a_byte_flipped_in_a_frame_is_no_line_of_anybodys(tmp_path: Path) -> None:
    """Readers look no sha256 up: the frame itself tells."""
    segment = filled(tmp_path, 40)
    segment.close("")
    path = tmp_path / "s1.zst"
    whole = path.read_bytes()
    for at in range(4, segment.size, 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        blocks, _ = index_of(path.read_bytes())
        try:
            shown = list(lines_of(path.read_bytes(), blocks))
        except Damaged:
            continue
        assert shown == [line(n).text for n in range(40)], "a bit that means nothing"


def test_an_index_that_lost_a_bit_is_damage_and_tells_nothing(tmp_path: Path) -> None:
    """Whoever looks for an event believes it: it would say of what is there that it is not."""
    filled(tmp_path, 20, 30).close("before")
    whole = (tmp_path / "s1.zst").read_bytes()
    told = index_of(whole)
    begin = whole.rindex(b"sieve.1\n") + len(b"sieve.1\n")
    for bit in random.Random(4).sample(range(8 * begin, 8 * len(whole)), 400):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            assert index_of(bytes(flipped)) == told, "a bit that means nothing"
        except Damaged:
            continue


@pytest.mark.parametrize("damage", ["cut", "without its index"])
def test_a_segment_that_is_not_whole_is_named(tmp_path: Path, damage: str) -> None:
    segment = filled(tmp_path, 5)
    told = segment.close("")
    packed = (tmp_path / "s1.zst").read_bytes()
    with pytest.raises(Damaged):
        check(packed[: -1 if damage == "cut" else segment.size], told)


def test_a_segment_that_could_not_be_closed_is_closed_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = filled(tmp_path, 5)
    for failing in ("os.fdatasync", "Path.replace"):
        with monkeypatch.context() as broken:
            broken.setattr(f"shared.segments.files.{failing}", no_space)
            with pytest.raises(OSError, match="No space"):
                segment.close("before")
    told = segment.close("before")
    check((tmp_path / "s1.zst").read_bytes(), told)


def no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_name_is_written_by_one(tmp_path: Path) -> None:
    filled(tmp_path, 1).leave()
    with pytest.raises(FileExistsError):
        OpenSegment(tmp_path, "s1")


def test_an_index_may_tell_of_other_frames_only_where_somebody_made_it_so(tmp_path: Path) -> None:
    segment = filled(tmp_path, 2, 3)
    segment.leave()
    path = tmp_path / "s1.zst"
    packed = (tmp_path / "s1.open").read_bytes()
    path.write_bytes(packed + frames.index(segment.blocks[:1], ""))
    with pytest.raises(Damaged, match="other frames"):
        check(path.read_bytes(), summary("s1", path.read_bytes()))
    assert files.CLOSED == ".zst"
