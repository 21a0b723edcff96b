"""Who may start purchases by message, from the file that `milesaga partners` keeps."""

from shared.bus.partners import Partners


class PartnersFile:
    """Fulfils `Senders`."""

    def __init__(self, partners: Partners, *, nameless: bool) -> None:
        """`nameless` takes messages that name no sender, as suits a laptop."""
        self._partners = partners
        self._nameless = nameless

    def refusal(self, sender: str, member_id: str) -> str | None:
        if not sender:
            return None if self._nameless else "unidentified: the message names no user_id, so nobody knows who sent it"
        partner = self._partners.all().get(sender)
        if partner is None:
            return f"not_allowed: {sender[:100]!r} is no partner"
        return None if partner.may_buy_for(member_id) else f"not_allowed: {sender} may not buy for this member"
