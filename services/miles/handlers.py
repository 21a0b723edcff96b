"""The bus edge: commands about a purchase's miles, carried out by the loyalty programme.

The programme can be told everything again, so no intents are needed. The log of a purchase's steps keeps final answers
and fences; what two processes do to one purchase at the same moment is settled by the programme itself.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.miles.domain.redemption import Redemption
from services.miles.ports import LoyaltyProgramme
from shared.bus.dispatch import Handler, HandlerTable
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
from shared.worker.effect import C, Done, Repeatable
from shared.worker.participant import Participant


@dataclass(frozen=True, slots=True)
class Steps:
    """What each command does to a member's miles."""

    programme: LoyaltyProgramme

    async def hold(self, _: Redemption, command: HoldMiles) -> Done:
        await self.programme.hold(command.member_id, command.purchase_id, command.miles)
        return Done(MilesHeld.to(command), {"member_id": command.member_id})

    async def redeem(self, _: Redemption, command: RedeemMiles) -> Done:
        await self.programme.redeem(command.member_id, command.purchase_id, command.miles)
        return Done(MilesRedeemed.to(command), {"member_id": command.member_id})

    async def release(self, _: Redemption, command: ReleaseMiles) -> Done:
        await self.programme.release(command.member_id, command.purchase_id)
        return _undone(command, command.member_id)

    async def reverse(self, _: Redemption, command: ReverseMiles) -> Done:
        await self.programme.reverse(command.member_id, command.purchase_id)
        return _undone(command, command.member_id)

    async def accrue(self, _: Redemption, command: AccrueMiles) -> Done:
        await self.programme.accrue(command.member_id, command.purchase_id, command.miles)
        return Done(MilesAccrued.to(command), {"member_id": command.member_id})


def _undone(command: Command, member_id: str) -> Done:
    return Done(StepUndone.to(command), {"member_id": member_id})


def table(participant: Participant[Redemption], programme: LoyaltyProgramme) -> HandlerTable:
    """The service's handlers by kind of message."""

    def handler(act: Callable[[Redemption, C], Awaitable[Done]]) -> Handler:
        # An account that is busy is free again within a moment, so the message need not wait to be asked again.
        return participant.handler(Repeatable(act, asked_again=False))

    steps = Steps(programme)
    return {
        HoldMiles: handler(steps.hold),
        RedeemMiles: handler(steps.redeem),
        ReleaseMiles: handler(steps.release),
        ReverseMiles: handler(steps.reverse),
        AccrueMiles: handler(steps.accrue),
    }
