"""`milesaga hub listen`: a feed's events, posted to a program that is being written, as webhooks would be."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import httpx
import typer

from services.cli import printing, view
from services.cli.client import Json, named, operator, reported
from services.cli.hub.archived import SINCE
from services.cli.hub.feeds import Target, begun, keep, pages
from services.cli.hub.reading import Wrong
from services.delivery.domain import signing
from services.delivery.domain.verdicts import Answer, judge
from services.delivery.domain.webhook import STRUCTURED
from shared.contracts.buses import Signature

PATIENCE: Final = 15.0
"""Seconds for one answer, as a target's `timeout` has them where its file says nothing."""
ENOUGH: Final = 16 * 1024
"""Bytes of an answer's body, as of an endpoint's."""
LAST_PORT: Final = 65_535
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0


def listen(  # noqa: PLR0917 - typer calls by name
    target: Target,
    forward: Annotated[str, typer.Option("--forward", metavar="URL", help="Where each event is posted.")],
    start: Annotated[str, typer.Option("--from", help=f"Accepted since: {SINCE}")] = "-0s",
    cursor: Annotated[
        Path | None, typer.Option("--cursor", metavar="FILE", help="Go on where this file says; it is kept up to date.")
    ] = None,
    secret: Annotated[
        str | None,
        typer.Option(
            "--secret",
            metavar="KEY",
            help="Sign by this, whsec_.. or whsk_..; without it a key is made, and what verifies it is shown.",
        ),
    ] = None,
    scheme: Annotated[
        Signature | None, typer.Option("--signature", help="The scheme of the key that is made; hmac where left out.")
    ] = None,
    until_now: Annotated[bool, typer.Option("--until-now", help="End when nothing follows.")] = False,
) -> None:
    """Post what matches a feed to a URL, one event after the other, signed as webhooks are. What the program refuses is
    told and left behind; while it does not answer, or fails, the same event comes again, after its `Retry-After`."""
    with reported(), named(f"feed {target}"), operator() as api:
        key = _key(secret, scheme)
        with httpx.Client(trust_env=False, timeout=PATIENCE) as line:
            post = Post(line, _url(forward), key)
            for page in pages(api, target, begun(cursor, start), follow=not until_now, skip_gone=False):
                for event in page["events"]:
                    post.until_taken(event)
                if cursor is not None:
                    keep(cursor, page["after"])


class Post:
    """The way to the program."""

    def __init__(self, line: httpx.Client, url: str, key: signing.Key) -> None:
        self._line = line
        self._url = url
        self._key = key

    def until_taken(self, event: Json) -> None:
        """Or refused for what it is."""
        pause, attempt = FIRST_PAUSE, 1
        while True:
            began = time.monotonic()
            answer = self._answer(event, attempt)
            ms = round((time.monotonic() - began) * 1000)
            told = view.moment(event["hubat"]), event["type"], event["id"], answer.status or answer.error, f"{ms} ms"
            printing.say(printing.in_one_line(" ".join(map(str, told))))
            verdict = judge(answer, datetime.now(UTC))
            if verdict.meaning in {"delivered", "copy"}:
                return
            time.sleep(pause if verdict.rest is None else max(pause, verdict.rest.total_seconds()))
            pause, attempt = min(pause * 2, LONGEST_PAUSE), attempt + 1

    def _answer(self, event: Json, attempt: int) -> Answer:
        id_, timestamp = str(event["deliveryid"]), int(time.time())
        body = json.dumps(event, ensure_ascii=False).encode()
        headers = {
            "Content-Type": STRUCTURED,
            "webhook-id": id_,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signing.signature(id_, timestamp, body, [self._key]),
            "milesaga-attempt": str(attempt),
        }
        try:
            with self._line.stream("POST", self._url, content=body, headers=headers) as response:
                _pass_over(response)
        except httpx.TransportError as error:
            return Answer(error=type(error).__name__)
        return Answer(response.status_code, response.headers.get("retry-after"))


def _pass_over(response: httpx.Response) -> None:
    """Its body, as it came: nobody reads it. Raises TransportError."""
    began, size = time.monotonic(), 0
    for piece in response.iter_raw():
        size += len(piece)
        if size > ENOUGH:
            return
        if time.monotonic() - began > PATIENCE:
            raise httpx.ReadTimeout("a body without end")


def _url(text: str) -> str:
    """Raises Wrong."""
    try:
        url = httpx.URL(text)
        is_one = url.scheme in {"http", "https"} and bool(url.host) and (url.port is None or 0 < url.port <= LAST_PORT)
    except (httpx.InvalidURL, ValueError):
        is_one = False
    if not is_one:
        raise Wrong(f"--forward: a URL such as http://127.0.0.1:9000/hook is expected, not {text!r}")
    return text


def _key(secret: str | None, scheme: Signature | None) -> signing.Key:
    """Raises Wrong."""
    if secret is None:
        key = signing.SCHEMES[scheme or "hmac"].key(signing.new_key())
        printing.say(f"Verify by {key.shown}")
        return key
    if scheme is not None:
        raise Wrong("--signature: is left out beside --secret, which says itself what it is of")
    try:
        return signing.read(secret)
    except ValueError as error:
        raise Wrong("--secret: a key such as whsec_... or whsk_... is expected, in base64") from error
