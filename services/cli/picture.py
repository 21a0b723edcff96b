"""Writes the saga's picture into the documentation: `python -m services.cli.picture docs/checkout.md`."""

import re
import sys
from pathlib import Path

from services.checkout.saga import CHECKOUT
from shared.saga.diagram import mermaid

_BLOCK = re.compile(r"```mermaid\n.*?```", re.DOTALL)


def with_picture(text: str) -> str:
    """The page with its Mermaid block brought up to date."""
    return _BLOCK.sub(lambda _: f"```mermaid\n{mermaid(CHECKOUT)}```", text)


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(with_picture(page.read_text()))
