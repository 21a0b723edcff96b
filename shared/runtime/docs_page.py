"""`/docs`: the OpenAPI document as one page that needs nothing from elsewhere, so that it also works offline."""

import json
from html import escape
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1c2733;background:#fff}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem;text-transform:capitalize}
details{border:1px solid #d8dee6;border-radius:6px;margin:.4rem 0;padding:.4rem .8rem}
summary{cursor:pointer}code,pre{font:13px/1.45 ui-monospace,monospace}
pre{background:#f4f6f9;padding:.6rem;border-radius:4px;overflow:auto}
.m{display:inline-block;min-width:4.2rem;font-weight:700}.get{color:#1a6fb5}.post{color:#1d7f45}
.put,.patch{color:#9a6200}.delete{color:#b3261e}.s{color:#5b6876}
table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid #e6eaef;padding:.25rem .5rem;text-align:left;vertical-align:top}
@media(prefers-color-scheme:dark){body{background:#12171d;color:#dfe6ee}pre{background:#1b222b}
details,td,th{border-color:#2c3641}.s{color:#93a1b0}}
"""


def page(document: dict[str, Any], base_url: str) -> str:
    """The page for an OpenAPI 3.1 document."""
    info = document["info"]
    sections: dict[str, list[str]] = {}
    for path, item in document.get("paths", {}).items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                tag = (operation.get("tags") or ["other"])[0]
                sections.setdefault(tag, []).append(_operation(method, path, operation))
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(parts)}" for tag, parts in sections.items())
    schemas = document.get("components", {}).get("schemas", {})
    shapes = "".join(
        f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>{_json(schema)}</details>'
        for name, schema in sorted(schemas.items())
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f'<p class="s">{escape(base_url)} · <a href="/openapi.json">openapi.json</a> (HTTP) · '
        f'<a href="/asyncapi.json">asyncapi.json</a> (messages) · <a href="/metrics">metrics</a></p>'
        f"{body}<h2>Shapes</h2>{shapes}</html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [f"<p>{escape(operation['description'])}</p>"] if operation.get("description") else []
    if parameters := operation.get("parameters"):
        parts.append(f"<table>{''.join(map(_parameter, parameters))}</table>")
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Body: <code>{escape(media)}</code></p>{_json(content.get('schema', {}))}")
    answers = "".join(_answer(status, answer) for status, answer in operation.get("responses", {}).items())
    parts.append(f"<table>{answers}</table>")
    summary = escape(operation.get("summary", ""))
    return (
        f'<details><summary><span class="m {method}">{method.upper()}</span> <code>{escape(path)}</code> '
        f'<span class="s">{summary}</span></summary>{"".join(parts)}</details>'
    )


def _parameter(parameter: dict[str, Any]) -> str:
    need = "required" if parameter.get("required") else "optional"
    text = escape(parameter.get("description", ""))
    return (
        f"<tr><td><code>{escape(parameter['name'])}</code></td><td class='s'>{escape(parameter['in'])}, {need}</td>"
        f"<td>{text}</td><td><code>{escape(json.dumps(parameter.get('schema', {})))}</code></td></tr>"
    )


def _answer(status: str, answer: dict[str, Any]) -> str:
    media = ", ".join(answer.get("content", {}))
    shapes = [_shape(content.get("schema", {})) for content in answer.get("content", {}).values()]
    return (
        f"<tr><td><b>{escape(status)}</b></td><td>{escape(answer.get('description', ''))}</td>"
        f"<td class='s'>{escape(media)}</td><td>{' '.join(filter(None, shapes))}</td></tr>"
    )


def _shape(schema: dict[str, Any]) -> str:
    """A link to a named shape; what has no name is shown in the document itself."""
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return f'<a href="#{escape(name)}">{escape(name)}</a>' if name else ""


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
