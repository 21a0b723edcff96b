"""Where documents and their outgoing messages are kept: the port in `documents`, its engines beside it."""

from shared.store.opening import open_store

__all__ = ["open_store"]
