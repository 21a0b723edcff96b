"""Where things are."""

from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parents[2]
PEERS: Final = Path(__file__).parent / "peers"
