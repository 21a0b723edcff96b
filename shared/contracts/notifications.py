"""Notifications' words."""

from typing import ClassVar, Literal

from pydantic import Field

from shared.contracts.checkout import Total
from shared.contracts.journey import Contact, Document, Order, Ticket
from shared.contracts.steps import Answer, Command, Refusal

Template = Literal["completed", "refused", "cancelled", "needs_attention"]
"""What a mail tells."""


class NotifyCustomer(Command):
    """Tell the customer how a purchase went. Sent once per purchase, template and address.
    Answers, where one is wanted: CustomerNotified | StepRefused (`bounced`, `invalid_address`)."""

    type: ClassVar[str] = "notifications.notify_customer.v1"
    template: Template
    contact: Contact
    total: Total | None = None
    order: Order | None = Field(default=None, repr=False)
    locators: tuple[str, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    documents: tuple[Document, ...] = ()
    refusal: Refusal | None = None
    paid_with: str = ""
    """Masked form of payment."""
    answer_wanted: bool = True
    """False: nobody waits for the answer, and none is sent. What became of the mail is on record all the same."""


class CustomerNotified(Answer):
    """The customer's mail server took the message over. `message_id` is the mail's `Message-ID`."""

    type: ClassVar[str] = "notifications.customer_notified.v1"
    message_id: str
