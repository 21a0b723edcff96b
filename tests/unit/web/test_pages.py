"""Pages of lists."""

from collections.abc import Sequence

import pytest

from shared.store.documents import After
from shared.web.pages import Listing, decode_cursor, next_cursor
from shared.web.problems import Problem

COUNTED = Listing[int](lambda number: (number,), (int,))


class Numbers:
    """A list of numbers from 0, that notes what it was asked for."""

    def __init__(self, until: int) -> None:
        self.until = until
        self.limits: list[int] = []

    async def find(self, after: After, limit: int) -> Sequence[int]:
        self.limits.append(limit)
        start = int(after[0] or 0) + 1 if after else 0
        return range(start, self.until)[:limit]


@pytest.mark.parametrize(("found", "shown", "after"), [(0, 0, None), (2, 2, None), (3, 3, None), (4, 3, (2,))])
async def test_a_page_leads_on_only_where_more_was_found_than_it_shows(
    found: int, shown: int, after: tuple[int, ...] | None
) -> None:
    page, following = await COUNTED.page(None, 3, Numbers(found).find)
    assert list(page) == list(range(shown))
    assert decode_cursor(following, (int,)) == after


@pytest.mark.parametrize("size", [1, 3, 7, 50])
async def test_pages_read_one_after_another_are_the_whole_list_once(size: int) -> None:
    numbers = Numbers(20)
    read: list[int] = []
    page, cursor = await COUNTED.page(None, size, numbers.find)
    read += page
    while cursor:
        page, cursor = await COUNTED.page(cursor, size, numbers.find)
        read += page
    assert read == list(range(20))
    assert set(numbers.limits) == {size + 1}


@pytest.mark.parametrize("shape", [(str,), (int, int), ()])
async def test_a_cursor_of_another_list_is_refused_before_anything_is_found(shape: tuple[type[str | int], ...]) -> None:
    numbers = Numbers(20)
    other = next_cursor(["a" if part is str else 1 for part in shape])
    with pytest.raises(Problem) as refused:
        await COUNTED.page(other, 3, numbers.find)
    assert (refused.value.status, numbers.limits) == (422, [])


def test_nothing_follows_where_no_key_is_given() -> None:
    assert next_cursor(None) is None
