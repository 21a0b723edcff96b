"""What operators send."""

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictInt

from services.hub.domain.kind import KEEP, ORDERED_BY, PERSONAL
from services.hub.domain.partner import Glob, Rate
from shared.kernel.members import MEMBER_ID
from shared.web.bodies import Body


class PartnerBody(Body):
    """A partner, whole."""

    clients: Annotated[
        list[Annotated[str, Field(pattern=MEMBER_ID, examples=["coles-tills"])]],
        Field(max_length=50, description="Subjects of its tokens", examples=[["coles-tills"]]),
    ]
    publishes: Annotated[
        list[Glob], Field(max_length=100, description="Types it may publish", examples=[["retail.receipt.*"]])
    ]
    rate: Annotated[Rate, Field(description="How much it may send")] = Rate()
    strict_types: Annotated[StrictBool, Field(description="Refuse types that are not registered")] = True
    dedupe_hours: Annotated[
        StrictInt, Field(ge=24, le=720, description="How long an event's id is known", examples=[24])
    ] = 24
    contact: Annotated[
        str, Field(max_length=200, description="Whom to write to", examples=["integration@coles.example"])
    ] = ""
    broker_user: Annotated[
        Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,100}$")] | None,
        Field(description="Its user on the broker", examples=["coles"]),
    ] = None


class TypeBody(Body):
    """A type, whole."""

    schema_document: Annotated[
        dict[str, Any],
        Field(alias="schema", description="JSON Schema 2020-12 of the data", examples=[{"type": "object"}]),
    ]
    keep: Annotated[
        str, Field(pattern=KEEP, description="`forever`, or days such as `P400D`", examples=["forever"])
    ] = "forever"
    personal: Annotated[
        tuple[Annotated[str, Field(pattern=PERSONAL, max_length=200, examples=["/data/member/email"])], ...],
        Field(max_length=50, description="Where something personal stands: pointers into the event"),
    ] = ()
    redact: Annotated[
        Literal["drop", "hash"] | None, Field(description="What is kept in its place: a keyed digest, or nothing")
    ] = None
    examples: Annotated[tuple[Any, ...], Field(max_length=20, description="Data that is valid")] = ()
    ordered_by: Annotated[
        Annotated[str, Field(pattern=ORDERED_BY, max_length=200)] | None,
        Field(
            description="Where the key stands whose events stay in order: `partitionkey`, `subject`, or a pointer",
            examples=["/data/member/id"],
        ),
    ] = None
