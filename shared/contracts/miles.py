"""The miles' words. A hold is named by its purchase; what happens to it is told by the commands' identity."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.steps import Answer, Command, Undo


class HoldMiles(Command):
    """Set miles aside, those that expire first.
    Answers: MilesHeld | StepRefused (`insufficient_miles`, `no_account`)."""

    type: ClassVar[str] = "miles.hold.v1"
    member_id: str
    miles: int = Field(gt=0)


class MilesHeld(Answer):
    """The miles are held until they are redeemed or released; nothing else ends a hold."""

    type: ClassVar[str] = "miles.held.v1"


class ReleaseMiles(Undo):
    """Free the held miles, in the lots they came from. Answers: StepUndone."""

    type: ClassVar[str] = "miles.release.v1"
    member_id: str


class RedeemMiles(Command):
    """Take the held miles for good. Answers: MilesRedeemed | StepRefused (`not_held`)."""

    type: ClassVar[str] = "miles.redeem.v1"
    member_id: str
    miles: int = Field(gt=0)


class MilesRedeemed(Answer):
    """The held miles are spent, once."""

    type: ClassVar[str] = "miles.redeemed.v1"


class ReverseMiles(Undo):
    """Give redeemed miles back, to the same lots with their original expiry. Answers: StepUndone."""

    type: ClassVar[str] = "miles.reverse.v1"
    member_id: str


class AccrueMiles(Command):
    """Credit miles earned by a purchase, in a new lot. Answers: MilesAccrued | StepRefused (`no_account`)."""

    type: ClassVar[str] = "miles.accrue.v1"
    member_id: str
    miles: int = Field(gt=0)


class MilesAccrued(Answer):
    """The miles earned are in the account, once."""

    type: ClassVar[str] = "miles.accrued.v1"
