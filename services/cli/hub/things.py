"""What files of the hub describe: partners, types and buses, each judged before anything is sent."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from services.cli.client import Json
from services.cli.hub.fields import meant
from services.cli.hub.reading import Document
from services.hub.domain.partner import NAME as PARTNER_NAME
from services.hub.domain.partner import TYPE
from services.hub.http.bodies import PartnerBody, TypeBody
from shared.contracts.buses import NAME as BUS_NAME
from shared.contracts.buses import BusTerms
from shared.kernel.faults import sentence
from shared.routing.compiling import rules_of
from shared.routing.wrong import WrongBus
from shared.rules.faults import pointer_to
from shared.schemas.schema import Schema, WrongSchema

UNKNOWN: Final = "extra_forbidden"
"""Pydantic's word for a field that there is not."""
KINDS: Final = ("partner", "type", "bus")
"""In the order in which they are applied: a bus names partners, its rules types."""


@dataclass(frozen=True)
class Thing:
    """One partner, type or bus, as a file has it. `body` is what the hub is sent, with every default said."""

    kind: str
    name: str
    body: Json
    source: Document

    @property
    def path(self) -> str:
        plural = {"partner": "partners", "type": "types", "bus": "buses"}[self.kind]
        return f"/v1/hub/{plural}/{self.name}"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Found:
    """The things of some files in the order in which they are applied, and what is wrong with the rest."""

    things: list[Thing]
    wrong: list[str]


def things(found: Iterable[Document]) -> Found:
    taken: list[Thing] = []
    wrong: list[str] = []
    for document in found:
        thing, faults = _thing(document)
        wrong += [f"{document}: {each}" for each in faults]
        if thing is not None and any((each.kind, each.name) == (thing.kind, thing.name) for each in taken):
            wrong.append(f"{document}: {thing} stands in another document as well")
        elif thing is not None:
            taken.append(thing)
    return Found(sorted(taken, key=lambda thing: KINDS.index(thing.kind)), wrong)


def as_written(kind: str, shown: Json) -> Json:
    """What the hub shows of a thing, as a file would have it."""
    if kind == "bus":
        return {"bus": shown["id"], **shown["terms"]}
    body = {name: value for name, value in shown.items() if name != "id"}
    if kind == "type":
        body["schema"] = body.pop("schema_document")
    return {kind: shown["id"], **body}


def written(thing: Thing) -> Json:
    """The same of one that a file has."""
    return {thing.kind: thing.name, **thing.body}


def _thing(document: Document) -> tuple[Thing | None, list[str]]:
    value = document.value
    kind = next((each for each in reversed(KINDS) if isinstance(value, dict) and each in value), None)
    if kind is None:
        return None, [f"expected one of the fields {', '.join(KINDS)}, which says what it is"]
    name = value[kind]
    pattern = {"partner": PARTNER_NAME, "type": TYPE, "bus": BUS_NAME}[kind]
    if not isinstance(name, str) or re.fullmatch(pattern, name) is None:
        return None, [f"/{kind}: a name is expected that matches {pattern}"]
    body, faults = _body(kind, name, {field: each for field, each in value.items() if field != kind})
    return (None if faults else Thing(kind, name, body, document)), [f"({kind} {name}) {each}" for each in faults]


def _body(kind: str, name: str, fields: Mapping[str, Any]) -> tuple[Json, list[str]]:
    models: dict[str, type[BaseModel]] = {"partner": PartnerBody, "type": TypeBody, "bus": BusTerms}
    try:
        model = models[kind].model_validate(fields)
    except ValidationError as error:
        return {}, [*_faults(error, models[kind], fields)]
    body: Json = model.model_dump(mode="json", by_alias=True)
    if isinstance(model, BusTerms):
        return body, [*_of_rules(name, model)]
    if isinstance(model, TypeBody):
        return body, [*_of_schema(model)]
    return body, []


def _faults(error: ValidationError, model: type[BaseModel], fields: Mapping[str, Any]) -> Iterator[str]:
    """In the order of the file."""
    for each in sorted(error.errors(), key=lambda each: [*_position(each["loc"], fields)]):
        hint = f": {meant(model, each['loc'])}" if each["type"] == UNKNOWN else ""
        yield f"{pointer_to(each['loc']) or 'the whole'}: {sentence(each)}{hint}"


def _position(places: Iterable[int | str], node: Any) -> Iterator[int]:
    """Which of its neighbours each of the places is; what is not there comes first."""
    for place in places:
        names = _names(node)
        yield names.index(place) if place in names else -1
        node = node[place] if place in names else None


def _names(node: Any) -> list[int | str]:
    """By which its members are found."""
    if isinstance(node, dict):
        return [*node]
    return [*range(len(node))] if isinstance(node, list) else []


def _of_rules(name: str, terms: BusTerms) -> Iterator[str]:
    try:
        rules_of(name, terms)
    except WrongBus as wrong:
        yield from map(str, wrong.faults)


def _of_schema(body: TypeBody) -> Iterator[str]:
    try:
        schema = Schema(body.schema_document)
    except WrongSchema as wrong:
        yield from (f"/schema{each.pointer}: {each.detail}" for each in wrong.faults)
        return
    for place, example in enumerate(body.examples):
        yield from (f"/examples/{place}{each.pointer}: {each.detail}" for each in schema.faults(example))
