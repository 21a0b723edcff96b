"""What files describe is carried out, thing after thing; where one is refused, what was changed before is put back."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import httpx
import typer

from services.cli import printing
from services.cli.client import Api, ApiError, Json
from services.cli.hub.things import Thing, as_written
from services.cli.release.act import as_act
from services.cli.release.agreed import Consent, granted

NONE: Final = '"0"'
"""The tag of what is not there yet."""
JSON: Final = {"Content-Type": "application/json"}
GATED: Final = {"partner": "hub.partner_clients"}
"""What others are asked for, by what it is that gives somebody power."""
WAITED: Final = 30.0
"""Seconds for a bus to be in force on every replica."""


class Refused(ApiError):
    """A thing was refused; `left` says what could not be put back afterwards."""

    def __init__(self, thing: Thing, error: ApiError, left: Sequence[str] = ()) -> None:
        sentences = "\n".join((f"{thing.source} ({thing}): {error}", *left))
        super().__init__(sentences, status=error.status, code=error.code)


@dataclass
class Change:
    """One thing and what was found of it. `tag` is of the revision that may be changed; `after` is the answer."""

    thing: Thing
    before: Json
    tag: str
    after: Json = field(default_factory=dict)

    @property
    def what(self) -> Literal["new", "changed", "same"]:
        if not self.before:
            return "new"
        now = as_written(self.thing.kind, self.before)
        return "same" if now == {self.thing.kind: self.thing.name, **self.thing.body} else "changed"


def looked_up(api: Api, thing: Thing) -> Change:
    """As it stands. Raises ApiError."""
    try:
        response = api.request("GET", thing.path)
    except ApiError as error:
        if error.status != httpx.codes.NOT_FOUND or not error.code:
            raise
        return Change(thing, {}, NONE)
    return Change(thing, response.json(), response.headers.get("etag", "*"))


def planned(api: Api, changes: Sequence[Change]) -> dict[str, Json]:
    """What the hub says of each bus that changes: by its name as text. One whose partner is yet to be made cannot be
    asked about. Raises Refused."""
    coming = {each.thing.name for each in changes if each.thing.kind == "partner" and each.what == "new"}
    plans: dict[str, Json] = {}
    for change in changes:
        thing = change.thing
        if thing.kind != "bus" or change.what == "same" or not coming.isdisjoint(_partners(thing)):
            continue
        try:
            plans[str(thing)] = api.send("PUT", f"{thing.path}?dry_run=true", thing.body, headers=_if(change.tag))
        except ApiError as error:
            raise Refused(thing, error) from error
    return plans


def carry_out(api: Api, changes: Sequence[Change], consent: Consent, environment: str) -> None:
    """In their order; what is refused undoes those before it, the last one first. Where acts are gated others are asked
    for what gives somebody power. Raises Refused, and `typer.Exit` where they do not agree."""
    done: list[tuple[Change, str]] = []
    for change in changes:
        try:
            tag = _put(api, change, consent, environment)
        except ApiError as error:
            raise Refused(change.thing, error, [*_put_back(api, done)]) from error
        except typer.Exit:
            for sentence in _put_back(api, done):
                printing.complain(sentence)
            raise
        done.append((change, tag))


def _put(api: Api, change: Change, consent: Consent, environment: str) -> str:
    thing = change.thing
    body, headers = json.dumps(thing.body, sort_keys=True).encode(), _if(change.tag) | JSON
    try:
        response = api.request("PUT", thing.path, content=body, headers=headers, timeout=WAITED)
    except ApiError as error:
        if error.code != "grant_required" or thing.kind not in GATED:
            raise
        act = as_act("PUT", thing.path, GATED[thing.kind], body)
        with granted(act, environment, consent) as grant:
            headers |= {"Milesaga-Grant": grant}
            response = api.request("PUT", thing.path, content=body, headers=headers, timeout=WAITED)
    change.after = response.json()
    return str(response.headers.get("etag", "*"))


def _put_back(api: Api, done: Sequence[tuple[Change, str]]) -> list[str]:
    """What could not be."""
    left = []
    for change, tag in reversed(done):
        thing = change.thing
        try:
            if change.before:
                body = as_written(thing.kind, change.before)
                body.pop(thing.kind)
                api.request("PUT", thing.path, json=body, headers=_if(tag), timeout=WAITED)
            else:
                api.request("DELETE", thing.path, headers=_if(tag), timeout=WAITED)
        except ApiError as error:
            left.append(f"{thing} could not be put back: {error}")
    return left


def _partners(thing: Thing) -> set[str]:
    return {str(thing.body["partner"]), *(thing.body.get("publishers") or ())}


def _if(tag: str) -> dict[str, str]:
    return {"If-Match": tag}
