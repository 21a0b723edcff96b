"""The bus edge: which targets there are, and whose clients are whose."""

from services.delivery.cases.configuring import Configuring
from shared.bus.dispatch import HandlerTable
from shared.contracts.cloudevents import Envelope
from shared.contracts.delivery import ConfigureClients, ConfigureTargets


def table(configuring: Configuring) -> HandlerTable:
    """The service's handlers by kind of message."""

    async def configure(command: ConfigureTargets, _: Envelope) -> None:
        await configuring.configure(command)

    async def configure_clients(command: ConfigureClients, _: Envelope) -> None:
        await configuring.configure_clients(command)

    return {ConfigureTargets: configure, ConfigureClients: configure_clients}
