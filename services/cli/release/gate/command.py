"""`milesaga release gate`: its options, and what becomes of them."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from services.cli.release import wishes
from services.cli.release.access import Person, as_person
from services.cli.release.gate import exits, options
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
from services.cli.release.gate.signals import GivenUp, given_up_by_signal
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
            with given_up_by_signal():
                return super().invoke(ctx)
        except typer.Exit:
            raise
        except GivenUp:
            say("Given up by a signal. Nobody was asked, and nothing ran.")
            raise
        except Exception as error:
            say(f"The gate failed: {type(error).__name__}: {error}")
            raise typer.Exit(exits.AWAY) from error


@dataclass(frozen=True)
class _Given:
    """What is to run, as the options have it."""

    argv: Sequence[str]
    files: Sequence[str]
    artifacts: Sequence[str]
    parameters: Mapping[str, str]
    links: Mapping[str, str]
    search_path: str


def gate(
    command: options.Command,
    *,
    action: wishes.Action,
    environment: wishes.Environment,
    target: wishes.Target,
    reason: wishes.Reason,
    file: options.File = None,
    artifact: options.Artifact = None,
    path: options.SearchPath = SEARCH_PATH,
    env: options.Env = None,
    secret_env: options.SecretEnv = None,
    env_file: options.EnvFile = None,
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
    key = key or uuid.uuid4().hex
    try:
        waits = seconds(patience, "--patience"), seconds(reach, "--reach")
        named = wishes.pairs(parameter, "--parameter"), wishes.pairs(link, "--link")
        given = _Given(command, file or (), artifact or (), *named, path)
        with (
            Copies(Path.cwd(), given.files) as copies,
            Variables(env or (), secret_env or (), env_file or (), salt=key) as variables,
        ):
            about = _about(given, copies, variables)
            digest = digest_of(about)
            asked = Asked(key, uuid.uuid4().hex, digest, target, wish.body(about))
            code = _passed(Guarded(command, copies, asked, Terms(digest, *waits), path, variables), person)
    except (WrongPayload, WrongWish) as error:
        say(str(error))
        code = exits.WRONG
    except OSError as error:
        say(f"The gate cannot work here: {error}. Nothing ran.")
        code = exits.WRONG
    raise typer.Exit(code)


def _about(given: _Given, copies: Copies, variables: Variables) -> Mapping[str, Any]:
    """The payload that others are asked about. Raises WrongPayload."""
    check_search_path(given.search_path, Path.cwd())
    check_command(given.argv, copies.files, Path.cwd(), given.search_path)
    return payload(
        given.argv,
        copies.files,
        artifacts=given.artifacts,
        parameters=given.parameters,
        links=given.links,
        search_path=given.search_path,
        environment=variables.told,
    )


def _passed(guarded: Guarded, person: str | None) -> int:
    line = Line(lambda: as_person(person), guarded.asked)
    try:
        return drive(guarded, line)
    finally:
        line.close()
