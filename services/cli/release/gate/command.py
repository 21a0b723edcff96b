"""`milesaga release gate`: its options, and what becomes of them."""

import signal
import uuid
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from services.cli.release import wishes
from services.cli.release.access import Person, as_person
from services.cli.release.gate import exits
from services.cli.release.gate.course import Terms
from services.cli.release.gate.driving import Guarded, drive, say
from services.cli.release.gate.line import Asked, Line
from services.cli.release.gate.payload import (
    SEARCH_PATH,
    Copies,
    WrongPayload,
    check_command,
    check_search_path,
    digest_of,
    payload,
)
from services.cli.release.gate.variables import Variables
from services.cli.release.wishes import Wish, WrongWish, seconds


class GateCommand(TyperCommand):
    """Whatever goes wrong ends with one of the gate's own codes, and not with one that a command may have."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            error.exit_code = exits.WRONG
            raise

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.Exit:
            raise
        except KeyboardInterrupt:
            raise typer.Exit(exits.passed_on(-signal.SIGINT)) from None
        except Exception as error:
            say(f"The gate failed: {type(error).__name__}: {error}")
            raise typer.Exit(exits.AWAY) from error


def gate(
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="What runs when it may.")],
    *,
    action: wishes.Action,
    environment: wishes.Environment,
    target: wishes.Target,
    reason: wishes.Reason,
    file: Annotated[
        list[str] | None,
        typer.Option(help="A file or folder below this one: it is copied, hashed, and the copy is what runs."),
    ] = None,
    artifact: Annotated[
        list[str] | None, typer.Option(metavar="NAME@sha256:...", help="What lies elsewhere, by its digest.")
    ] = None,
    path: Annotated[
        str,
        typer.Option(
            envvar="MILESAGA_GATE_PATH",
            metavar="DIR:DIR",
            help="Where programs are found, whatever PATH says here; whoever decides sees it.",
        ),
    ] = SEARCH_PATH,
    env: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME[=VALUE]", help="A variable that the command finds: shown and hashed. Repeatable."),
    ] = None,
    secret_env: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="One whose value is hashed and not shown. Repeatable.")
    ] = None,
    env_file: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=FILE]", help="One that names a file, such as KUBECONFIG: copied, hashed. Repeatable."
        ),
    ] = None,
    parameter: wishes.Parameter = None,
    link: wishes.Link = None,
    author: wishes.Author = None,
    window: wishes.Window = None,
    replaces: wishes.Replaces = None,
    initiator_token: wishes.InitiatorToken = None,
    key: wishes.Key = None,
    patience: wishes.Patience = wishes.PATIENCE,
    reach: wishes.Reach = wishes.REACH,
    person: Person = None,
) -> NoReturn:
    """Ask for a dangerous command, wait until others agree, run exactly what they agreed to, once.

    Exits with the command's own code up to 89, else: 91 denied, 92 expired, 93 withdrawn or superseded, 94 frozen or
    outside its window past patience, 95 payload differs or grant refused, 96 the gate cannot be reached, 97 wrong use.
    """
    wish = Wish(action, environment, target, reason, author or [], window, replaces, initiator_token)
    try:
        waits = seconds(patience, "--patience"), seconds(reach, "--reach")
        key = key or uuid.uuid4().hex
        with (
            Copies(Path.cwd(), file or []) as copies,
            Variables(env or (), secret_env or (), env_file or (), salt=key) as variables,
        ):
            check_search_path(path, Path.cwd())
            check_command(command, copies.files, Path.cwd(), path)
            about = payload(
                command,
                copies.files,
                artifacts=artifact or [],
                parameters=wishes.pairs(parameter, "--parameter"),
                links=wishes.pairs(link, "--link"),
                search_path=path,
                environment=variables.told,
            )
            digest = digest_of(about)
            asked = Asked(key, uuid.uuid4().hex, digest, target, wish.body(about))
            line = Line(lambda: as_person(person), asked)
            try:
                code = drive(Guarded(command, copies, asked, Terms(digest, *waits), path, variables), line)
            finally:
                line.close()
    except (WrongPayload, WrongWish) as error:
        say(str(error))
        code = exits.WRONG
    except OSError as error:
        say(f"The gate cannot work here: {error}. Nothing ran.")
        code = exits.WRONG
    raise typer.Exit(code)
