"""What the services' users may do on the broker, by the services' descriptions."""

from collections.abc import Iterable

from shared.bus.permissions import Rights, service_rights
from shared.runtime.description import Description


def rights_of(each: Description) -> Rights:
    """Of one service's user."""
    return service_rights(each.name, each.bindings, each.families, each.listens, each.reads, commands=each.commands)


def rights(house: Iterable[Description]) -> dict[str, Rights]:
    """Of every service, whether it has a queue or not: each has a connection."""
    return {each.name: rights_of(each) for each in house}
