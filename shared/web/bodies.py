"""What every body on HTTP has in common."""

import re
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field


class Body(BaseModel):
    """What clients send: unknown fields are refused, and what stood in a wrong one is never repeated."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Shown(BaseModel):
    """What clients are shown; made of the domain's own objects where the names are the same.

    Every field is there in every answer, also where it has a default here: the document says so.
    """

    model_config = ConfigDict(from_attributes=True, json_schema_serialization_defaults_required=True)


EARLIEST, LATEST = 1970, 2999
"""Years. Beyond them, times overflow somewhere on the way: in an index, in a zone, in milliseconds."""
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}.*")
DAY_PATTERN = r"^(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}$"
"""For the OpenAPI document, where `date` alone would allow the year 0."""
DAY_UNTIL_2999 = DAY_PATTERN.replace("[0-9]{4}", "[0-2][0-9]{3}", 1)
MOMENT_PATTERN = r"^(19[7-9]|2[0-9]{2})[0-9]-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-5]"
"""For the OpenAPI document: the years in reach; no leap second, which no clock of ours can show."""
_WHOLE = re.compile(r"-?[0-9]{1,18}")


def day_only(given: Any) -> Any:
    """Refuse what only resembles a day: numbers, weeks, times."""
    if not isinstance(given, date) and not (isinstance(given, str) and _DAY.fullmatch(given)):
        raise ValueError("must be a date such as 2027-01-20")
    return given


def _moment_only(given: Any) -> Any:
    if not isinstance(given, datetime) and not (isinstance(given, str) and _MOMENT.fullmatch(given)):
        raise ValueError("must be a time with its zone such as 2027-01-20T10:00:00Z")
    return given


def _within_reach(moment: datetime) -> datetime:
    if not EARLIEST <= moment.year <= LATEST:
        raise ValueError(f"must be between the years {EARLIEST} and {LATEST}")
    return moment


def _digits_only(given: Any) -> Any:
    if isinstance(given, str) and not _WHOLE.fullmatch(given):
        raise ValueError("must be a whole number")
    return given


Day = Annotated[date, BeforeValidator(day_only), Field(json_schema_extra={"pattern": DAY_PATTERN})]
"""A day as ISO 8601 writes it with hyphens, and nothing else that could be taken for one."""
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_moment_only),
    AfterValidator(_within_reach),
    Field(json_schema_extra={"pattern": MOMENT_PATTERN}),
]
"""A time with its zone (RFC 3339); never a number, never a day alone."""
WholeNumber = Annotated[int, BeforeValidator(_digits_only)]
"""A whole number in a query, where everything is text: ASCII digits, and a sign at most."""
