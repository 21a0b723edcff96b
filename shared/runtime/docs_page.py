"""The pages under `/docs`: the API by Swagger UI, the messages, the codes. They need nothing from elsewhere."""

import json
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any, Final

from shared.contracts.refusals import REFUSALS
from shared.web.codes import CODES

Json = dict[str, Any]

STATIC: Final = Path(__file__).parent / "static"
FILES: Final = {
    "docs.css": "text/css",
    "docs.js": "text/javascript",
    "swagger-ui/swagger-ui.css": "text/css",
    "swagger-ui/swagger-ui-bundle.js": "text/javascript",
}
"""What the pages load, by its path below `/docs/static/`."""
LOG_IN: Final = """\
<form id="login"><b>Sandbox</b><label>Member <input name="member" value="ana" required></label>
<label><input type="checkbox" name="funded" checked> with 50,000 miles</label>
<label>Scopes <input name="scope" size="48" value="offers carts checkouts miles ops:read ops:write"></label>
<button>Log in</button><output></output></form>"""


def api_page(title: str, *, sandbox: bool) -> str:
    """The routes, with requests to try; with a log-in where the sandbox stands beside them."""
    viewer = (
        '<link rel="stylesheet" href="/docs/static/swagger-ui/swagger-ui.css">'
        f'{LOG_IN if sandbox else ""}<div id="api"></div>'
        '<script src="/docs/static/swagger-ui/swagger-ui-bundle.js"></script>'
        '<script src="/docs/static/docs.js"></script>'
    )
    return _page(title, viewer)


def problems_page(title: str) -> str:
    """What each code means, and what the caller does about it."""
    rows = (
        (f'<code id="{code}">{code}</code>', ", ".join(map(str, statuses)), escape(means), escape(remedy))
        for code, (statuses, means, remedy) in sorted(CODES.items())
    )
    text = (
        "<h1>Problems</h1><p>Every error is <code>application/problem+json</code> (RFC 9457). Its <code>code</code> is "
        "stable; its <code>errors</code> name each wrong field by a JSON pointer, parameter or header.</p>"
    )
    problems = _table(("code", "status", "what it means", "what to do"), rows)
    return _page(title, f"<main>{text}{problems}{_refusals()}</main>")


def _refusals() -> str:
    """Why purchases that were begun do not go through."""
    rows = (
        (f'<code id="refusal-{code}">{code}</code>', escape(means), escape(remedy))
        for code, (means, remedy) in sorted(REFUSALS.items())
    )
    text = (
        "<h2>Refusals</h2><p>Why a purchase did not go through: the <code>code</code> in its <code>refusal</code>, on "
        "HTTP and in events, and of a step in its timeline. Whatever had been done is undone.</p>"
    )
    return f"{text}{_table(('code', 'what it means', 'what to do'), rows)}"


def messages_page(title: str, document: Json) -> str:
    """An AsyncAPI 3 document for people: the public messages first, then those between services."""
    sections: dict[str, list[str]] = {"For everybody": [], "Between the services": []}
    for name, message in document["components"]["messages"].items():
        public = any(tag["name"] == "public" for tag in message.get("tags", []))
        sections["For everybody" if public else "Between the services"].append(_message(name, message, document))
    parts = "".join(f"<h2>{title}</h2>{''.join(found)}" for title, found in sections.items())
    text = escape(document["info"]["description"]).replace("\n\n", "</p><p>")
    return _page(title, f"<main><h1>Messages</h1><p>{text}</p>{parts}</main>")


def _message(name: str, message: Json, document: Json) -> str:
    payload = message["payload"]
    shape = document["components"]["schemas"].get(str(payload.get("$ref", "")).rpartition("/")[2], payload)
    examples = "".join(_json(example["payload"]) for example in message.get("examples", []))
    return (
        f'<details id="{escape(name)}"><summary><code>{escape(message.get("name", name))}</code> '
        f"{escape(message.get('summary', ''))}</summary><p>{escape(message.get('description', ''))}</p>"
        f"{examples}<p>Shape</p>{_json(shape)}</details>"
    )


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Cells are HTML already."""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{escape(name)}</th>' for name in head)}</tr>{body}</table>"


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _page(title: str, body: str) -> str:
    links = (("/docs", "HTTP"), ("/docs/messages", "Messages"), ("/docs/problems", "Problems"))
    raw = (("/openapi.json", "openapi.json"), ("/asyncapi.json", "asyncapi.json"), ("/metrics", "metrics"))
    shown = " ".join(f'<a href="{path}">{text}</a>' for path, text in (*links, *raw))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/docs/static/docs.css">'
        f"<nav><b>{escape(title)}</b> {shown}</nav>{body}</html>"
    )
