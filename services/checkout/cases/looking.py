"""Looking at purchases: a member at their own, operators at everybody's."""

from collections.abc import Sequence

from services.checkout.domain.checkout import Checkout
from shared.store.documents import After
from shared.store.repository import Repository


class UnknownCheckout(Exception):
    """There is none, or it is somebody else's."""


class Purchases:
    """What is stored of purchases."""

    def __init__(self, repository: Repository[Checkout]) -> None:
        self._repository = repository

    async def one(self, checkout_id: str) -> Checkout:
        """Anybody's purchase. Raises UnknownCheckout."""
        stored = await self._repository.load(checkout_id)
        if stored is None:
            raise UnknownCheckout
        return stored.value

    async def own(self, checkout_id: str, member_id: str) -> Checkout:
        """A purchase of this member's. Raises UnknownCheckout."""
        checkout = await self.one(checkout_id)
        if checkout.member_id != member_id:
            raise UnknownCheckout
        return checkout

    async def of_member(self, member_id: str, after: After, limit: int) -> Sequence[Checkout]:
        """The member's, newest first."""
        return await self._newest("by_member", (member_id,), after, limit)

    async def by_timer(self, after: After, limit: int) -> Sequence[Checkout]:
        """Those that will move by themselves, the earliest first."""
        found = await self._repository.find("by_timer", (), limit=limit, after=after)
        return [stored.value for stored in found]

    async def _newest(self, index: str, prefix: tuple[str, ...], after: After, limit: int) -> Sequence[Checkout]:
        found = await self._repository.find(index, prefix, limit=limit, after=after, descending=True)
        return [stored.value for stored in found]
