"""`milesaga release log`: the log of releases, exported and verified; verifying takes no service and no network."""

import json
import re
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from services.cli import printing
from services.cli.client import ApiError, named, reported, segment, writing
from services.cli.options import AsJson
from services.cli.printing import in_one_line
from services.cli.release.access import ROOT, Person, RequestId, as_person
from services.cli.release.look import SHORTEST_DIGEST
from shared.kernel.visible import visible
from shared.ledgerlog.bundles import json_of, read, verified
from shared.ledgerlog.leaves import BadLeaf, Leaf
from shared.ledgerlog.notes import BadNote, VerifierKey
from shared.ledgerlog.receipts import BadReceipt, Receipt

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The log: show, export, verify it.")

SHOWN: Final = 20
HASH: Final = re.compile(r"\b[0-9a-f]{64}\b")
EMPTY: Final[tuple[Any, ...]] = ("", None, [])
"""Facts that say nothing."""
WRONG: Final = 1
SIGNED: Final = "— "
"""Begins a signature's line (C2SP signed-note)."""
AS_IT_IS: Final = "replace"
"""What is no text is no checkpoint and no key, and is told so like whatever else is none."""

KeyOption = Annotated[
    list[str] | None,
    typer.Option("--key", metavar="KEY", help="The log's public key, name+id+base64, or a file of it."),
]


