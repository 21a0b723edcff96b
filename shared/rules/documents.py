"""What rules look at: a CloudEvent as one object, with whose it is."""

from collections.abc import Mapping
from typing import Any, Final

ATTRIBUTES: Final = frozenset(
    {"specversion", "type", "source", "subject", "id", "time", "datacontenttype", "dataschema"}
)
"""CloudEvents 1.0.2, in the JSON format's names."""
DATA: Final = "data"
BINARY: Final = "data_base64"
EXTENSIONS: Final = "extensions"
PARTNER: Final = "partner"


def document_of(event: Mapping[str, Any], partner: str) -> dict[str, Any]:
    """The event of the JSON format, its extension attributes under `extensions`, beside `partner`, which never is what
    the event says of itself. Data that is no JSON (`data_base64`) is not there: no rule can look into it."""
    document = {name: event[name] for name in event if name in ATTRIBUTES or name == DATA}
    extensions = {name: event[name] for name in event if name not in ATTRIBUTES and name not in {DATA, BINARY}}
    return document | {EXTENSIONS: extensions, PARTNER: partner}
