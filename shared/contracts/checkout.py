"""The checkout's words: what outsiders may ask of it, and what it tells everybody."""

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from shared.contracts.cards import refuse_card_number
from shared.contracts.journey import Contact, Ticket
from shared.contracts.messages import Event, Message, Personal, PublicMessage
from shared.contracts.steps import Refusal
from shared.kernel.mailbox import LONGEST, PATTERN, deliverable
from shared.kernel.members import MEMBER_ID
from shared.kernel.money import Money
from shared.kernel.values import Value

VisibleText = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]
"""Visible ASCII, as an `Idempotency-Key` is: a name that reads the same wherever it is stored and shown."""

MemberId = Annotated[str, Field(pattern=MEMBER_ID)]
"""The subject of the member's tokens."""


class Strict(BaseModel):
    """What outsiders write: an unknown field is refused rather than passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class CardPayment(Strict):
    """Paid with a card the gateway keeps in its vault."""

    method: Annotated[Literal["card"], Field(description="By card")]
    token: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200,
            pattern=r"^[A-Za-z][A-Za-z0-9_\-]*$",
            repr=False,
            description="The gateway's token; never a card number",
            examples=["tok_visa"],
        ),
        BeforeValidator(refuse_card_number),
    ]
    installments: Annotated[
        int, Field(ge=1, le=12, strict=True, description="Not built yet: only 1 is taken", examples=[1])
    ] = 1


class PixPayment(Strict):
    """Paid by Pix."""

    method: Annotated[Literal["pix"], Field(description="Not built yet: refused with not_available")]


def _deliverable(address: str) -> str:
    """Refuse what no mail can be sent to; what was typed stays as it is."""
    deliverable(address)
    return address


class CustomerContact(Strict):
    """Where the customer wants to be told, as a client or a partner writes it. `locale` is a BCP 47 tag."""

    email: Annotated[
        Personal[str],
        Field(
            description="Where mail arrives",
            examples=["ana@example.com"],
            max_length=LONGEST,
            json_schema_extra={"pattern": PATTERN},
        ),
        AfterValidator(_deliverable),
    ]
    phone: Annotated[
        Personal[str | None],
        Field(
            description="With country code",
            examples=["+55 11 91234 5678"],
            max_length=32,
            pattern=r"^\+?[0-9 ()\-]{4,31}$",
        ),
    ] = None
    locale: Annotated[
        str,
        Field(
            description="BCP 47 tag of the language",
            examples=["pt-BR"],
            max_length=35,
            pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        ),
    ] = "pt-BR"

    def contact(self) -> Contact:
        return Contact(email=self.email, phone=self.phone, locale=self.locale)


Payment = Annotated[CardPayment | PixPayment, Field(discriminator="method")]


class Total(Value):
    """What a purchase costs, in money and in miles."""

    money: Annotated[Money, Field(description="In money")]
    miles: Annotated[int, Field(description="In miles", examples=[30000])]

    def __str__(self) -> str:
        return f"{self.money} and {self.miles} miles"


class StartCheckout(PublicMessage):
    """Buy a cart. The same member and key are the same purchase, however often it is said.
    Tells: CheckoutCompleted | CheckoutRefused | CheckoutCancelled | CheckoutNeedsAttention."""

    type: ClassVar[str] = "checkout.start.v1"
    key: VisibleText
    member_id: MemberId
    cart_id: VisibleText
    payment: Payment | None = None
    contact: CustomerContact

    @property
    def subject(self) -> str:
        return self.cart_id


class CheckoutEvent(Event):
    """Something that happened to a purchase."""

    checkout_id: str
    key: str
    member_id: str

    @property
    def subject(self) -> str:
        return self.checkout_id


class CheckoutCompleted(CheckoutEvent):
    """Bought: tickets issued, money captured, miles redeemed."""

    type: ClassVar[str] = "checkout.completed.v1"
    cart_id: str
    total: Total
    locators: tuple[str, ...]
    tickets: tuple[Ticket, ...]


class CheckoutRefused(CheckoutEvent):
    """Not bought, and everything that had been done is undone."""

    type: ClassVar[str] = "checkout.refused.v1"
    cart_id: str
    refusal: Refusal | None


class CheckoutCancelled(CheckoutEvent):
    """Cancelled by the customer, and everything that had been done is undone."""

    type: ClassVar[str] = "checkout.cancelled.v1"
    cart_id: str
    refusal: Refusal | None


class CheckoutNeedsAttention(CheckoutEvent):
    """Stuck at a step past the point of return; holds are kept until somebody looks."""

    type: ClassVar[str] = "checkout.needs_attention.v1"
    step: str


class WakeCheckout(Message):
    """Look at a purchase's timers now. Stands among the dead letters for one whose timers could not be fired."""

    type: ClassVar[str] = "checkout.wake.v1"
    exchange: ClassVar[str] = "commands"
    mandatory: ClassVar[bool] = True
    checkout_id: str

    @property
    def subject(self) -> str:
        return self.checkout_id
