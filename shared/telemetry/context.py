"""On whose behalf something is done: what every log line says of it without being told."""

from contextvars import ContextVar
from typing import Final

REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""Of the HTTP request in hand, and of what it leaves to be done in the background."""
