"""Who asks, and whom: the releases service with a token of the person's own."""

from typing import Annotated, Final

import typer

from services.cli.access import AccessSettings
from services.cli.client import Api, base_url, given, sandbox_token

ROOT: Final = "/v1/releases"
SCOPES: Final = "releases:read releases:request releases:approve releases:break_glass releases:admin"
VIA: Final = {"Milesaga-Via": "cli"}
"""Says by which way somebody comes; a token's own word, where it has one, counts more."""

Person = Annotated[
    str | None,
    typer.Option("--as", envvar="MILESAGA_PERSON", metavar="PERSON", help="Beside the sandbox: who you are."),
]
RequestId = Annotated[str, typer.Argument(metavar="ID", help="The request's id.")]


def as_person(person: str | None) -> Api:
    """With `MILESAGA_TOKEN`, read anew each time, for it may have been renewed; else with one from the sandbox.
    Raises `ApiError`."""
    url = base_url()
    return Api(url, given(AccessSettings).token or sandbox_token(url, SCOPES, person), headers=VIA)
