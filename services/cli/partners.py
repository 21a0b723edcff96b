"""`milesaga partners`: who may buy by message, and for which members."""

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Final, Literal

import typer
from rich.table import Table

from services.cli import printing
from services.cli.administration import NotAdministered
from services.cli.dead import reported, stack_broker
from services.cli.options import AsJson
from services.cli.release import wishes
from services.cli.release.access import Person
from services.cli.release.agreed import Act, Consent, Reason, agreed
from services.cli.users import SHORTEST_PASSWORD, BrokerUsers
from services.house import HOUSE
from shared.bus.partners import NAME, TARGET, Partner, WrongPartners
from shared.bus.permissions import TOPIC_EXCHANGES, password_hash
from shared.contracts.copies import FAMILY, WAY
from shared.kernel.members import may_be_member
from shared.runtime.settings import RuntimeSettings, read

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Partners: add, list or remove them.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits, hyphens; its queues are NAME.<any>.")]

ADD: Final = "partners.add"
TAKEN: Final = frozenset(
    (*(each.name for each in HOUSE), *TOPIC_EXCHANGES, FAMILY, WAY, "retry", "amq", "milesaga", "guest", "saga")
)
"""Names of ours and of the broker's: a partner called so would own our queues."""


@app.command("add")
def add(
    name: Name,
    members: Annotated[
        str | None, typer.Option(metavar="any|LIST", help="For whom it may buy: ids with commas between; else `any`.")
    ] = None,
    member: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="One for whom it may buy, taken as it is; may be repeated.")
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option(metavar="BUS/TARGET", help="A bus's queue that it may read; may be repeated.")
    ] = None,
    *,
    password: Annotated[
        str | None, typer.Option(envvar="PARTNER_PASSWORD", help="Its password; made and shown where not given.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="In place of the one of that name, if any.")] = False,
    reason: Reason = None,
    key: wishes.Key = None,
    patience: wishes.Patience = wishes.PATIENCE,
    reach: wishes.Reach = wishes.REACH,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Give a partner a user of its own on the broker, and print its URL: the password is kept nowhere else. Where
    acts are gated others must have agreed to it: whoever has the URL speaks for the partner."""
    _check(name, password)
    allowed = _allowed(members, member or [])
    targets = _targets(target or [])
    consent = Consent(reason, key, patience, reach, person)
    with _applied() as users:
        if name in users.partners.all() and not replace:
            raise typer.BadParameter(f"there is a partner {name} already: --replace puts this one in its place.")
        word = password or secrets.token_urlsafe(24)
        with _agreed(name, allowed, targets, consent):
            _put(users, name, Partner(members=allowed, targets=targets, password_hash=password_hash(word)))
        url = None if password else users.url_of(name, word)  # whoever gave it knows it, and a log need not
    told = {"name": name} if url is None else {"name": name, "url": url}
    printing.tell(told, indent=None) if as_json else printing.say(url or f"partner {name}: as described")


def _check(name: str, password: str | None) -> None:
    if not re.fullmatch(NAME, name) or name in TAKEN:
        raise typer.BadParameter(f"{name!r} cannot be a partner's name.")
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise typer.BadParameter(f"a password has {SHORTEST_PASSWORD} characters at least.")


def _agreed(
    name: str, members: Literal["any"] | frozenset[str], targets: frozenset[str], consent: Consent
) -> AbstractContextManager[None]:
    """For whom it may buy, and what it may read, are what others agree to."""
    whom = members if members == "any" else sorted(members)
    return agreed(Act(ADD, name, {"members": whom, "targets": sorted(targets)}), consent)


def _targets(told: Sequence[str]) -> frozenset[str]:
    for each in told:
        if not re.fullmatch(TARGET, each):
            raise typer.BadParameter(f"{each!r} is no target such as fuel/till.")
    return frozenset(told)


def _put(users: BrokerUsers, name: str, partner: Partner) -> None:
    before = users.partners.all().get(name)
    users.partners.put(name, partner)
    try:
        users.apply()
    except (NotAdministered, ConnectionError):
        _put_back(users, name, before)
        raise


def _put_back(users: BrokerUsers, name: str, before: Partner | None) -> None:
    """As it was before the broker refused."""
    if before is None:
        users.partners.remove(name)
    else:
        users.partners.put(name, before)


@app.command("list")
def list_partners(as_json: AsJson = False) -> None:
    """List the partners, and for whom each may buy."""
    with _applied() as users:
        known = {
            name: partner.members if partner.members == "any" else sorted(partner.members)
            for name, partner in sorted(users.partners.all().items())
        }
    if as_json:
        printing.tell({"partners": [{"name": name, "members": whom} for name, whom in known.items()]})
        return
    table = Table("partner", "buys for")
    for name, whom in known.items():
        table.add_row(name, whom if isinstance(whom, str) else "\n".join(whom))
    printing.console().print(table)


@app.command("remove")
def remove(name: Name, as_json: AsJson = False) -> None:
    """Take a partner's user away: what it says from now on comes nowhere. Its queues stay until they are deleted."""
    with _applied() as users:
        if name not in users.partners.all():
            printing.complain(f"milesaga: there is no partner {name}")
            raise typer.Exit(1)
        users.remove(name)
        users.partners.remove(name)
    printing.tell({"removed": name}, indent=None) if as_json else printing.say(f"{name} is removed")


def _allowed(members: str | None, each: Sequence[str]) -> Literal["any"] | frozenset[str]:
    """For whom a partner may buy. A list ends an id at every comma, so ids that hold one, or begin or end with a space,
    are told one by one."""
    if members is not None and each:
        raise typer.BadParameter("say --members or --member, not both.")
    if not each and members in (None, "any"):
        return "any"
    ids = frozenset(each or (part.strip() for part in (members or "").split(",") if part.strip()))
    if not ids or not all(map(may_be_member, ids)):
        raise typer.BadParameter("a member's id is 1 to 255 printable ASCII characters.")
    return ids


@contextmanager
def _applied() -> Iterator[BrokerUsers]:
    with reported():
        try:
            settings = read(RuntimeSettings)
            stack_broker(settings)
            yield BrokerUsers(settings)
        except (NotAdministered, WrongPartners) as error:
            printing.complain(f"milesaga: {error}")
            raise typer.Exit(1) from error
