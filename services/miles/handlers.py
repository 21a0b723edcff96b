"""The bus edge: commands about a purchase's miles, carried out by the loyalty programme.

The programme can be told everything again, so no intents are needed. The log of a purchase's steps keeps final answers
and fences; what two processes do to one purchase at the same moment is settled by the programme itself.
"""

from datetime import timedelta

from services.miles.domain.redemption import Redemption
from services.miles.ports import LoyaltyProgramme
from shared.bus.dispatch import HandlerTable
from shared.bus.outbox import Outbox
from shared.contracts.envelope import Command, StepUndone
from shared.contracts.miles import (
    AccrueMiles,
    HoldMiles,
    MilesAccrued,
    MilesHeld,
    MilesRedeemed,
    RedeemMiles,
    ReleaseMiles,
    ReverseMiles,
)
from shared.kernel.clock import Clock
from shared.saga.participant import Done, Participant, Repeatable
from shared.store.repository import Repository

NO_CALLS = timedelta(0)
"""Only calls with an intent have a timeout, and there are none here."""


class MilesHandlers:
    """Hold, redeem, release, reverse, accrue."""

    def __init__(self, programme: LoyaltyProgramme) -> None:
        self._programme = programme

    async def hold(self, _: Redemption, command: HoldMiles) -> Done:
        await self._programme.hold(command.member_id, command.purchase_id, command.miles)
        return Done(MilesHeld.to(command), {"member_id": command.member_id})

    async def redeem(self, _: Redemption, command: RedeemMiles) -> Done:
        await self._programme.redeem(command.member_id, command.purchase_id, command.miles)
        return Done(MilesRedeemed.to(command), {"member_id": command.member_id})

    async def release(self, _: Redemption, command: ReleaseMiles) -> Done:
        await self._programme.release(command.member_id, command.purchase_id)
        return _undone(command, command.member_id)

    async def reverse(self, _: Redemption, command: ReverseMiles) -> Done:
        await self._programme.reverse(command.member_id, command.purchase_id)
        return _undone(command, command.member_id)

    async def accrue(self, _: Redemption, command: AccrueMiles) -> Done:
        await self._programme.accrue(command.member_id, command.purchase_id, command.miles)
        return Done(MilesAccrued.to(command), {"member_id": command.member_id})


def table(
    programme: LoyaltyProgramme, redemptions: Repository[Redemption], outbox: Outbox, clock: Clock
) -> HandlerTable:
    """The service's handlers by kind of message."""
    handlers = MilesHandlers(programme)
    participant = Participant(
        redemptions,
        outbox,
        clock,
        new=lambda purchase_id: Redemption(id=purchase_id),
        call_timeout=NO_CALLS,
        settle=NO_CALLS,
    )
    return {
        HoldMiles: participant.handler(Repeatable(handlers.hold)),
        RedeemMiles: participant.handler(Repeatable(handlers.redeem)),
        ReleaseMiles: participant.handler(Repeatable(handlers.release)),
        ReverseMiles: participant.handler(Repeatable(handlers.reverse)),
        AccrueMiles: participant.handler(Repeatable(handlers.accrue)),
    }


def _undone(command: Command, member_id: str) -> Done:
    return Done(StepUndone.to(command), {"member_id": member_id})
