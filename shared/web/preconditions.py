"""Conditional writes (RFC 9110 §13): `ETag` says which revision was read, `If-Match` which one may be changed."""

import re
from typing import Annotated

from fastapi import Header

from shared.web.docs import REQUIRED
from shared.web.problems import Fault, Problem

TAGS_PATTERN = r'^(?:\*|(?:W/)?"[\x21\x23-\x7e]*"(?:, *(?:W/)?"[\x21\x23-\x7e]*")*)$'
"""For the OpenAPI document: `*`, or a list of entity tags, as clients should write it."""
_TAGS = re.compile(r'\s*(?:W/)?"[\x21\x23-\x7e]*"\s*(?:,\s*(?:W/)?"[\x21\x23-\x7e]*"\s*)*')
_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e]*")')

_MEANS = "The ETag of what you read, or `*`: 412 where it was changed since"
_SHAPE = {"pattern": TAGS_PATTERN}
IfMatch = Annotated[
    str | None, Header(alias="If-Match", description=f"{_MEANS}.", examples=['"3"'], json_schema_extra=_SHAPE)
]
RequiredIfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description=f"{_MEANS}, 428 where it is missing.",
        examples=['"3"'],
        json_schema_extra={**_SHAPE, **REQUIRED},
    ),
]


def etag(revision: int) -> str:
    """The strong entity tag of a document's revision, quotes included."""
    return f'"{revision}"'


def check_if_match(header: str | None, revision: int | None, *, required: bool = False) -> None:
    """Raise 412 when `If-Match` names other revisions only, 428 when it is required and missing, 400 when no tag.

    A list matches when one of its tags does, `*` whatever is there; a weak tag never does, as RFC 9110 has it for
    `If-Match`. Where nothing is there yet (None), `"0"` says so.
    """
    if header is None:
        if required:
            detail = "If-Match is required here: send the ETag of what you read, or *"
            raise Problem(428, "precondition_required", detail, errors=[Fault("is required", header="If-Match")])
        return
    if problem := malformed_tags("If-Match", header):
        raise problem
    if header.strip() == "*":
        if revision is None:
            raise Problem(412, "precondition_failed", "Nothing is there to be changed")
    elif etag(revision or 0) not in {tag for weak, tag in _TAG.findall(header) if not weak}:
        detail = "It was changed meanwhile: read it again"
        raise Problem(412, "precondition_failed", detail, headers={"ETag": etag(revision or 0)})


def malformed_tags(name: str, header: str) -> Problem | None:
    """The 400 for a header that is neither `*` nor a list of entity tags."""
    if header.strip() == "*" or _TAGS.fullmatch(header):
        return None
    detail = f'{name} must be *, or entity tags such as "3"'
    return Problem(400, f"{name.lower().replace('-', '_')}_malformed", detail, errors=[Fault(detail, header=name)])


def any_matches(header: str, tag: str) -> bool:
    """Does a well-formed `If-None-Match` name this tag? Weak and strong ones compare as equal there."""
    opaque = tag.removeprefix("W/")
    return header.strip() == "*" or any(opaque == named for _, named in _TAG.findall(header))
