"""A cancel that is repeated after it came to its end."""

from shared.contracts.cart import LockCart, UnlockCart
from shared.contracts.miles import HoldMiles, ReleaseMiles
from shared.contracts.ticketing import CancelBooking, ReserveBooking
from tests.component.checkout.conftest import Desk
from tests.saga.purchases import HELD, locked
from tests.saga.script import undone


async def test_a_cancelled_purchase_has_ended_and_cannot_be_cancelled_again(desk: Desk) -> None:
    path = (await desk.buy()).headers["Location"]
    await desk.answer(LockCart, locked())
    await desk.answer(HoldMiles, HELD)
    await desk.expect(ReserveBooking)
    assert (await desk.client.post(f"{path}/cancel", headers=desk.member())).status_code == 202
    await desk.answer(CancelBooking, undone())
    await desk.answer(ReleaseMiles, undone())
    await desk.answer(UnlockCart, undone())
    assert (await desk.client.get(path, headers=desk.member())).json()["status"] == "cancelled"
    again = await desk.client.post(f"{path}/cancel", headers=desk.member())
    assert (again.status_code, again.json()["code"]) == (409, "already_ended")