@app.command("show")
def show(
    first: Annotated[int | None, typer.Option("--from", min=0, help="The first entry; else the newest ones.")] = None,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Show entries of the log, in their order."""
    with reported(), as_person(person) as api:
        size = int(api.get(f"{ROOT}/log", limit=1)["size"])
        begin = max(0, size - SHOWN) if first is None else first
        found = api.get(f"{ROOT}/log", limit=SHOWN, **{"from": begin})
        if as_json:
            printing.tell(found)
            return
        leaves = [_leaf(begin + place, str(text)) for place, text in enumerate(found["leaves"])]
    for leaf in leaves:
        printing.say(_line(leaf))
    end = begin + len(leaves)
    printing.say(f"{len(leaves)} of {found['size']} entries{f'; --from {end} goes on' if end < found['size'] else ''}.")


def _leaf(n: int, text: str) -> Leaf:
    """Raises ApiError for what is none: a newer service's, or somebody's who came between."""
    try:
        return Leaf.read(text.encode(errors="surrogatepass"))
    except BadLeaf as error:
        raise ApiError(f"Entry {n} cannot be read: {error}. --json has it as it is.") from error


def _line(leaf: Leaf) -> str:
    """As people read it: of hashes what is enough to be meant, and nothing of what is empty. Times are UTC."""
    what = f"{leaf.kind} of {leaf.request}" if leaf.request else leaf.kind
    who = f"by {leaf.actor} ({leaf.via})" if leaf.actor else "by the clock"
    facts = ", ".join(f"{name} {_short(value)}" for name, value in leaf.facts.items() if value not in EMPTY)
    at = f"{leaf.at:%Y-%m-%d %H:%M:%S}"
    return in_one_line(visible(f"{leaf.n:>5} {at}  {what} {who}{f': {facts}' if facts else ''}"))


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return HASH.sub(lambda found: found[0][:SHORTEST_DIGEST], text)


@app.command("checkpoint")
def checkpoint(
    file: Annotated[
        Path | None,
        typer.Argument(dir_okay=False, help="Where to, for `verify --checkpoint`; else it is shown."),
    ] = None,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Show how far the log has come, signed: keep it where nobody of this house can change it."""
    with reported(), as_person(person) as api:
        found = api.get(f"{ROOT}/log/checkpoint")
        if file is not None:
            with writing(file):
                file.write_text(str(found["checkpoint"]))
    if file is not None:
        printing.say(f"{file}: the log as it is now; key {found['key']}")
        return
    printing.tell(found) if as_json else printing.say(f"{found['checkpoint']}\nkey {found['key']}")


@app.command("export")
def export(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to: JSON lines.")], person: Person = None
) -> None:
    """Write the whole log into a file that is verified without us."""
    with reported(), as_person(person) as api:
        content = api.request("GET", f"{ROOT}/log/bundle").content
        with writing(file):
            file.write_bytes(content)
    printing.say(f"{file}: {len(content)} bytes")


@app.command("receipt")
def receipt(
    request: RequestId,
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to: JSON.")],
    person: Person = None,
) -> None:
    """Write what proves one request, by itself, for good."""
    with reported(), named(f"request {request}"), as_person(person) as api:
        content = api.request("GET", f"{ROOT}/log/receipts/{segment(request)}").content
        with writing(file):
            file.write_bytes(content)
    printing.say(f"{file}: {len(content)} bytes")


@app.command("verify")
def verify(
    *,
    bundle: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file of `export`; else the log as it is now.")
    ] = None,
    receipt_file: Annotated[
        Path | None, typer.Option("--receipt", exists=True, dir_okay=False, help="A file of `receipt` instead.")
    ] = None,
    anchor: Annotated[
        list[Path] | None,
        typer.Option("--checkpoint", exists=True, dir_okay=False, help="A checkpoint that was kept elsewhere."),
    ] = None,
    key: KeyOption = None,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Find out whether anything was changed or removed; the first entry that differs is named. Exit 1 where it was."""
    if receipt_file is not None and (bundle is not None or anchor):
        raise typer.BadParameter(
            "is proved by the checkpoint that is in it: no --bundle, no --checkpoint beside it", param_hint="--receipt"
        )
    with reported():
        if receipt_file is not None:
            _verify_receipt(receipt_file, _keys(key, person, offline=True), as_json=as_json)
            return
        content = bundle.read_bytes() if bundle is not None else _fetched(person)
        keys = _keys(key, person, offline=bundle is not None)
    report = verified(read(content.splitlines()), keys, [_note(each) for each in anchor or ()])
    if as_json:
        printing.tell(json_of(report))
    elif report.holds:
        printing.say(f"{report.size} entries, as they were written; a checkpoint vouches for {report.vouched} of them.")
    else:
        _complain(report.size, [(each.index, each.what) for each in report.faults])
    if not report.holds:
        raise typer.Exit(WRONG)


def _verify_receipt(file: Path, keys: list[VerifierKey], *, as_json: bool) -> None:
    try:
        found, leaves = Receipt.read(file.read_bytes()).verified(keys)
    except BadReceipt as error:
        printing.complain(f"{file} proves nothing: {error}.")
        raise typer.Exit(WRONG) from error
    if as_json:
        entries = [{"n": leaf.n, "at": leaf.at.isoformat(), "kind": leaf.kind, "actor": leaf.actor} for leaf in leaves]
        printing.tell({"holds": True, "origin": found.origin, "size": found.size, "entries": entries})
        return
    for leaf in leaves:
        printing.say(_line(leaf))
    printing.say(f"proved by the checkpoint of {found.size} entries of {found.origin}.")


def _complain(size: int, faults: list[tuple[int, str]]) -> None:
    if not faults:
        printing.complain(f"{size} entries, and no checkpoint vouches for any of them.")
    for index, what in faults:
        printing.complain(f"entry {index}: {what}")


def _fetched(person: str | None) -> bytes:
    with as_person(person) as api:
        return api.request("GET", f"{ROOT}/log/bundle").content


def _keys(given: list[str] | None, person: str | None, *, offline: bool) -> list[VerifierKey]:
    """Those that are given; else the service's own word, where it is asked anyway. Raises ApiError."""
    if not given and offline:
        raise ApiError("Say by --key whose signature counts: what a file says of itself proves nothing.")
    if not given:
        with as_person(person) as api:
            given = [str(api.get(f"{ROOT}/log/checkpoint")["key"])]
    try:
        return [VerifierKey.read(_text(each)) for each in given]
    except BadNote as error:
        raise ApiError(f"--key: {error}. It may be a file, too.") from error


def _note(file: Path) -> str:
    """A checkpoint, whatever came beside it: of a mail, or of a screen, nothing counts below its last signature."""
    lines = file.read_text(errors=AS_IT_IS).splitlines()
    last = max((number for number, line in enumerate(lines) if line.startswith(SIGNED)), default=len(lines) - 1)
    return "".join(f"{line}\n" for line in lines[: last + 1])


def _text(given: str) -> str:
    """A key, or what a file of that name holds."""
    try:
        return Path(given).read_text(errors=AS_IT_IS) if Path(given).is_file() else given
    except OSError:
        return given
