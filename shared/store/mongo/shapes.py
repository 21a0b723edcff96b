"""A document, its outbox, its indexes and a page of it as MongoDB holds and asks for them: plain dicts, no driver."""

from hashlib import sha256
from typing import Any

from shared.contracts.messages import OutboxMessage
from shared.store import millis
from shared.store.documents import Document, Index, Lookup, Scalar
from shared.store.paging import ID, Condition, Page

Json = dict[str, Any]
UNIQUE = "-unique"
WITHOUT_OUTBOX = {"outbox": 0}
NOTHING_UNSENT = {"outbox.0": {"$exists": False}}


def index_definitions(index: Index) -> list[tuple[str, list[tuple[str, int]], Json]]:
    """Uniqueness has an index of its own: its filter on the type, which leaves nulls out, would serve few queries."""
    paths = [f"body.{field}" for field in index.fields]
    keys = [(path, 1) for path in paths]
    present = {"partialFilterExpression": {paths[0]: {"$exists": True}}}
    walked = (index.name, [*keys, ("_id", 1)], present)
    if not index.unique:
        return [walked]
    typed = {"partialFilterExpression": {paths[0]: {"$type": ["string", "number"]}}}
    return [walked, (index.name + UNIQUE, keys, {"unique": True, **typed})]


def lookup_path(lookup: Lookup) -> str:
    """MongoDB's own paths lead through lists, and its indexes have an entry for each member."""
    return f"body.{lookup.list}" + (f".{lookup.member}" if lookup.member else "")


def lookup_definitions(lookup: Lookup) -> list[tuple[str, list[tuple[str, int]], Json]]:
    """An empty list has an entry as well, as if it were null: the filter on the type leaves it out where that would be
    refused."""
    path = lookup_path(lookup)
    found = (lookup.name, [(path, 1), ("_id", 1)], {"partialFilterExpression": {path: {"$exists": True}}})
    if not lookup.unique:
        return [found]
    texts = {"partialFilterExpression": {path: {"$type": "string"}}}
    return [found, (lookup.name + UNIQUE, [(path, 1)], {"unique": True, **texts})]


def name_beside(name: str, keys: list[tuple[str, int]], options: Json) -> str:
    """Another release's index of this name is used by it: one that is defined otherwise stands beside it."""
    return f"{name}~{sha256(repr((keys, options)).encode()).hexdigest()[:8]}"


def options_of(found: Json) -> Json:
    """Of an index as the server lists it, what `index_definitions` says besides its keys."""
    return {option: found[option] for option in ("unique", "partialFilterExpression") if option in found}


def page_filter(wanted: Page) -> Json:
    segments = [{"$and": [_condition(condition) for condition in segment]} for segment in wanted.segments]
    return segments[0] if len(segments) == 1 else {"$or": segments}


def page_order(wanted: Page) -> list[tuple[str, int]]:
    return [(_path(field), -1 if wanted.descending else 1) for field in wanted.order]


def field_of(found: Json, field: str) -> Scalar:
    """What stands at a dotted path of a document's body."""
    value: Any = found.get("body")
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, str | int) else None


def _path(field: str) -> str:
    return "_id" if field == ID else f"body.{field}"


def _condition(condition: Condition) -> Json:
    """Comparisons of MongoDB stay within the value's type, so what other types add is said beside them."""
    path, value = _path(condition.field), condition.value
    match condition.operator:
        case "is null":
            return {path: None}
        case "is not null":
            return {path: {"$exists": True, "$ne": None}}
        case "=":
            return {path: {"$eq": value}}
        case ">":
            more = [] if isinstance(value, str) else [{path: {"$type": "string"}}]
            return {"$or": [{path: {"$gt": value}}, *more]}
        case "<":
            less = [{path: {"$type": "number"}}] if isinstance(value, str) else []
            return {"$or": [{path: {"$lt": value}}, *less]}


def state_of(document: Document) -> Json:
    state = {"version": document.version, "schema": document.schema, "body": document.body}
    return state if document.wake_at is None else state | {"wake_at": document.wake_at}


def to_document(found: Json) -> Document:
    return Document(found["_id"], found["body"], found["version"], found["schema"], found.get("wake_at"))


def to_entry(message: OutboxMessage) -> Json:
    return {
        "id": message.id,
        "exchange": message.exchange,
        "routing_key": message.routing_key,
        "headers": dict(message.headers),
        "body": message.body.decode(),
        "mandatory": message.mandatory,
        "saved_at": millis.to_datetime(millis.rounded_down(message.saved_at)),
    }


def to_message(entry: Json) -> OutboxMessage:
    return OutboxMessage(**entry | {"body": entry["body"].encode()})
