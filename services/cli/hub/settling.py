"""Dead letters of a target are settled: page after page, or by a grant where acts are gated and others must agree."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Final

import typer

from services.cli.client import Api, ApiError, Json, named, operator, reported
from services.cli.hub.targets import path
from services.cli.release.act import PRODUCTION, as_act
from services.cli.release.agreed import Consent, granted
from services.cli.release.gate import exits
from services.cli.release.gate.driving import say
from shared.bus.dead_letters import DISCARD, RETRY_ALL

MOST_NAMED: Final = 500
"""Letters that one request may name; who settles more by their fault asks again."""
ACTIONS: Final = {"redrive": RETRY_ALL, "discard": DISCARD}


@dataclass(frozen=True)
class Went:
    """How many went, and how many stay although they were chosen; `more`: others were not come to."""

    done: int = 0
    left: int = 0
    more: bool = False


def settled(target: str, what: str, chosen: Json, consent: Consent, environment: str = PRODUCTION) -> Went:
    """Raises `typer.Exit` after a sentence on why not, with one of the gate's codes where others did not agree."""
    where = f"{path(target)}/dead/{what}"
    done = left = 0
    with reported(), named(f"target {target}"), operator() as api:
        try:
            for answer in _answers(api, where, chosen):
                done, left = done + answer["done"], answer["left"]
        except ApiError as error:
            if error.code != "grant_required":
                raise
            chosen = _as_agreed_to(api, target, chosen)
        else:
            return Went(done, left)
    return _by_grant(target, what, chosen, consent, environment)


def _answers(api: Api, where: str, chosen: Json) -> Iterator[Json]:
    """One page after the other."""
    while True:
        answer = api.send("POST", where, chosen)
        yield answer
        if not answer["more"]:
            return


def _as_agreed_to(api: Api, target: str, chosen: Json) -> Json:
    """The same letters as a set that is no larger when others have agreed: those that lie there now."""
    now = datetime.now(UTC).isoformat()
    if "ids" in chosen:
        return chosen
    if "fingerprint" in chosen:
        letters = api.pages(f"{path(target)}/dead", "letters")
        ids = (each["id"] for each in letters if each["fingerprint"] == chosen["fingerprint"])
        return {"ids": list(islice(ids, MOST_NAMED))}
    if "all" in chosen:
        return {"until": now}
    return chosen | {"until": min(chosen.get("until", now), now, key=datetime.fromisoformat)}


def _by_grant(target: str, what: str, chosen: Json, consent: Consent, environment: str) -> Went:
    if chosen.get("ids") == []:
        return Went()
    where = f"{path(target)}/dead/{what}"
    body = json.dumps(chosen, sort_keys=True).encode()
    act = as_act("POST", where, ACTIONS[what], body)
    headers = {"Content-Type": "application/json"}
    with granted(act, environment, consent) as grant, reported(), named(f"target {target}"), operator() as api:
        answer = api.request("POST", where, content=body, headers=headers | {"Milesaga-Grant": grant}).json()
        if answer["more"]:
            say("There are others, to which nobody has agreed yet: ask again for them.")
        return Went(answer["done"], answer["left"], answer["more"])
    raise typer.Exit(exits.CHANGED)
