"""Payment's words. One purchase has one payment."""

from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from shared.contracts.cards import refuse_card_number
from shared.contracts.steps import Answer, Command, Undo
from shared.kernel.money import Money


class AuthorizeCard(Command):
    """Hold money on a card without taking it.
    Answers: CardAuthorized | StepRefused (`card_declined`, `insufficient_funds`, `invalid_token`,
    `authentication_required`, `amount_not_chargeable`)."""

    type: ClassVar[str] = "payment.authorize_card.v1"
    amount: Money
    card_token: Annotated[str, BeforeValidator(refuse_card_number)] = Field(repr=False)
    """A gateway's vault token; never a card number."""
    installments: int = Field(default=1, ge=1, le=12)


class CardAuthorized(Answer):
    """The money is held; `masked` is how the receipt may name the card, such as `visa •••• 4242`."""

    type: ClassVar[str] = "payment.card_authorized.v1"
    amount: Money
    masked: str = ""


class VoidAuthorization(Undo):
    """Let go of held money; what was captured meanwhile is refunded. Answers: StepUndone | StepRefused
    (`refund_failed`)."""

    type: ClassVar[str] = "payment.void.v1"


class CapturePayment(Command):
    """Take the held money, once. Answers: PaymentCaptured | StepRefused (`capture_refused`; `expired` also when the
    authorisation ended before). What had no effect is called for again whenever it is asked, without end."""

    type: ClassVar[str] = "payment.capture.v1"
    amount: Money


class PaymentCaptured(Answer):
    """The money is ours."""

    type: ClassVar[str] = "payment.captured.v1"
    amount: Money


class RefundPayment(Undo):
    """Give captured money back. Answers: StepUndone, when it is given back for certain | StepRefused (`refund_failed`):
    it was on its way and came back to us; a new attempt sends it again. StepRefused may also follow upon StepUndone,
    weeks later, when the card's bank sends back what had arrived."""

    type: ClassVar[str] = "payment.refund.v1"
