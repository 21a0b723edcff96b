"""Whether a schema may take another one's place under the same version, proved as set containment.

Readers of the old one must stand new data, and readers of the new one must stand what is archived. Fields that a schema
does not name are nobody's word: whoever writes by it writes none (`closed`), whoever reads by it passes them over, as
JSON Schema itself has it. So each, as readers read, must cover the other, as writers write. What cannot be decided
counts as no.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from jsonschema_rs import Draft202012, canonical, canonicalize

from shared.schemas.schema import Schema

_NAMES_FIELDS: Final = frozenset({"properties", "patternProperties"})
_SAYS_OF_OTHERS: Final = frozenset({"additionalProperties", "unevaluatedProperties"})
_OF_THE_SAME_VALUE: Final = frozenset(
    {"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "$dynamicRef"}
)
_ANNOTATIONS: Final = frozenset({"$ref", "title", "description", "default", "examples", "$comment", "deprecated"})
_MAPS: Final = frozenset({"properties", "patternProperties", "$defs", "dependentSchemas"})
_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMAS: Final = frozenset(
    {
        *("items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else"),
        *("unevaluatedItems", "unevaluatedProperties"),
    }
)


def incompatible(old: Schema, new: Schema) -> tuple[str, ...]:
    """Why not, a sentence for each direction; nothing where it may."""
    found = []
    if not _covers(old, new):
        found.append("it is not proved that whoever reads by the schema in force stands all that is valid by this one")
    if not _covers(new, old):
        found.append("it is not proved that whoever reads by this schema stands all that was valid by the one in force")
    return tuple(found)


def _covers(reader: Schema, writer: Schema) -> bool:
    try:
        read = canonicalize(dict(reader.document), draft=Draft202012)
        written = canonicalize(closed(writer.document), draft=Draft202012)
        return bool(read.covers(written) == canonical.Containment.YES)
    except (ValueError, canonical.CanonicalizationError):
        return False


def closed(document: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as those write who send no field that it does not name.

    Where several schemas speak of the same value, none of them knows all of its names: closing one would leave out what
    may be written, and prove what is not so. Such a document stays as it is, and more is refused.
    """
    made: dict[str, Any] = _closed(document) if all(map(_is_alone, _schemas(document))) else dict(document)
    return made


def _closed(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return schema
    made = {name: _inside(name, inner) for name, inner in schema.items()}
    if made.keys() & _NAMES_FIELDS and not made.keys() & _SAYS_OF_OTHERS:
        made["additionalProperties"] = False
    return made


def _inside(name: str, inner: Any) -> Any:
    if name in _MAPS and isinstance(inner, Mapping):
        return {each: _closed(schema) for each, schema in inner.items()}
    if name in _LISTS and isinstance(inner, list):
        return [_closed(schema) for schema in inner]
    return _closed(inner) if name in _SCHEMAS else inner


def _is_alone(schema: Mapping[str, Any]) -> bool:
    """Does nobody else say which fields a value has that this one speaks of?"""
    if "$ref" in schema and not schema.keys() <= _ANNOTATIONS:
        return False
    beside = [inner for name, inner in schema.items() if name in _OF_THE_SAME_VALUE]
    return "$dynamicRef" not in schema and not any(
        each.keys() & (_NAMES_FIELDS | {"$ref"}) for inner in beside for each in _everything_in(inner)
    )


def _schemas(schema: Any) -> Iterator[Mapping[str, Any]]:
    """The schema and all within."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    for name, inner in schema.items():
        if name in _MAPS and isinstance(inner, Mapping):
            within = list(inner.values())
        elif name in _LISTS and isinstance(inner, list):
            within = inner
        else:
            within = [inner] if name in _SCHEMAS else []
        for each in within:
            yield from _schemas(each)


def _everything_in(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every object, whatever it is: more than there are schemas."""
    if isinstance(node, Mapping):
        yield node
        for inner in node.values():
            yield from _everything_in(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _everything_in(inner)
