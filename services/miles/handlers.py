"""The bus edge: commands about a purchase's miles, carried out by the loyalty programme.

The programme can be told everything again, so no intents are needed. The log of a purchase's steps keeps final answers
and fences; what two processes do to one purchase at the same moment is settled by the programme itself.
"""

from collections.abc import Awaitable, Callable

from services.miles.domain.redemption import Redemption
from services.miles.ports import LoyaltyProgramme
from shared.bus.dispatch import Handler, HandlerTable
from shared.bus.outbox import Outbox
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
from shared.contracts.steps import Command, StepUndone
from shared.kernel.clock import Clock
from shared.store.repository import Repository
from shared.worker.effect import C, Done, Repeatable
from shared.worker.participant import Participant


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
    )

    def handler(act: Callable[[Redemption, C], Awaitable[Done]]) -> Handler:
        # An account that is busy is free again within a moment, so the message need not wait to be asked again.
        return participant.handler(Repeatable(act, asked_again=False))

    return {
        HoldMiles: handler(handlers.hold),
        RedeemMiles: handler(handlers.redeem),
        ReleaseMiles: handler(handlers.release),
        ReverseMiles: handler(handlers.reverse),
        AccrueMiles: handler(handlers.accrue),
    }


def _undone(command: Command, member_id: str) -> Done:
    return Done(StepUndone.to(command), {"member_id": member_id})
