"""Who asks: an operator, or a partner about what is its own."""

from services.archive.ports import Hub, HubUnavailable
from shared.web.auth import Caller
from shared.web.problems import Problem, try_again


async def partner_of(hub: Hub, caller: Caller, everything: str) -> str | None:
    """The partner; None for whoever may see everything by that scope. Raises 403 for nobody's client, 503."""
    if everything in caller.scopes:
        return None
    with hub_answers():
        partner = await hub.partner_of(caller.subject)
    if partner is None:
        raise Problem(403, "unknown_partner", "The token's subject is no partner's client")
    return partner


class hub_answers:  # noqa: N801 - it stands where a function would
    """A hub that does not is a 503."""

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, HubUnavailable):
            raise try_again("hub_unavailable", "The hub does not answer; try again") from error
