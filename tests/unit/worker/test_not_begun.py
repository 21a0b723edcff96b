"""An intent on record is no call: what this process knows it never began is not looked for, and refuses nobody."""

import pytest

from shared.contracts.payment import CardAuthorized
from shared.kernel.errors import Later, Refused
from shared.store.documents import Unavailable
from tests.kit.bus import Recorder
from tests.unit.worker.desk import DO, FIRST_KEY, Desk, Provider


async def cannot_tell(*_: object) -> None:
    """A provider that cannot be searched: what was called once is never called again."""
    raise Refused("reservation_unknown", "the airline did not say whether it booked")


@pytest.mark.parametrize("moment", ["before_save", "after_save"])
async def test_a_store_that_stumbles_over_the_intent_refuses_nobody(
    moment: str, desk: Desk, provider: Provider, bus: Recorder
) -> None:
    desk.find_by(cannot_tell)
    setattr(desk.collection, moment, [Unavailable("no primary")])
    with pytest.raises(Later):
        await desk.do()
    assert provider.keys == []
    await desk.do()
    assert provider.keys == [FIRST_KEY]
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]


async def test_a_store_that_stumbles_several_times_is_waited_for(desk: Desk, provider: Provider, bus: Recorder) -> None:
    desk.find_by(cannot_tell)
    desk.collection.after_save = [Unavailable("no primary"), Unavailable("still none")]
    with pytest.raises(Later):
        await desk.do()
    assert (await desk.stored()).log(DO).calls == 0
    await desk.do()
    assert provider.keys == [FIRST_KEY]
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized]
