"""Entity tags, cursors: the pure parts of the HTTP edge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.pages import decode_cursor, encode_cursor
from shared.web.preconditions import check_if_match, etag
from shared.web.problems import Problem


@pytest.mark.parametrize("header", ['"3"', "*", ' "1" , "3"', '"a", W/"9", "3"', None])
def test_a_matching_precondition_lets_the_write_through(header: str | None) -> None:
    check_if_match(header, 3)


@pytest.mark.parametrize("header", ['"2"', 'W/"3"', '"1", "2"', '""'])
def test_another_revision_or_a_weak_tag_is_412(header: str) -> None:
    with pytest.raises(Problem) as refusal:
        check_if_match(header, 3)
    assert (refusal.value.status, refusal.value.headers) == (412, {"ETag": etag(3)})


@pytest.mark.parametrize("header", ["*", '"3"', '"1", W/"0"'])
def test_where_nothing_is_no_header_but_the_one_that_says_so_matches(header: str) -> None:
    with pytest.raises(Problem) as refusal:
        check_if_match(header, None)
    assert refusal.value.status == 412
    check_if_match('"0"', None)
    check_if_match(None, None)


@pytest.mark.parametrize("header", ["3", '"3', "", '"3" "4"', "*, *", '"3",'])
def test_what_is_no_entity_tag_is_400(header: str) -> None:
    with pytest.raises(Problem) as refusal:
        check_if_match(header, 3)
    assert refusal.value.status == 400


def test_a_required_precondition_that_is_missing_is_428() -> None:
    with pytest.raises(Problem) as refusal:
        check_if_match(None, 3, required=True)
    assert refusal.value.status == 428


@given(st.lists(st.one_of(st.text(max_size=40), st.integers(-(2**63), 2**63 - 1)), max_size=3))
def test_a_cursor_gives_back_what_was_put_in(parts: list[str | int]) -> None:
    assert decode_cursor(encode_cursor(parts), tuple(type(part) for part in parts)) == tuple(parts)


@pytest.mark.parametrize("cursor", [None, ""])
def test_no_cursor_is_the_first_page(cursor: str | None) -> None:
    assert decode_cursor(cursor, (str,)) is None


@given(st.text(min_size=1, max_size=80))
def test_a_cursor_we_did_not_make_is_422_or_fits_the_shape(text: str) -> None:
    found: object = None
    refusal = None
    try:
        found = decode_cursor(text, (str, str))
    except Problem as problem:
        refusal = problem
    if refusal is None:
        assert isinstance(found, tuple)
        assert [type(part) for part in found] == [str, str]
    else:
        assert (refusal.status, refusal.errors[0].parameter) == (422, "cursor")


@pytest.mark.parametrize("parts", [["x"], ["x", 1], ["x", "y", "z"], []])
def test_a_cursor_of_another_list_is_422(parts: list[str | int]) -> None:
    with pytest.raises(Problem):
        decode_cursor(encode_cursor(parts), (str, str))
