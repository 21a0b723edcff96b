"""`milesaga hub match` and `convert`: the rules' language by itself. Nobody is asked."""

from typing import Annotated, Literal

import typer

from services.cli import printing
from services.cli.client import Json, reported
from services.cli.hub.reading import Wrong, complain, value
from services.cli.options import AsJson
from shared.rules.cloudevents import from_filters, to_filters
from shared.rules.conversions import Converted
from shared.rules.documents import document_of
from shared.rules.eventbridge import from_eventbridge, to_eventbridge
from shared.rules.explaining import explain
from shared.rules.faults import Invalid
from shared.rules.looking import TooMuchWork
from shared.rules.parsing import parse


def match(
    pattern: Annotated[str, typer.Argument(metavar="PATTERN", help="A file with a rule's `when`; or `-`.")],
    event: Annotated[str, typer.Argument(metavar="EVENT", help="A file with a CloudEvent in JSON.")],
    partner: Annotated[str, typer.Option("--partner", help="Whose the event is, for rules that ask.")] = "",
    as_json: AsJson = False,
) -> None:
    """Try a pattern on an event, and tell why it matches or not; exit 1 where it does not."""
    with reported():
        wanted, given = value(pattern), value(event)
        if not isinstance(given, dict):
            raise Wrong(f"{event}: a CloudEvent is expected")
        try:
            finding = explain(parse(wanted), document_of(given, partner))
        except Invalid as invalid:
            raise Wrong("; ".join(f"{pattern}: {each}" for each in invalid.faults)) from invalid
        except TooMuchWork as much:
            raise Wrong(f"{event}: its lists are too long for the pattern") from much
    if as_json:
        clauses = [{"holds": each.holds, "clause": each.clause, "at": each.at} for each in finding.decided()]
        printing.tell({"matches": finding.holds, "decided": clauses})
    else:
        printing.say("matches" if finding.holds else "does not match")
        for each in finding.decided():
            printing.say(f"  {each}")
    raise typer.Exit(0 if finding.holds else 1)


def convert(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A pattern in the other language; `-`: standard input.")],
    language: Annotated[
        Literal["eventbridge", "cloudevents"],
        typer.Option("--language", help="Whose: CloudEvents has filters."),
    ] = "eventbridge",
    back: Annotated[bool, typer.Option("--back", help="From our language into the other.")] = False,
) -> None:
    """Convert a pattern into the rules' language; remarks on what is judged differently go to standard error."""
    with reported():
        given = value(file)
        try:
            converted = _converted(given, language, back=back)
        except Invalid as invalid:
            raise Wrong("; ".join(f"{file}: {each}" for each in invalid.faults)) from invalid
    complain(f"{file}: {each.pointer}: {each.text}" for each in converted.remarks)
    printing.tell(converted.data)


def _converted(given: Json, language: str, *, back: bool) -> Converted:
    if not back:
        return from_eventbridge(given) if language == "eventbridge" else from_filters(given)
    pattern = parse(given)
    return to_eventbridge(pattern) if language == "eventbridge" else to_filters(pattern)
