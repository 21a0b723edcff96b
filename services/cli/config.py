"""`milesaga config`: what can be set, and whether what is set would do."""

import os
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Annotated, Final

import typer
from rich.table import Column, Table

from services.cli import printing
from services.cli.access import AccessSettings
from services.cli.options import AsJson
from services.house import HOUSE
from services.sandbox.settings import SandboxSettings
from shared.runtime.addresses import given_url
from shared.runtime.configuration import beside_sandbox, faults, settings_classes
from shared.runtime.description import Description
from shared.runtime.settings import RuntimeSettings, Settings, WrongSettings, read
from shared.runtime.variables import Variable, variables

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Settings: list them, or check those that are set.")

EVERY: Final = "every process"
COMMAND_LINE: Final = "command line"
SANDBOX: Final = "sandbox"
WRONG: Final = 2
OF_KUBERNETES: Final = re.compile(r"_(SERVICE_HOST|(SERVICE_)?PORT(_.+)?)$")
"""Variables that Kubernetes itself puts into every container, for each service that there is."""
WIDTH: Final = 100

Service = Annotated[
    list[str] | None, typer.Argument(metavar="[SERVICE]...", help="Only what these services read; else all.")
]


@app.command("list")
def list_settings(
    services: Service = None,
    as_file: Annotated[bool, typer.Option("--env", help="As `.env.example` has them.")] = False,
    as_json: AsJson = False,
) -> None:
    """List every variable with its default, its meaning and who reads it; what is set is not looked at."""
    chosen = {each.name for each in _chosen(services)}
    found = [each for each in every_variable() if not services or {*each.readers.split(", ")} & {EVERY, *chosen}]
    if as_json:
        printing.tell({"variables": [_described(each) for each in found]})
    elif as_file:
        printing.say(as_env(found).rstrip("\n"))
    else:
        printing.console().print(_table(found))


@app.command("check")
def check_settings(services: Service = None, as_json: AsJson = False) -> None:
    """Read the environment as `milesaga run` would, and name all that is missing or wrong: with exit 2."""
    chosen = _chosen(services)
    found = [*_faults(chosen, sandbox_named=SANDBOX in (services or ())), *_wrong_addresses(chosen)]
    unread = [*_unread()]
    if as_json:
        printing.tell({"faults": found, "unread": unread})
    elif found:
        printing.complain("\n".join(found))
    else:
        printing.say(f"Good for {', '.join(services or ['every service'])}.")
    if not as_json:
        for each in unread:
            printing.complain(each)
    raise typer.Exit(WRONG if found else 0)


def every_variable() -> list[Variable]:
    """Whatever anything reads, each once."""
    found = {each.name: each for each in variables(RuntimeSettings, EVERY)}
    for service in HOUSE:
        for settings in settings_classes(service):
            for each in variables(settings, service.name, beside_sandbox(settings)):
                found.setdefault(each.name, each)
    for each in (
        *_addresses(),
        *variables(SandboxSettings, SANDBOX),
        *variables(AccessSettings, COMMAND_LINE),
    ):
        found.setdefault(each.name, each)
    return list(found.values())


def as_env(found: Iterable[Variable]) -> str:
    """A file of settings, in which everything is left out: what stands there are the defaults."""
    lines = [
        "# Milesaga's settings, as variables of the environment. What stands here are the defaults: set what is to be",
        "# another. `milesaga config check` tells what is missing or wrong. Made by `milesaga config list --env`.",
    ]
    readers = ""
    for each in found:
        if each.readers != readers:
            readers = each.readers
            lines += ["", f"# ---- {readers} ----"]
        lines += ["", *(f"# {line}" for line in _wrapped(" ".join(_remarks(each)))), f"#{each.name}={each.default}"]
    return "\n".join(lines) + "\n"


def _faults(services: list[Description], *, sandbox_named: bool) -> list[str]:
    try:
        settings = read(RuntimeSettings)
    except WrongSettings as error:
        return [*error.faults, *faults(None, services, sandbox_asked_for=sandbox_named)]
    return faults(settings, services, sandbox_asked_for=sandbox_named)


def _wrong_addresses(services: Iterable[Description]) -> Iterator[str]:
    """Of those that the services ask."""
    for name in sorted({asked for each in services for asked in each.asks}):
        try:
            given_url(name)
        except WrongSettings as error:
            yield from error.faults


def _unread() -> Iterator[str]:
    """Variables that begin as ours do, and that nothing reads: most often a name with a slip in it."""
    known = {each.name for each in every_variable()}
    known |= {each.file for each in every_variable() if each.file}
    known |= {f"{each.name.upper()}_BROKER_PASSWORD" for each in HOUSE}
    known |= {former for service in HOUSE for settings in settings_classes(service) for former in _formerly(settings)}
    known |= {f"{each}_FILE" for each in known if each.endswith("_PASSWORD")}
    prefixes = tuple(f"{each.name.upper()}_" for each in HOUSE)
    for name in sorted(os.environ.keys() - known):
        if name.startswith(prefixes) and OF_KUBERNETES.search(name) is None:
            close = get_close_matches(name, known, n=1, cutoff=0.8)
            yield f"{name}: nothing reads a variable of this name{f'; did you mean {close[0]}?' if close else ''}"


def _formerly(settings: type[Settings]) -> Iterator[str]:
    """Names that still count, of which the log warns."""
    for former in settings.formerly.values():
        yield from (former,) if isinstance(former, str) else former


def _chosen(names: list[str] | None) -> list[Description]:
    known = (*(each.name for each in HOUSE), SANDBOX)
    for name in names or ():
        if name not in known:
            raise typer.BadParameter(f"{name!r} is no service; known are {', '.join(known)}.")
    return [each for each in HOUSE if not names or each.name in names]


def _addresses() -> Iterator[Variable]:
    """Where services with internal routes are, for those who ask them."""
    for service in HOUSE:
        if service.internal:
            asking = ", ".join(each.name for each in HOUSE if service.name in each.asks)
            meaning = f"Base URL of the process that answers the internal routes of {service.name}."
            default = "In this process, else that of the stack over `MILESAGA_HOME`, else `PUBLIC_URL`."
            yield Variable(f"{service.name.upper()}_URL", asking, f"{meaning} {default}")


def _remarks(each: Variable) -> Iterator[str]:
    yield each.meaning
    if each.beside_sandbox is not None:
        yield f"Beside the sandbox: {each.beside_sandbox}." if each.beside_sandbox else "The sandbox needs none."
    if each.required:
        yield "Required without the sandbox."
    if each.secret:
        yield f"Secret: {each.file} may name a file that holds it."


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap  # noqa: PLC0415 - one format of three

    return wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _described(each: Variable) -> dict[str, str | bool | None]:
    return {
        "name": each.name,
        "readers": each.readers,
        "default": each.default,
        "beside_sandbox": each.beside_sandbox,
        "required": each.required,
        "secret": each.secret,
        "file": each.file,
        "meaning": each.meaning,
    }


def _table(found: Iterable[Variable]) -> Table:
    table = Table(Column("variable", no_wrap=True), "read by", "default", "meaning")
    for each in found:
        table.add_row(each.name, each.readers, each.default, " ".join(_remarks(each)))
    return table
