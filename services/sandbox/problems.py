"""The sandbox's own answers: JSON, and problems as RFC 9457 describes them. Providers' errors are not made here."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from fastapi import Request, Response
from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


class ProblemError(Exception):
    """A refusal to be shown as `application/problem+json`."""

    def __init__(self, status: int, code: str, detail: str, errors: Sequence[Mapping[str, str]] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.errors = status, code, detail, errors

    def response(self, instance: str) -> Response:
        body: dict[str, Any] = {
            "type": "about:blank",
            "title": self.code.replace("_", " "),
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "code": self.code,
        }
        if self.errors is not None:
            body["errors"] = list(self.errors)
        return as_json(body, self.status, media_type="application/problem+json")


def as_json(
    body: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """A JSON answer, compact and in UTF-8."""
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, status, headers, media_type)


async def body_of(request: Request, model: type[M], context: Any = None) -> M:
    """The body as `model`, validated with `context`; 400 when it is no JSON, 422 naming each wrong field."""
    try:
        raw = json.loads(await request.body())
    except ValueError as error:
        raise ProblemError(400, "malformed_body", f"the body is no JSON: {error}") from error
    try:
        return model.model_validate(raw, context=context)
    except ValidationError as error:
        errors = [
            {"pointer": "".join(f"/{part}" for part in found["loc"]), "detail": found["msg"]}
            for found in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        detail = "; ".join(f"{found['pointer'] or '/'}: {found['detail']}" for found in errors)
        raise ProblemError(422, "invalid_body", detail, errors) from error
