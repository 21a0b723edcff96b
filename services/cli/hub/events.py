"""`milesaga hub send`, `check`, `trace`: events on their way."""

from collections import Counter
from typing import Annotated, Final

import typer

from services.cli import printing
from services.cli.access import AccessSettings
from services.cli.client import Api, ApiError, Json, base_url, named, operator, reported, sandbox_token, segment
from services.cli.hub.reading import batches, events
from services.cli.hub.tracing import print_trace
from services.cli.options import AsJson
from services.cli.patience import patiently
from shared.runtime.settings import read

BATCH: Final = "application/cloudevents-batch+json"
LATER: Final = frozenset({0, 409, 429, 502, 503, 504})
"""Statuses after which the same batch may be sent again: a repeat is a duplicate, and harmless."""

File = Annotated[str, typer.Argument(metavar="FILE", help="CloudEvents: one, a list, or one a line; `-`.")]
AsPartner = Annotated[
    str | None, typer.Option("--partner", help="As this partner's first client, with a token from the sandbox.")
]


def send(
    file: File,
    partner: AsPartner = None,
    each: Annotated[bool, typer.Option("--each", help="Accept the good ones of a batch beside wrong ones.")] = False,
    as_json: AsJson = False,
) -> None:
    """Publish events, 500 at a time. An event that was accepted before is a duplicate, and harmless."""
    with reported():
        found = events(file)
        results: list[Json] = []
        with sender(partner) as api:
            for batch in batches(found):
                results += _published(api, batch, len(results), atomic=not each)
        _tell(results, as_json=as_json)


def check(file: File, partner: AsPartner = None, as_json: AsJson = False) -> None:
    """Have events judged as if they were sent; nothing is kept."""
    with reported():
        found = events(file)
        with sender(partner) as api:
            results = [
                result for batch in batches(found) for result in _posted(api, "/v1/events/check", batch)["results"]
            ]
        _tell(results, as_json=as_json)


def trace(
    partner: Annotated[str, typer.Argument(metavar="PARTNER", help="Whose event it is.")],
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The event's id, as the partner gave it.")],
    as_json: AsJson = False,
) -> None:
    """Show what became of one event."""
    with reported(), named(f"event {event_id} of {partner}"), operator() as api:
        shown = api.get(f"/v1/events/{segment(partner)}/{segment(event_id)}")
    if as_json:
        printing.tell(shown)
        return
    print_trace(shown)


def sender(partner: str | None) -> Api:
    """The API as a partner's client: with `MILESAGA_TOKEN`, or with a token that the sandbox gives the partner's first
    client. Raises ApiError."""
    if partner is None:
        if not read(AccessSettings).token:
            raise ApiError("Events are sent by a partner's client: say --partner NAME, or give MILESAGA_TOKEN.")
        return operator()
    with operator() as api, named(f"partner {partner}"):
        clients = api.get(f"/v1/hub/partners/{segment(partner)}")["clients"]
    if not clients:
        raise ApiError(f"The partner {partner} has no client.")
    url = base_url()
    return Api(url, sandbox_token(url, "events:publish hub:read", str(clients[0])))


def _published(api: Api, batch: list[bytes], before: int, *, atomic: bool) -> list[Json]:
    """What became of each. A batch that was refused whole refuses those that are named, and the others with them."""
    path = "/v1/events" if atomic else "/v1/events?atomic=false"
    try:
        return list(patiently(lambda: _posted(api, path, batch), LATER, for_good={"event_id_reused"})["results"])
    except ApiError as error:
        sentence = f"events {before + 1} to {before + len(batch)}, none of which was accepted: {error}"
        raise ApiError(sentence, status=error.status, code=error.code, problem=error.problem) from error


def _posted(api: Api, path: str, batch: list[bytes]) -> Json:
    body = {"content": b"[%b]" % b",".join(batch), "headers": {"Content-Type": BATCH}}
    answer: Json = api.request("POST", path, **body).json()
    return answer


def _tell(results: list[Json], *, as_json: bool) -> None:
    """Exit code 1 where something was refused."""
    refused = [(place, each) for place, each in enumerate(results, 1) if each["status"] == "refused"]
    if as_json:
        printing.tell({"results": results})
    else:
        for place, each in refused:
            faults = "; ".join(f"{fault.get('pointer', '')}: {fault.get('detail', '')}" for fault in each["errors"])
            printing.say(f"event {place}: {each['code']}: {faults or each['detail']}")
        for place, each in enumerate(results, 1):
            for rule in each.get("rules", ()):
                printing.say(f"event {place}: {rule['bus']}: {rule['rule'] or 'too much work for its rules'}")
        counted = Counter(each["status"] for each in results)
        printing.say(", ".join(f"{count} {status}" for status, count in counted.most_common()) or "no event")
    if refused:
        raise typer.Exit(1)
