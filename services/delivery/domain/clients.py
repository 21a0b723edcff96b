"""Whose clients are whose, as delivery was told."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, computed_field

from shared.contracts.buses import mark_of
from shared.contracts.delivery import ConfigureClients


class KnownClients(BaseModel):
    """The subjects of a partner's tokens. The partner's name is the id; of one that is no more there are none."""

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str
    position: int
    clients: frozenset[str]

    @computed_field  # type: ignore[prop-decorator]
    @property
    def mark(self) -> str:
        """So that positions are listed without the clients."""
        return mark_of(self.id, self.position)


def told(known: KnownClients | None, command: ConfigureClients) -> KnownClients:
    """Who they are after a command; as it was where the command is no newer than what is known."""
    if known is not None and known.position >= command.position:
        return known
    return KnownClients(id=command.partner, position=command.position, clients=frozenset(command.clients))
