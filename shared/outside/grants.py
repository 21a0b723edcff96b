"""The gate of grants where another service keeps it: asked over the services' own routes."""

from collections.abc import Awaitable, Callable

from pydantic import BaseModel

from shared.contracts.releases import ActEnded, GrantRedeemed, GrantRefused, GrantShown
from shared.outside.endings import Endings
from shared.outside.neighbors import Neighbor
from shared.web.grants import Act, Declined, GateUnreachable, Redeemed


class _Answer(BaseModel):
    """Either that it may be done, or why not."""

    request: str = ""
    execution: str = ""
    code: str = ""
    detail: str = ""


class GateOverHttp:
    """The `Gate` port."""

    def __init__(
        self,
        neighbor: Neighbor,
        endings: Endings,
        subject: Callable[[str], Awaitable[str]],
        place: str,
        environment: str,
    ) -> None:
        """`subject` gives whose a bearer token is; `place` is where the gate's routes begin."""
        self._endings = endings
        self._environment = environment
        self._neighbor = neighbor
        self._subject = subject
        self._place = place

    async def redeem(self, grant: str, act: Act, key: str) -> Redeemed | Declined:
        subject = await self._subject(act.token)
        shown = GrantShown(
            grant=grant,
            action=act.action,
            target=act.target,
            digest=act.digest,
            key=key,
            subject=subject,
            environment=self._environment,
        )
        told = await self._told(shown)
        if told.code:
            refused = GrantRefused(code=told.code, detail=told.detail)
            return Declined(refused.code, refused.detail)
        redeemed = GrantRedeemed(request=told.request, execution=told.execution)
        if not redeemed.execution:
            raise GateUnreachable("an answer that says nothing")
        return Redeemed(redeemed.request, redeemed.execution, subject)

    async def _told(self, shown: GrantShown) -> _Answer:
        """A lost answer is asked for again: the grant may be spent by then, and the same attempt gets the same answer.
        Raises GateUnreachable."""
        try:
            return await self._neighbor.tell(_Answer, f"{self._place}/redeem", shown, GateUnreachable)
        except GateUnreachable:
            return await self._neighbor.tell(_Answer, f"{self._place}/redeem", shown, GateUnreachable)

    async def ended(self, redeemed: Redeemed, *, well: bool) -> None:
        told = ActEnded(request=redeemed.request, execution=redeemed.name, subject=redeemed.subject, well=well)
        await self._endings.tell(told)
