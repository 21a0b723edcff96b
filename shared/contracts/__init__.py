"""The only language services have in common. `CATALOGUE` finds a contract by its type name."""

from types import ModuleType

from shared.contracts import cart, checkout, miles, notifications, payment, ticketing
from shared.contracts.messages import Message
from shared.contracts.steps import StepRefused, StepUndone


def _contracts(module: ModuleType) -> list[type[Message]]:
    """The message types that a module defines."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Message) and "type" in vars(value)
    ]


_MODULES = (cart, checkout, miles, notifications, payment, ticketing)
_CONTRACTS: list[type[Message]] = [StepRefused, StepUndone]
for _module in _MODULES:
    _CONTRACTS += _contracts(_module)

CATALOGUE: dict[str, type[Message]] = {contract.type: contract for contract in _CONTRACTS}
