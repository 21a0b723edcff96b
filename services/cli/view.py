"""How a purchase looks on a terminal."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from services.cli.client import AT_REST, Change, Json
from services.cli.printing import in_one_line, styled
from shared.kernel.money import Money

STYLES: Final = {
    "completed": "bold green",
    "done": "green",
    "running": "bold cyan",
    "waiting_for_customer": "bold cyan",
    "undoing": "bold magenta",
    "unknown": "bold yellow",
    "needs_attention": "bold red",
    "refused": "red",
    "cancelled": "red",
    "undone": "magenta",
    "skipped": "dim",
    "pending": "dim",
}
MARKS: Final = {
    "done": "✔",
    "running": "…",
    "undoing": "↶",
    "undone": "↶",
    "unknown": "?",
    "refused": "✘",
    "skipped": "-",
    "pending": " ",
}


def reference(title: str) -> Column:
    """A column of ids, which are never cut."""
    return Column(title, overflow="fold", min_width=36)


def money(amount: Json) -> str:
    """`BRL 2,599.90`, from minor units."""
    return str(Money.model_validate(amount))


def total(checkout: Json) -> str:
    value = checkout.get("total") or {}
    parts = [money(value["money"])] if value.get("money") else []
    parts += [f"{value['miles']:,} miles"] if value.get("miles") else []
    return " + ".join(parts)


def refusal(checkout: Json) -> str:
    value = checkout.get("refusal")
    return f"{value['step']}: {value['code']}" if value else ""


def status(name: str) -> Text:
    return styled(name, STYLES.get(name, ""))


def moment(value: str | None) -> str:
    """Local time, to the second."""
    return datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M:%S") if value else ""


def seconds(step: Json) -> str:
    if not step.get("started_at") or not step.get("finished_at"):
        return ""
    spent = datetime.fromisoformat(step["finished_at"]) - datetime.fromisoformat(step["started_at"])
    return f"{spent.total_seconds():.2f} s"


def steps(checkout: Json) -> Table:
    table = Table(box=None, padding=(0, 1), show_header=False)
    for step in checkout.get("steps") or []:
        asked = f"asked {step['attempts']} times" if (step.get("attempts") or 0) > 1 else ""
        mark = Text(MARKS.get(step["status"], "•"), style=STYLES.get(step["status"], ""))
        table.add_row(mark, step["name"], status(step["status"]), seconds(step), asked)
    return table


def live_purchase(checkout: Json) -> RenderableType:
    head = Text.assemble(
        "  ", styled(checkout["id"], "dim"), "  ", status(checkout["status"]), styled(f"  {total(checkout)}")
    )
    return Group(head, steps(checkout))


def follow(out: Console, changes: Iterable[Change]) -> Json:
    """Show a purchase while it moves, and return its last state. Redrawn on a terminal, a line per change elsewhere."""
    return _follow_live(out, changes) if out.is_terminal else _follow_plain(out, changes)


def _follow_live(out: Console, changes: Iterable[Change]) -> Json:
    last: Json = {}
    with Live(console=out, refresh_per_second=12, transient=False) as screen:
        for change in changes:
            last = change.checkout
            screen.update(live_purchase(last))
    return last


def _follow_plain(out: Console, changes: Iterable[Change]) -> Json:
    last: Json = {}
    for change in changes:
        for line in moved(last, change.checkout):
            out.print(in_one_line(f"  {line}"))
        last = change.checkout
    return last


def moved(before: Json, after: Json) -> list[str]:
    """What changed between two states, a line each."""
    known = {step["name"]: step["status"] for step in before.get("steps") or []}
    lines = [
        f"{step['name']}: {step['status']}"
        for step in after.get("steps") or []
        if step["status"] != known.get(step["name"], "pending")
    ]
    if after["status"] in AT_REST and after["status"] != before.get("status"):
        lines.append(f"purchase {after['status']}" + (f" ({refusal(after)})" if refusal(after) else ""))
    return lines
