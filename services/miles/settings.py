"""Settings of the miles service, from the environment."""

from datetime import timedelta
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.miles.domain.account import Tier
from services.miles.domain.validity import EXPIRY_SHARE
from shared.kernel.zones import HOME, Zone
from shared.runtime.settings import Settings


class MilesSettings(Settings):
    """How long miles live, and what becomes of those that expired while a purchase had them.

    All from `MILES_...` variables.
    """

    model_config = SettingsConfigDict(env_prefix="MILES_")

    zone: Zone = HOME
    """Where the programme is, as an IANA name: miles are good through a day, and a month ends, by the clocks there.
    Miles that were granted or earned before a change keep the moment at which they expire."""
    validity_months_member: int = Field(default=36, ge=1, le=600)
    """Months that miles live which a member of no tier earns."""
    validity_months_silver: int = Field(default=72, ge=1, le=600)
    """Months that miles live which a silver member earns."""
    validity_months_gold: int = Field(default=96, ge=1, le=600)
    """Months that miles live which a gold member earns."""
    validity_months_diamond: int = Field(default=120, ge=1, le=600)
    """Months that miles live which a diamond member earns. The tier is that of the day when they are earned, and they
    end with a month."""
    lapsed: Literal["EXPIRE_NOW", "GRACE_DAYS"] = "GRACE_DAYS"
    """Miles given back after their lot expired are lost, or live on for some days."""
    grace_days: int = Field(default=30, ge=1, le=3650)
    """Days that such miles live on."""
    expiry_seconds: float = Field(default=60.0, gt=0)
    """Pause between two looks for expired miles. They cannot be spent in between, either."""
    expiry_share: float = Field(default=EXPIRY_SHARE, gt=0, le=1)
    """The part of all accounts that one pass of expiry may change before it asks an operator, who allows more by 1."""

    @property
    def grace(self) -> timedelta | None:
        """Days of grace; None where there are none."""
        return timedelta(days=self.grace_days) if self.lapsed == "GRACE_DAYS" else None

    @property
    def validity_months(self) -> dict[Tier, int]:
        return {
            "member": self.validity_months_member,
            "silver": self.validity_months_silver,
            "gold": self.validity_months_gold,
            "diamond": self.validity_months_diamond,
        }
