"""What is remembered of the messages about one purchase."""

import hashlib
from typing import Literal

from pydantic import AwareDatetime, Field

from shared.kernel.values import Value
from shared.worker.work import Work

Channel = Literal["email"]


class Delivery(Value):
    """One message to one address. The address itself is not kept."""

    template: str
    channel: Channel
    recipient: str
    """A digest of the address that is of no use for another purchase."""
    status: Literal["sent", "bounced"]
    refused_as: str | None = None
    """The refusal's code, where it bounced."""
    at: AwareDatetime
    message_id: str
    """The mail's `Message-ID`."""
    provider_reply: str
    """What the provider said: the reply's code, and the id it gave the message."""


class Notice(Work):
    """A purchase's messages. Its id is the purchase's."""

    deliveries: dict[str, Delivery] = Field(default_factory=dict)
    """By the message's key."""

    def has_bounced(self, recipient: str) -> bool:
        """Was this address refused for good? Then nothing more is sent there."""
        return any(d.recipient == recipient and d.status == "bounced" for d in self.deliveries.values())


def recipient_digest(purchase_id: str, address: str) -> str:
    """Tells an address from others of one purchase; salted with the purchase, so that digests cannot be joined."""
    return _digest("recipient", purchase_id, address.strip().casefold())


def message_key(purchase_id: str, template: str, channel: Channel, address: str) -> str:
    """The same for the same message to the same address, for ever."""
    return _digest("message", purchase_id, template, channel, address.strip().casefold())


def _digest(*parts: str) -> str:
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:40]
