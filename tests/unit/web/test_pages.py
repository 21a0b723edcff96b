"""Pages of lists."""

import pytest

from shared.web.pages import decode_cursor, next_cursor, page


@pytest.mark.parametrize(("found", "shown", "after"), [(0, 0, None), (2, 2, None), (3, 3, None), (4, 3, (2,))])
def test_a_page_leads_on_only_where_more_was_found_than_it_shows(
    found: int, shown: int, after: tuple[int, ...] | None
) -> None:
    numbers, following = page(range(found), 3, lambda number: (number,))
    assert list(numbers) == list(range(shown))
    assert decode_cursor(following, (int,)) == after


def test_nothing_follows_where_no_key_is_given() -> None:
    assert next_cursor(None) is None
