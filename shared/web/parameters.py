"""Query parameters: one that a route does not know is a mistake, not something to pass over; so is one said twice."""

from collections import Counter
from inspect import isclass

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from shared.kernel.jsontext import shown_name
from shared.web.problems import Fault, invalid_fields

UNKNOWN = "is not a parameter here"


async def known_parameters_only(request: Request) -> None:
    """Dependency: 422 naming each query parameter that the route does not have, or that is given more than once."""
    if not request.scope["query_string"]:
        return
    given = Counter(name for name, _ in request.query_params.multi_items())
    route = request.scope.get("route")
    known = _names(route.dependant) if isinstance(route, APIRoute) else set()
    faults = [
        Fault(UNKNOWN if name not in known else "is given more than once", parameter=shown_name(name))
        for name, times in given.items()
        if name not in known or times > 1
    ]
    if faults:
        raise invalid_fields(faults)


def _names(dependant: Dependant) -> set[str]:
    """What a route and its dependencies read from the query; a model there stands for its fields."""
    names: set[str] = set()
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isclass(model) and issubclass(model, BaseModel):
            names |= {one.alias or name for name, one in model.model_fields.items()}
        else:
            names.add(field.alias)
    return names.union(*map(_names, dependant.dependencies))
