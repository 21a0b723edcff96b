"""What the gate's own options say."""

from typing import Annotated

import typer

Command = Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="What runs when it may.")]
File = Annotated[
    list[str] | None,
    typer.Option(help="A file or folder below this one: it is copied, hashed, and the copy is what runs."),
]
Artifact = Annotated[
    list[str] | None, typer.Option(metavar="NAME@sha256:...", help="What lies elsewhere, by its digest.")
]
SearchPath = Annotated[
    str,
    typer.Option(
        envvar="MILESAGA_GATE_PATH",
        metavar="DIR:DIR",
        help="Where programs are found, whatever PATH says here; whoever decides sees it.",
    ),
]
Env = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME[=VALUE]", help="A variable that the command finds: shown and hashed. Repeatable."),
]
SecretEnv = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="One whose value is hashed and not shown. Repeatable.")
]
EnvFile = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME[=FILE]", help="One that names a file, such as KUBECONFIG: copied, hashed. Repeatable."),
]
