"""Slack as the chat. Sources: api.slack.com/methods, Block Kit's reference, "Message metadata".

Strangers' words stand in `plain_text` alone, where nothing is a mention, a link or bold; ours call the channel.
"""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from services.releases.domain.notices import Notice
from services.releases.domain.subjects import Subject, Subjects
from services.releases.ports import ChatAway, MessageGone, Place
from shared.kernel.acts import body_digest, variables
from shared.kernel.digest import digest_of_bytes
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown
from shared.kernel.visible import visible
from shared.outside.line import Json, Line, Request

EVENT: Final = "milesaga_release"
PAGE: Final = 200
MOST_PAGES: Final = 10
LONGEST: Final = 1_500
"""Characters of a stranger's text: Slack takes 3,000 in a block, and somebody has to read it."""
MOST_FILES: Final = 12
NOT_SHOWN: Final = frozenset(
    ("argv", "files", "artifacts", "parameters", "links", "path", "query", "search_path", "environment", "version")
)
NAMING_NOBODY: Final = ("/v1/hub/", "/v1/releases/")
"""Paths of ours that begin so name partners, types, targets, freezes. Any other may name a member, and the chat is
somebody else's."""
LINK: Final = re.compile(r"https://[^\s<>|\"`]{1,500}")
MARKS: Final = {
    "pending": "waits for approval",
    "approved": "approved",
    "granted": "approved, about to run",
    "executing": "running",
    "succeeded": "done",
    "failed": "failed",
    "unknown": "ran, and nobody knows how it ended",
    "denied": "denied",
    "expired": "expired",
    "withdrawn": "withdrawn",
    "superseded": "superseded: another request took its place",
    "revoked": "revoked",
}


