"""Form-encoded parameters, Stripe's nested names included."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from services.sandbox.stripe.errors import invalid

Form = Mapping[str, str]


def parse(body: bytes) -> dict[str, str]:
    """Names as they were sent, `metadata[reference]` and all."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body)))
    except ValueError as error:
        raise invalid("The body is not form-encoded") from error


def refuse_unknown(form: Form, known: frozenset[str]) -> None:
    """Stripe refuses a parameter it does not know, and names it."""
    for name in form:
        if name.split("[", 1)[0] not in known:
            raise invalid(f"Received unknown parameter: {name}", name, "parameter_unknown")


def required(form: Form, name: str) -> str:
    if not form.get(name):
        raise invalid(f"Missing required param: {name}.", name, "parameter_missing")
    return form[name]


def positive(form: Form, name: str) -> int:
    """An amount in minor units."""
    written = required(form, name)
    if not written.isdecimal():
        raise invalid(f"Invalid integer: {written}", name, "parameter_invalid_integer")
    if int(written) < 1:
        raise invalid("This value must be greater than or equal to 1.", name, "parameter_invalid_integer")
    return int(written)


def flag(form: Form, name: str) -> bool:
    written = form.get(name, "false")
    if written not in {"true", "false"}:
        raise invalid(f"Invalid boolean: {written}", name)
    return written == "true"


def metadata(form: Form) -> dict[str, str]:
    return {
        name[len("metadata[") : -1]: value
        for name, value in form.items()
        if name.startswith("metadata[") and name.endswith("]") and value
    }


def limit(form: Form) -> int:
    written = form.get("limit", "10")
    if not written.isdecimal() or not 1 <= int(written) <= 100:  # noqa: PLR2004
        raise invalid("limit must be from 1 to 100", "limit")
    return int(written)
