"""`milesaga release act`: a request to our own API that takes a grant, from the ask to its answer."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from services.cli import printing
from services.cli.access import AccessSettings
from services.cli.client import OPERATOR_SCOPE, Api, base_url, given, reported, sandbox_token
from services.cli.release import wishes
from services.cli.release.access import Person
from services.cli.release.agreed import Act, Consent, granted
from services.cli.release.gate import exits
from services.cli.release.gate.driving import say
from shared.kernel.acts import LARGEST_BODY, payload, target_of

PRODUCTION = "production"
METHODS = frozenset({"PUT", "POST", "PATCH", "DELETE"})


def act(
    method: Annotated[str, typer.Argument(help="PUT, POST, PATCH or DELETE.")],
    path: Annotated[str, typer.Argument(metavar="PATH", help="With its query, such as /v1/miles/accounts/ana.")],
    *,
    action: wishes.Action,
    reason: wishes.Reason,
    environment: wishes.Environment = PRODUCTION,
    body: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file with the body; it is sent as it is.")
    ] = None,
    content_type: Annotated[str, typer.Option(help="Of the body.")] = "application/json",
    if_match: Annotated[str | None, typer.Option(help="The ETag of what is to be changed.")] = None,
    key: wishes.Key = None,
    patience: wishes.Patience = wishes.PATIENCE,
    reach: wishes.Reach = wishes.REACH,
    person: Person = None,
) -> None:
    """Ask for a request of our own API that takes a grant, wait until others agree, and send exactly it, once.

    Exit 0 with the answer's body; 1 where it was refused after all; else the gate's codes, as `release gate` has them.
    """
    asked = as_act(method.upper(), path, action, content := body.read_bytes() if body else b"")
    headers = {"Content-Type": content_type} if content else {}
    headers |= {"If-Match": if_match} if if_match else {}
    consent = Consent(reason, key, patience, reach, person)
    with granted(asked, environment, consent) as grant, reported(), _operator(person) as api:
        answer = api.request(method.upper(), path, content=content, headers=headers | {"Milesaga-Grant": grant})
    if answer.content:
        printing.say(answer.text)


def as_act(method: str, path: str, action: str, body: bytes) -> Act:
    """A request as the service that takes the grant will see it. Raises `typer.Exit` for what is none."""
    split = urlsplit(path)
    if method not in METHODS or not path.startswith("/") or split.netloc or split.fragment:
        say(f"{method} {path}: PUT, POST, PATCH or DELETE, and a path that begins with /, are expected.")
        raise typer.Exit(exits.WRONG)
    return Act(action, target_of(split.path), payload(method, split.path, split.query, body), _text(body))


def _text(body: bytes) -> str:
    """As whoever agrees reads it. Raises `typer.Exit`."""
    if len(body) > LARGEST_BODY:
        say(f"The body has more than {LARGEST_BODY:,} bytes, and whoever agrees is to read it. Nothing was asked for.")
        raise typer.Exit(exits.WRONG)
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        say(f"The body is no text (UTF-8), and whoever agrees is to read it: {error}. Nothing was asked for.")
        raise typer.Exit(exits.WRONG) from error


def _operator(person: str | None) -> Api:
    url = base_url()
    return Api(url, given(AccessSettings).token or sandbox_token(url, f"{OPERATOR_SCOPE} releases:admin", person))
