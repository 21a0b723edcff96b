"""The only language services have in common. `CATALOGUE` finds a contract by its type name."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from shared.contracts.messages import Message


def _contracts() -> Iterator[type[Message]]:
    """The message types that the modules of this package define: whoever owns some has a module named after it."""
    for found in iter_modules(__path__):
        module = import_module(f"{__name__}.{found.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Message) and "type" in vars(value):
                yield value


CATALOGUE: dict[str, type[Message]] = {contract.type: contract for contract in _contracts()}
