"""What pydantic found wrong with a field, in words for people: the same for requests, files and settings."""

from collections.abc import Callable, Mapping
from typing import Any, Final

_IN_JSON: Final = {"True": "true", "False": "false", "None": "null"}
"""A constant as whoever writes JSON or YAML knows it."""

_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is required",
    "extra_forbidden": lambda _: "is not a field here",
    "string_type": lambda _: "must be a text",
    "string_unicode": lambda _: "must be text in UTF-8",
    "string_too_short": lambda ctx: f"must have at least {ctx['min_length']} characters",
    "string_too_long": lambda ctx: f"must have at most {ctx['max_length']} characters",
    "string_pattern_mismatch": lambda ctx: f"must match {ctx['pattern']}",
    "int_type": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "int_parsing_size": lambda _: "must be a smaller whole number",
    "float_type": lambda _: "must be a number",
    "float_parsing": lambda _: "must be a number",
    "finite_number": lambda _: "must be a finite number",
    "multiple_of": lambda ctx: f"must be a multiple of {ctx['multiple_of']}",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "greater_than_equal": lambda ctx: f"must be at least {ctx['ge']}",
    "greater_than": lambda ctx: f"must be greater than {ctx['gt']}",
    "less_than_equal": lambda ctx: f"must be at most {ctx['le']}",
    "less_than": lambda ctx: f"must be less than {ctx['lt']}",
    "literal_error": lambda ctx: f"must be {_IN_JSON.get(ctx['expected'], ctx['expected'])}",
    "enum": lambda ctx: f"must be {ctx['expected']}",
    "none_required": lambda _: "must be null",
    "list_type": lambda _: "must be a list",
    "tuple_type": lambda _: "must be a list",
    "too_short": lambda ctx: f"must have at least {ctx['min_length']} entries",
    "too_long": lambda ctx: f"must have at most {ctx['max_length']} entries",
    "dict_type": lambda _: "must be an object",
    "model_type": lambda _: "must be an object",
    "model_attributes_type": lambda _: "must be an object",
    "date_type": lambda _: "must be a date such as 2027-01-20",
    "date_parsing": lambda _: "must be a date such as 2027-01-20",
    "date_from_datetime_parsing": lambda _: "must be a date such as 2027-01-20",
    "date_from_datetime_inexact": lambda _: "must be a date such as 2027-01-20",
    "union_tag_not_found": lambda _: "is required",
    "union_tag_invalid": lambda ctx: f"must be one of {ctx['expected_tags']}",
    "datetime_type": lambda _: "must be a time such as 2027-01-20T10:00:00Z",
    "datetime_parsing": lambda _: "must be a time such as 2027-01-20T10:00:00Z",
    "datetime_from_date_parsing": lambda _: "must be a time such as 2027-01-20T10:00:00Z",
    "timezone_aware": lambda _: "must have its zone, as 2027-01-20T10:00:00Z has",
    "url_type": lambda _: "must be a URL",
    "url_parsing": lambda ctx: f"must be a URL: {ctx['error']}",
    "url_scheme": lambda ctx: f"must be a URL that begins with {ctx['expected_schemes']}",
    "url_too_long": lambda ctx: f"must be a URL of at most {ctx['max_length']} characters",
    "path_type": lambda _: "must be a path",
    "value_error": lambda ctx: str(ctx["error"]),
}


def sentence(fault: Mapping[str, Any]) -> str:
    """What is expected of the field, to be said behind its name. `fault` is one of `ValidationError.errors()`, with its
    context. The value is never part of it."""
    found = _SENTENCES.get(fault["type"])
    return found(fault.get("ctx", {})) if found else f"is not valid ({fault['type']})"
