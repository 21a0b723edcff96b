"""Questions that come at once are put once, and none is answered by what was known before it came."""

import asyncio

from shared.kernel.together import Together


class Shelf:
    """What is looked for, and how often somebody looked."""

    def __init__(self) -> None:
        self.things = {"a": 1, "b": 2}
        self.asked: list[set[str]] = []
        self.is_asked = asyncio.Event()
        self.fails = False

    async def look(self, names: set[str]) -> dict[str, int]:
        self.asked.append(names)
        self.is_asked.set()
        found = {name: self.things[name] for name in names if name in self.things}
        await asyncio.sleep(0)  # an answer takes its time
        if self.fails:
            raise OSError("away")
        return found


async def test_what_is_asked_at_once_is_looked_for_once_and_each_gets_his_own() -> None:
    shelf = Shelf()
    together = Together(shelf.look)
    answers = await asyncio.gather(*(together.of(names) for names in ("a", "ab", "c")))
    assert answers == [{"a": 1}, {"a": 1, "b": 2}, {}]
    assert shelf.asked == [{"a", "b", "c"}]


async def test_whoever_asks_while_somebody_looks_finds_what_was_put_there_meanwhile() -> None:
    shelf = Shelf()
    together = Together(shelf.look)
    first = asyncio.create_task(together.of(["c"]))
    await shelf.is_asked.wait()
    shelf.things["c"] = 3
    assert await together.of(["c"]) == {"c": 3}
    assert await first == {}


async def test_whoever_goes_away_takes_nobodys_answer_with_him() -> None:
    together = Together(Shelf().look)
    goes, stays = asyncio.create_task(together.of(["a"])), asyncio.create_task(together.of(["b"]))
    await asyncio.sleep(0)
    goes.cancel()
    assert await stays == {"b": 2}


async def test_what_cannot_be_found_out_is_told_to_all_and_asked_anew() -> None:
    shelf = Shelf()
    together = Together(shelf.look)
    shelf.fails = True
    failed = await asyncio.gather(together.of(["a"]), together.of(["b"]), return_exceptions=True)
    assert [type(each) for each in failed] == [OSError, OSError]
    shelf.fails = False
    assert await together.of(["a"]) == {"a": 1}
