"""How requests look on a terminal."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from rich.table import Table

from services.cli import view
from services.cli.client import Json
from services.cli.printing import in_one_line
from shared.kernel.acts import body_digest, variables
from shared.kernel.digest import digest_of_bytes
from shared.kernel.visible import visible

MOST_SHOWN: Final = 16_000
"""Characters of a body: more nobody reads on a terminal, and `--json` has them."""
SHORTEST_DIGEST: Final = 12
"""Hexadecimal digits that the chat shows, and that are enough to be meant."""
OF_A_COMMAND: Final = ("argv", "files", "artifacts", "parameters", "links", "environment", "version")
"""What the gate asks by; an act of our own is asked for by other words, which are shown as they are."""


def listed(requests: Iterable[Json]) -> Table:
    table = Table(view.reference("request"), "state", "what", "requester", "approved by", "expires")
    for each in requests:
        approved = ", ".join(_name(one) for one in each.get("approvals") or [])
        table.add_row(
            *(str(each["id"]), _state(each), in_one_line(what(each)), str(each.get("requester", ""))),
            *(approved, _moment(each.get("expires_at"))),
        )
    return table


def shown(request: Json) -> Table:
    """Everything that somebody who decides must see."""
    table = Table(show_header=False)
    for name, value in _lines(request):
        table.add_row(name, value)
    return table


def decided(request: Json) -> str:
    """What has come of the approvals so far, in a sentence."""
    if request.get("state") != "pending":
        return f"The request is {_state(request)}."
    open_seats = [f"{_left(each)} of {each.get('group')}" for each in request.get("need") or [] if _left(each)]
    able = ", ".join(map(str, request.get("eligible") or [])) or "nobody who is there"
    return f"The request waits for {' and '.join(open_seats)}: {able} may agree."


def what(request: Json) -> str:
    return f"{request.get('action')} {request.get('target')} on {request.get('environment')}"


def _lines(request: Json) -> Iterator[tuple[str, str]]:
    payload: dict[str, Any] = request.get("payload") or {}
    yield "request", str(request["id"])
    yield "state", _state(request)
    yield "what", in_one_line(what(request))
    yield "why", str(request.get("reason", ""))
    yield "digest", str(request.get("digest"))
    yield "runs", in_one_line(" ".join(map(str, payload.get("argv") or [])))
    yield (
        "files",
        "\n".join(
            f"{each['sha256'][:SHORTEST_DIGEST]} {in_one_line(each['path'])}" for each in payload.get("files") or []
        ),
    )
    artifacts = payload.get("artifacts") or []
    yield "artifacts", "\n".join(f"{in_one_line(each['name'])}@{each['digest']}" for each in artifacts)
    for name in ("parameters", "links"):
        given = payload.get(name) or {}
        yield name, "\n".join(f"{in_one_line(key)}={in_one_line(str(value))}" for key, value in given.items())
    yield "with", "\n".join(in_one_line(visible(each)) for each in variables(payload.get("environment")))
    for name, value in payload.items():
        if name not in OF_A_COMMAND:
            yield in_one_line(name), in_one_line(value if isinstance(value, str) else json.dumps(value))
    yield from _body(payload, request.get("body"))
    for name in ("requester", "initiator"):
        yield name, str(request.get(name) or "")
    for name in ("authors", "eligible"):
        yield name, ", ".join(map(str, request.get(name) or []))
    yield "approved by", ", ".join(_name(each) for each in request.get("approvals") or [])
    yield "needs", "\n".join(map(_seats, request.get("need") or []))
    if request.get("execution"):
        code = request.get("exit_code")
        yield "execution", f"{request['execution']}, {'no end is told' if code is None else f'ended with {code}'}"
    if request.get("closed_by"):
        yield "closed by", ": ".join(filter(None, (request["closed_by"], request.get("closed_reason"))))
    yield "window", _window(request.get("window") or {})
    yield "expires", _moment(request.get("expires_at"))
    yield "in the log", str(request.get("log_index", ""))


def _seats(need: Json) -> str:
    persons = ", ".join(map(str, need.get("persons") or []))
    return f"{need.get('count')} of {need.get('group')}{f': {persons}' if persons else ''}"


def _left(need: Json) -> int:
    return int(need.get("count", 0)) - len(need.get("persons") or [])


def _body(payload: Json, text: Any) -> Iterator[tuple[str, str]]:
    """What will be sent, if it is that: whoever looks works its hash out once more."""
    told = body_digest(payload)
    if told is None or told == digest_of_bytes(b""):
        return
    if not isinstance(text, str):
        yield "sends", "(its text was erased, or never told: its hash alone is known)"
    elif digest_of_bytes(text.encode(errors="surrogatepass")) != told:
        yield "sends", "(another text is shown than that which is asked for: DO NOT AGREE)"
    else:
        rest = len(text[MOST_SHOWN:].encode())
        yield "sends", visible(text[:MOST_SHOWN]) + (f"\n... and {rest:,} bytes more: --json has them" if rest else "")


def _state(request: Json) -> str:
    broken = " (broken glass)" if request.get("broken") or request.get("broken_by") else ""
    return f"{request.get('state')}{broken}"


def _name(approval: Any) -> str:
    return str(approval.get("person")) if isinstance(approval, dict) else str(approval)


def _window(window: Json) -> str:
    return " to ".join(_moment(window.get(name)) or "..." for name in ("from", "until")) if window else ""


def _moment(at: Any) -> str:
    return view.moment(at) if isinstance(at, str) else ""