class SlackChat:
    """`Chat` over Slack's web API, in one channel."""

    def __init__(self, line: Line, token: str, channel: str, subjects: Subjects) -> None:
        self._line = line.adapted(headers={"Authorization": f"Bearer {token}"})
        self._channel, self._subjects = channel, subjects

    async def post(self, notice: Notice) -> Place:
        about = {"event_type": EVENT, "event_payload": {"id": notice.id, "request_id": notice.request.id}}
        said = {"channel": self._channel, "metadata": about, "unfurl_links": False} | self._face(notice)
        answer = await self._call("chat.postMessage", said)
        return Place(str(answer["channel"]), str(answer["ts"]))

    async def find(self, notice: Notice, since: datetime) -> Place | None:
        cursor = ""
        for _ in range(MOST_PAGES):
            said: Json = {"channel": self._channel, "include_all_metadata": True, "limit": PAGE}
            said |= {"oldest": f"{since.timestamp():.6f}"} | ({"cursor": cursor} if cursor else {})
            answer = await self._call("conversations.history", said, repeatable=True)
            for message in answer.get("messages", []):
                about = message.get("metadata") or {}
                if about.get("event_type") == EVENT and about.get("event_payload", {}).get("id") == notice.id:
                    return Place(self._channel, str(message["ts"]))
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return None
        raise ChatAway("the channel's history is too long to be searched")

    async def redraw(self, place: Place, notice: Notice) -> None:
        said = {"channel": place.channel, "ts": place.at} | self._face(notice)
        await self._call("chat.update", said, repeatable=True)

    async def whisper(self, place: Place, user: str, text: str) -> None:
        await self._call("chat.postEphemeral", {"channel": place.channel, "user": user, "text": escaped(text)})

    async def ask_why(self, trigger: str, subject: str) -> None:
        reason: Json = {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": 2000}
        block: Json = {"type": "input", "block_id": "why", "label": _plain("Why not?"), "element": reason}
        view: Json = {"type": "modal", "callback_id": "deny", "private_metadata": subject, "title": _plain("Deny")}
        view |= {"submit": _plain("Deny"), "close": _plain("Back"), "blocks": [block]}
        await self._call("views.open", {"trigger_id": trigger, "view": view})

    async def _call(self, method: str, said: Json, *, repeatable: bool = False) -> Json:
        """What Slack answers. Raises ChatAway, and MessageGone where it says so."""
        request = Request("POST", f"/api/{method}", operation=method, json=said, repeatable=repeatable)
        try:
            body = (await self._line.send(request)).body
        except NotSent as error:
            raise ChatAway(str(error), error.again_in.total_seconds() if error.again_in else None) from error
        except (OutcomeUnknown, Misconfigured) as error:
            raise ChatAway(str(error)) from error
        if body.get("ok") is not True:
            code = str(body.get("error", "no ok"))
            raise MessageGone(code) if code == "message_not_found" else ChatAway(f"{method}: {code}")
        return body

    def _face(self, notice: Notice) -> Json:
        blocks = [*_blocks(notice)]
        if buttons := [self._button(notice, verb) for verb in notice.buttons]:
            blocks.append({"type": "actions", "block_id": "decide", "elements": buttons})
        return {"text": escaped(headline(notice)), "blocks": blocks}

    def _button(self, notice: Notice, verb: str) -> Json:
        request = notice.request
        value = self._subjects.written(Subject(request.id, request.digest))
        button = {"type": "button", "action_id": verb, "text": _plain(verb.capitalize()), "value": value}
        if verb == "deny":
            return button | {"style": "danger"}
        sure = f"{what(notice)}, {short(request.digest)}"
        confirm = {"title": _plain("Approve?"), "text": _plain(sure[:300])}
        confirm |= {"confirm": _plain("Approve"), "deny": _plain("Back")}
        return button | {"style": "primary", "confirm": confirm}


def headline(notice: Notice) -> str:
    """One line, also for telephones' notifications."""
    request = notice.request
    match notice.kind:
        case "broke_glass":
            return f"Glass broken by {request.broken_by} ({request.incident}): {what(notice)}"
        case "review_overdue":
            return f"Review overdue of what {request.broken_by} ran with broken glass: {what(notice)}"
        case _:
            return f"{what(notice)}: {MARKS[request.state]}"


def what(notice: Notice) -> str:
    request = notice.request
    return f"{request.action} {request.target} on {request.environment}"


def short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def escaped(text: str) -> str:
    """As Slack wants text of which nothing is a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _blocks(notice: Notice) -> Iterator[Json]:
    if notice.kind != "ask":
        yield {
            "type": "section",
            "text": {"type": "mrkdwn", "text": f"<!channel> *{escaped(headline(notice))[:1000]}*"},
        }
    else:
        yield {"type": "header", "text": _plain(headline(notice)[:150])}
    request = notice.request
    yield _section(f"Why: {_cut(_quoted(notice.reason)) or '(not told)'}")
    if runs := _runs(notice.payload):
        yield _section(runs)
    if notice.body != "":
        yield _section(_body(notice.body))
    seats = "\n".join(f"{each.group}: {each.person or '...'}" for each in notice.seats)
    asked_by = request.requester + (f", for {request.initiator}" if request.initiator else "")
    fields = [f"Asked by\n{asked_by}", f"Digest\n{short(request.digest)}", f"Needs\n{seats or '...'}"]
    if request.window.start or request.window.end:
        fields.append(f"Window\n{_moment(request.window.start)} to {_moment(request.window.end)}")
    if notice.until is not None:
        fields.append(f"Until\n{_moment(notice.until)}")
    if request.exit_code is not None:
        fields.append(f"Ended with\n{request.exit_code}")
    yield {"type": "section", "fields": [_plain(each[:2000]) for each in fields]}
    if links := " ".join(_links(notice.payload)):
        yield {"type": "context", "elements": [{"type": "mrkdwn", "text": links[:3000]}]}
    yield {"type": "context", "elements": [_plain(f"milesaga release show {request.id}")]}


def _runs(payload: Mapping[str, Any]) -> str:
    """The command's words and parameters, its files and artifacts; of an act of our own what is asked for."""
    argv, parameters = payload.get("argv"), payload.get("parameters")
    words = shlex.join(map(str, argv)) if isinstance(argv, list | tuple) else ""
    lines = [f"Runs: {_quoted(words)}"] if words else []
    lines += _sent(payload)
    if "search_path" in payload:
        lines.append(_quoted(f"Programs from: {payload['search_path']}"))
    lines += [_quoted(f"With {each}") for each in variables(payload.get("environment"))]
    if isinstance(parameters, Mapping):
        lines += [_quoted(f"{name} = {value}") for name, value in parameters.items()]
    for name in ("files", "artifacts"):
        given = payload.get(name)
        named = [each for each in given if isinstance(each, Mapping)] if isinstance(given, list | tuple) else []
        lines += [_quoted(" ".join(str(value)[:100] for value in each.values())) for each in named[:MOST_FILES]]
        lines += [f"... and {len(named) - MOST_FILES} more"] if len(named) > MOST_FILES else []
    seen = NOT_SHOWN | {"method"} if body_digest(payload) else NOT_SHOWN
    acts = {name: value for name, value in payload.items() if name not in seen}
    lines += [
        _quoted(f"{name}: {value if isinstance(value, str) else json.dumps(value)}") for name, value in acts.items()
    ]
    return _cut("\n".join(lines))


def _sent(payload: Mapping[str, Any]) -> list[str]:
    """Of a request of ours the method, and what it is upon, or where that can be read."""
    if body_digest(payload) is None:
        return []
    method, path, query = (str(payload[name]) for name in ("method", "path", "query"))
    if not path.startswith(NAMING_NOBODY):
        return [_quoted(f"Sends: {method}; its path may name a member: look at the request")]
    return [_quoted(f"Sends: {method} {path}{f'?{query}' if query else ''}")]


def _body(text: str | None) -> str:
    """As it will be sent. Where it is cut, the number of what is not seen is of the bytes that are hashed."""
    if text is None:
        return "Body: erased"
    seen = _whole_characters(text, LONGEST)
    if seen == text:
        return f"Body:\n> {_quoted(visible(text))}"
    more, whole = len(text[len(seen) :].encode()), digest_of_bytes(text.encode())
    rest = f"... AND {more:,} BYTES MORE, {whole} in all: look at the request before you agree"
    return f"Body:\n> {_quoted(visible(seen))}\n{rest}"


def _whole_characters(text: str, most: int) -> str:
    """As much of it as takes so many characters when it is shown."""
    taken = 0
    for place, each in enumerate(text):
        taken += len(visible(each)) + (2 if each == "\n" else 0)
        if taken > most:
            return text[:place]
    return text


def _links(payload: Mapping[str, Any]) -> Iterator[str]:
    given = payload.get("links")
    for name, url in list(given.items())[:5] if isinstance(given, Mapping) else ():
        if isinstance(url, str) and LINK.fullmatch(url):
            yield f"<{escaped(url)}|{re.sub(r'[^A-Za-z0-9 ._-]', '', str(name))[:50] or 'link'}>"


def _cut(text: str) -> str:
    """As much as somebody reads. That there is more is said with how much: it may be what matters."""
    text = visible(text)
    more = len(text) - LONGEST
    return (
        text
        if more <= 0
        else f"{text[:LONGEST]}\n... AND {more:,} CHARACTERS MORE: look at the request before you agree"
    )


def _quoted(text: str) -> str:
    """A stranger's lines, none of which can be taken for one of ours."""
    return text.replace("\n", "\n> ")


def _section(text: str) -> Json:
    return {"type": "section", "text": _plain(text)}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": visible(text) or " ", "emoji": False}


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "..."
