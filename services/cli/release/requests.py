"""Requests as people deal with them: ask, look, agree or not, take back."""

import uuid
from itertools import islice
from typing import Annotated, Any, Final, Literal

import typer

from services.cli import printing
from services.cli.client import Api, ApiError, Json, named, reported, segment
from services.cli.options import AsJson
from services.cli.release import wishes
from services.cli.release.access import ROOT, Person, RequestId, as_person
from services.cli.release.gate.kept import Kept, tell_kept
from services.cli.release.gate.payload import WrongPayload, digest_of, payload
from services.cli.release.look import SHORTEST_DIGEST, decided, listed, shown
from services.cli.release.wishes import Wish, WrongWish
from shared.kernel.acts import body_digest
from shared.kernel.digest import digest_of_bytes

PAGE: Final = 100

Why = Annotated[str, typer.Option("--reason", help="Why; it is told to the others.")]
Digest = Annotated[
    str | None,
    typer.Option(help=f"What is meant, by its first {SHORTEST_DIGEST} digits or more; without it you are asked."),
]


def ask(
    *,
    action: wishes.Action,
    environment: wishes.Environment,
    target: wishes.Target,
    reason: wishes.Reason,
    artifact: Annotated[
        list[str] | None, typer.Option(metavar="NAME@sha256:...", help="What it is about, by its digest.")
    ] = None,
    parameter: wishes.Parameter = None,
    link: wishes.Link = None,
    author: wishes.Author = None,
    window: wishes.Window = None,
    replaces: wishes.Replaces = None,
    initiator_token: wishes.InitiatorToken = None,
    key: Annotated[str | None, typer.Option(help="Names this ask: the same again makes no second one.")] = None,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Ask for something that another command or service will do. `gate` asks by itself."""
    wish = Wish(action, environment, target, reason, author or [], window, replaces, initiator_token)
    with reported(), as_person(person) as api:
        try:
            parameters, links = wishes.pairs(parameter, "--parameter"), wishes.pairs(link, "--link")
            about = payload((), artifacts=artifact or [], parameters=parameters, links=links)
            body = wish.body(about)
        except (WrongPayload, WrongWish) as error:
            raise typer.BadParameter(str(error)) from error
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        _show(api.send("POST", f"{ROOT}/requests", body, headers=headers), as_json)


def list_requests(
    state: Annotated[str | None, typer.Option(help="Only this state, such as pending.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many, newest first; 0 for all.")] = 50,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """List requests, newest first. How commands of this machine ended that nobody took is told before."""
    with reported(), as_person(person) as api:
        for execution in tell_kept(api, Kept(api.base_url)):
            printing.complain(f"how execution {execution} ended, which was kept here, is told")
        pages = api.pages(f"{ROOT}/requests", "requests", state=state, limit=PAGE)
        found = list(islice(pages, limit or None))
    printing.tell({"requests": found}) if as_json else printing.console().print(listed(found))


def show(request: RequestId, person: Person = None, as_json: AsJson = False) -> None:
    """Show one request: what would run, who asked, who agreed, who may."""
    with reported(), as_person(person) as api:
        _show(_found(api, request), as_json)


def approve(
    request: RequestId,
    reason: Annotated[str | None, typer.Option(help="A remark.")] = None,
    digest: Digest = None,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Agree to exactly what is shown. Once is enough; a second time changes nothing."""
    _show_decided(_decide("approve", request, digest, reason, person), as_json)


def deny(
    request: RequestId, reason: Why, digest: Digest = None, person: Person = None, as_json: AsJson = False
) -> None:
    """Say no; also after others agreed, until it runs."""
    _show_decided(_decide("deny", request, digest, reason, person), as_json)


def withdraw(request: RequestId, person: Person = None, as_json: AsJson = False) -> None:
    """Take back what you asked for."""
    _act("withdraw", request, {}, person, as_json)


def revoke(request: RequestId, reason: Why, person: Person = None, as_json: AsJson = False) -> None:
    """Take back what others were granted, before it runs."""
    _act("revoke", request, {"reason": reason}, person, as_json)


def break_glass(
    request: RequestId,
    *,
    incident: Annotated[str, typer.Option(help="Which incident: its name or number.")],
    reason: Why,
    digest: Digest = None,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Go ahead without the others: it is loud, and it must be reviewed. The gate that waits goes on at once."""
    with reported(), as_person(person) as api:
        found = _found(api, request)
        _check(found)
        body = {"digest": _meant(found, digest, "Break the glass for it"), "incident": incident, "reason": reason}
        _show(api.send("POST", f"{_path(request)}/break-glass", body), as_json)


def review(
    request: RequestId,
    verdict: Annotated[str, typer.Argument(metavar="accepted|rejected", help="What you think of it.")],
    reason: Why,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Look at what was done with broken glass."""
    if verdict not in {"accepted", "rejected"}:
        raise typer.BadParameter("a review says accepted or rejected.")
    _act("review", request, {"verdict": verdict, "reason": reason}, person, as_json)


def record(
    execution: Annotated[str, typer.Argument(metavar="EXECUTION", help="The execution's id.")],
    exit_code: Annotated[int, typer.Option(min=0, max=255, help="How it ended.")],
    summary: Annotated[str, typer.Option(help="In a few words.")] = "",
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Say how an execution ended whose gate could not."""
    path = f"{ROOT}/executions/{segment(execution)}/outcome"
    with reported(), named(f"execution {execution}"), as_person(person) as api:
        answer = api.send("POST", path, {"exit_code": exit_code, "summary": summary})
    printing.tell(answer) if as_json else printing.say(f"execution {execution}: ended with {exit_code}")


def _decide(
    decision: Literal["approve", "deny"], request: str, digest: str | None, reason: str | None, person: str | None
) -> Json:
    with reported(), as_person(person) as api:
        found = _found(api, request)
        if decision == "approve":
            _check(found)
        meant = _meant(found, digest, "Approve it" if decision == "approve" else "Deny it")
        body = {"decision": decision, "digest": meant} | ({"reason": reason} if reason else {})
        return api.send("POST", f"{_path(request)}/decisions", body)


def _meant(found: Json, given: str | None, question: str) -> str:
    """The digest that the person has in mind: what he typed of it, or what lies before his eyes when he says yes."""
    digest = str(found["digest"])
    if given is None:
        printing.console(error=True).print(shown(found))
        if not typer.confirm(f"{question}?", err=True):
            raise typer.Exit(1)
        return digest
    bare = given.removeprefix("sha256:")
    if len(bare) < SHORTEST_DIGEST:
        raise ApiError(f"--digest {given} has too few digits to be meant: {SHORTEST_DIGEST} at least.")
    if not digest.removeprefix("sha256:").startswith(bare):
        raise ApiError(f"The request is for {digest}, and not for {given}.")
    return digest


def _check(found: Json) -> None:
    """What lies before somebody's eyes is what he agrees to, whoever shows it. Raises ApiError."""
    about, text = found.get("payload"), found.get("body")
    if about is None:
        return
    try:
        same = digest_of(about) == found["digest"]
    except WrongPayload:
        same = False
    if isinstance(text, str):
        same = same and digest_of_bytes(text.encode(errors="surrogatepass")) == body_digest(about)
    if not same:
        raise ApiError(f"What is shown is not what {found['digest']} is of: nobody agrees to it.")


def _act(verb: str, request: str, body: dict[str, Any], person: str | None, as_json: bool) -> None:
    with reported(), named(f"request {request}"), as_person(person) as api:
        _show(api.send("POST", f"{_path(request)}/{verb}", body), as_json)


def _found(api: Api, request: str) -> Json:
    with named(f"request {request}"):
        return api.get(_path(request))


def _path(request: str) -> str:
    return f"{ROOT}/requests/{segment(request)}"


def _show_decided(found: Json, as_json: bool) -> None:
    _show(found, as_json)
    if not as_json:
        printing.say(decided(found))


def _show(found: Json, as_json: bool) -> None:
    printing.tell(found) if as_json else printing.console().print(shown(found))
