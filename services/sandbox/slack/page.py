"""The workspace as people see it: one page, on which anybody presses as anybody."""

import json
from html import escape
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response

from services.sandbox.memory import Memory
from services.sandbox.slack import workspace
from services.sandbox.slack.errors import SlackError
from services.sandbox.slack.pressing import Click, Fingers, Submit

PEOPLE = ("U0ANA", "U0BIA", "U0CAIO", "U0DORA", "U0EVA")
STYLE = (
    "body{font:15px sans-serif;max-width:46em;margin:2em auto;padding:0 1em}"
    "article{border:1px solid #ccc;border-radius:6px;padding:.6em 1em;margin:1em 0}"
    "pre{white-space:pre-wrap;font:inherit;margin:.3em 0}small{color:#666}"
)
ACT = "/sandbox/slack/page"


def router(memory: Memory, fingers: Fingers) -> APIRouter:
    routes = APIRouter(prefix="/sandbox/slack", tags=["tests"])

    @routes.get("/page")
    async def page(user: str = PEOPLE[0]) -> Response:
        messages, views = await memory.run(
            lambda connection: (workspace.everything(connection), workspace.views(connection))
        )
        return Response(_page(user, messages, views), media_type="text/html")

    @routes.post("/page")
    async def press(request: Request) -> Response:
        said = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        user = said.pop("user", "")
        try:
            if "view_id" in said:
                inputs: dict[str, dict[str, str]] = {}
                for name, text in said.items():
                    if name.startswith("["):
                        block, action = json.loads(name)
                        inputs.setdefault(block, {})[action] = text
                await fingers.submit(Submit(user=user, view_id=said["view_id"], values=inputs))
            else:
                await fingers.click(Click(user=user, ts=said.get("ts", ""), action_id=said.get("action_id", "")))
        except (SlackError, ValueError) as error:
            return Response(escape(str(error)), 400, media_type="text/html")
        return Response(status_code=303, headers={"Location": f"{ACT}?user={user}"})

    return routes


def _page(user: str, messages: list[dict[str, Any]], views: list[dict[str, Any]]) -> str:
    people = "".join(
        f"<option{' selected' if each == user else ''}>{escape(each)}</option>"
        for each in dict.fromkeys((*PEOPLE, user))
    )
    shown = [each for each in messages if each["seen_by"] in (None, user)]
    mine = [each["view"] for each in views if each["user"] == user]
    return (
        "<!doctype html><meta charset=utf-8><title>Slack's stand-in</title>"
        f"<style>{STYLE}</style><h1>Slack's stand-in</h1>"
        f"<form>You are <select name=user onchange=form.submit()>{people}</select> <button>be</button></form>"
        + "".join(_modal(user, view) for view in mine)
        + "".join(_message(user, each) for each in reversed(shown))
    )


def _message(user: str, each: dict[str, Any]) -> str:
    message = each["message"]
    only = " <small>only you see this</small>" if each["seen_by"] else ""
    lines = [_block(user, message["ts"], block) for block in message["blocks"]] or [_text(message["text"])]
    return f"<article><small>{escape(each['channel'])} {escape(message['ts'])}</small>{only}{''.join(lines)}</article>"


def _block(user: str, ts: str, block: dict[str, Any]) -> str:
    texts = [block.get("text"), *block.get("fields", [])]
    if block["type"] == "context":
        texts += block["elements"]
    said = "".join(_text(text["text"]) for text in texts if text)
    if block["type"] != "actions":
        return said
    return "".join(
        f"<form method=post action={ACT} style=display:inline>{_hidden('user', user)}{_hidden('ts', ts)}"
        f"{_hidden('action_id', each['action_id'])}<button>{escape(each['text']['text'])}</button></form> "
        for each in block["elements"]
    )


def _modal(user: str, view: dict[str, Any]) -> str:
    inputs = "".join(
        f"<p>{escape(block['label']['text'])}<br><textarea name='"
        f"{escape(json.dumps([block['block_id'], block['element']['action_id']]))}'></textarea>"
        for block in view["blocks"]
        if block["type"] == "input"
    )
    title = escape(view.get("title", {}).get("text", ""))
    return (
        f"<article><form method=post action={ACT}><b>{title}</b>{_hidden('user', user)}"
        f"{_hidden('view_id', view['id'])}{inputs}<p><button>Send</button></form></article>"
    )


def _text(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def _hidden(name: str, value: str) -> str:
    return f'<input type=hidden name={name} value="{escape(value)}">'
