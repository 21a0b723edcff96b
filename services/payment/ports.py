"""What payment needs of a card gateway."""

from dataclasses import dataclass, field
from typing import Protocol

from services.payment.domain import Authorization
from shared.kernel.money import Money


@dataclass(frozen=True, slots=True)
class CardOrder:
    """Hold `amount` on the card behind `token`. `reference` is the purchase; with `attempt` it names the order."""

    reference: str
    attempt: int
    amount: Money
    token: str = field(repr=False)
    installments: int = 1


class Gateway(Protocol):
    """Holds, takes and returns money on cards.

    Errors of every method: `Refused` (final, with the contract's code), `NotSent` (certainly without effect: no
    connection, throttled, or turned away in a way that may pass), `OutcomeUnknown` (a timeout, a 5xx, a broken line:
    the effect may have happened), `Misconfigured` (our mistake, without effect).
    """

    async def authorize(self, order: CardOrder, key: str) -> Authorization:
        """Hold money without taking it.

        `key` is the gateway's idempotency key: it replays the first answer, errors included, for a day, so a new call
        after a proven failure needs a new key. Refused: `card_declined`, `insufficient_funds`, `invalid_token`,
        `authentication_required`, `amount_not_chargeable` (finer than the gateway can charge).
        """
        ...

    async def capture(self, authorization: str, amount: Money, key: str) -> Authorization:
        """Take held money, once; what it answers may also be that somebody did before. Refused: `capture_refused`."""
        ...

    async def void(self, authorization: str) -> None:
        """Let held money go. Repeatable: read before, because what is captured cannot be voided (`NotSent`)."""
        ...

    async def refund(self, authorization: str, request: str = "") -> None:
        """Give back all that was captured. Repeatable: a gateway never returns more than it took (`NotSent`).

        Returns when the money is given back for certain; otherwise as `refunded`. `request` names whoever asked.
        """
        ...

    async def read(self, authorization: str) -> Authorization:
        """Where an authorisation stands now. Without effect."""
        ...

    async def refunded(self, authorization: str, request: str = "") -> bool:
        """Is what was captured given back for certain? False: nothing is, and nothing is on its way. Without effect.

        `OutcomeUnknown` while it is on its way. Refused: `refund_failed`, when it failed that was made for this very
        request; of another request nothing is left but to try again.
        """
        ...

    async def find(self, reference: str) -> tuple[Authorization, ...]:
        """Every authorisation made for a purchase, of any standing. Without effect.

        An empty answer is proof that no money is held or taken by a call that ended more than a few seconds ago. One
        that was let go a moment ago may still be shown as held: voiding it again has no effect (`NotSent`).
        """
        ...
