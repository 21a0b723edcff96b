"""Which release this is: light, because `milesaga --version` imports nothing else."""

from typing import Final

VERSION: Final = "0.1.0"
