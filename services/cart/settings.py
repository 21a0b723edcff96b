"""The cart service's settings, from the environment."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import Settings
from shared.store.sweeping import SWEEP_SHARE


class CartSettings(Settings):
    """How long carts live, and how long the offers service may take. All from `CART_...` variables."""

    model_config = SettingsConfigDict(env_prefix="CART_")

    seconds: int = Field(default=86_400, ge=1)
    """From its making, how long a cart may be changed and bought."""
    kept_seconds: int = Field(default=30 * 86_400, ge=0)
    """How long a cart that expired or was deleted is kept; then it is swept, passengers and all."""
    sweep_share: float = Field(default=SWEEP_SHARE, gt=0, le=1)
    """The part of all carts that may be swept in an hour before an operator is asked, who allows more by 1."""
    offers_timeout_seconds: float = Field(default=3.0, gt=0)
    """How long the offers service may take for an answer."""
