"""The bus edge: which targets there are."""

from services.delivery.cases.configuring import Configuring
from shared.bus.dispatch import HandlerTable
from shared.contracts.cloudevents import Envelope
from shared.contracts.delivery import ConfigureTargets


def table(configuring: Configuring) -> HandlerTable:
    """The service's handlers by kind of message."""

    async def configure(command: ConfigureTargets, _: Envelope) -> None:
        await configuring.configure(command)

    return {ConfigureTargets: configure}
