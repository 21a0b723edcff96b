"""Delivery's settings, from the environment."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import SettingsConfigDict

from shared.runtime.environment import PASSING
from shared.runtime.settings import Settings

LOOPBACK: Final = "127.0.0.0/8,::1/128"
SHORTEST: Final = 32
"""Characters of a master key."""


def _networks(text: str) -> str:
    for each in text.split(","):
        if each.strip():
            ip_network(each.strip())
    return text


class DeliverySettings(Settings):
    """What webhooks may reach. All from `DELIVERY_...` variables."""

    model_config = SettingsConfigDict(env_prefix="DELIVERY_")

    allow_networks: Annotated[str, AfterValidator(_networks)] = ""
    """Networks, separated by commas, that webhooks may reach although they are not public."""
    allow_http: bool = False
    """Whether webhooks may go over plain HTTP."""
    allow_ports: bool = False
    """Whether webhooks may go to other ports than 443."""
    origin: str = Field(default="milesaga", pattern=r"^[A-Za-z0-9.-]{1,255}$")
    """Who we are, by DNS name, in `WebHook-Request-Origin`."""
    master_key: str = Field(min_length=SHORTEST, max_length=1_000, repr=False)
    """Seals the secrets of webhooks: a random text. Whoever loses it loses them."""
    former_master_key: str = Field(default="", max_length=1_000, repr=False, json_schema_extra=PASSING)
    """The one before, until nothing is sealed by it any more: `milesaga hub sealing` says when."""

    @model_validator(mode="after")
    def _two_keys(self) -> Self:
        if self.former_master_key and len(self.former_master_key) < SHORTEST:
            raise ValueError(f"DELIVERY_FORMER_MASTER_KEY: should have at least {SHORTEST} characters")
        if self.former_master_key and self.former_master_key == self.master_key:
            raise ValueError("DELIVERY_FORMER_MASTER_KEY: another text than DELIVERY_MASTER_KEY is expected")
        return self

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        return tuple(ip_network(each.strip()) for each in self.allow_networks.split(",") if each.strip())


class SandboxDeliverySettings(DeliverySettings):
    """Beside the sandbox, whose receivers are on this machine."""

    allow_networks: Annotated[str, AfterValidator(_networks)] = LOOPBACK
    allow_http: bool = True
    allow_ports: bool = True
    master_key: str = Field(default="", max_length=1_000, repr=False)
    """Made of the internal token where none is given."""
