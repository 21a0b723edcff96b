"""A page of what was seen, with pictures: to `docs` when FIGURES says so."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

Line = Sequence[tuple[float, float]]

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 240, 48, 28, 150, 32
COLORS: Final = ("#1b6ca8", "#c8553d", "#3a7d44", "#8e5ea2", "#b8860b", "#444444", "#00838f", "#d81b60", "#6d4c41")
PAGE: Final = "kubernetes-figures.md"
HEAD: Final = """\
# What was seen on a cluster

Made by `FIGURES=docs make k8s-test`, from the development overlay as it is, on a cluster of one node that shares its
machine. Times are seconds of the clock on the wall; a machine that has other work, too, shows it in them, so each part
says what the machine's load was.
"""


@dataclass
class Page:
    """Parts by their titles, in the order of the tests; written anew with each of them."""

    folder: Path
    _parts: dict[str, str] = field(default_factory=dict)

    def tell(self, title: str, words: str, rows: Mapping[str, object], plots: Mapping[str, str] | None = None) -> None:
        """`plots`: SVG by the name of its file; its title is what the page calls it."""
        load = f"{os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
        table = [f"| {name} | {value} |" for name, value in {**rows, "load of the machine": load}.items()]
        part = [f"## {title}", words, "\n".join(["| | |", "|---|---|", *table])]
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, svg in (plots or {}).items():
            (self.folder / f"kubernetes-{name}.svg").write_text(svg)
            part.append(f"![{title_of(svg)}](kubernetes-{name}.svg)")
        self._parts[title] = "\n\n".join(part)
        (self.folder / PAGE).write_text("\n\n".join([HEAD.rstrip(), *self._parts.values()]) + "\n")


def page(otherwise: Path) -> Page:
    return Page(Path(os.environ.get("FIGURES") or otherwise))


def plot(title: str, lines: Mapping[str, Line], marks: Iterable[tuple[float, str]] = ()) -> str:
    """Steps over seconds, as SVG; `marks` are moments with their names."""
    last = max((x for line in lines.values() for x, _ in line), default=1.0) or 1.0
    most = max((y for line in lines.values() for _, y in line), default=1.0) or 1.0
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> str:
        return f"{LEFT + wide * x / last:.1f},{TOP + high * (1 - y / most):.1f}"

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="11">',
        f"<title>{title}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="16" font-size="13">{title}</text>',
        f'<path d="M{LEFT} {TOP}V{TOP + high}H{LEFT + wide}" fill="none" stroke="#888888"/>',
        f'<text x="{LEFT - 6}" y="{TOP + 4}" text-anchor="end">{most:.3g}</text>',
        f'<text x="{LEFT - 6}" y="{TOP + high}" text-anchor="end">0</text>',
        f'<text x="{LEFT + wide}" y="{HEIGHT - 12}" text-anchor="end">{last:.0f} s</text>',
    ]
    for x, name in marks:
        across = f"{LEFT + wide * x / last:.1f}"
        drawn.append(f'<path d="M{across} {TOP}v{high}" stroke="#bbbbbb" stroke-dasharray="3 3"/>')
        drawn.append(f'<text x="{across}" y="{HEIGHT - 12}" fill="#777777">{name}</text>')
    for number, (name, line) in enumerate(lines.items()):
        color = COLORS[number % len(COLORS)]
        points = " ".join(place(x, y) for x, y in _steps(line))
        drawn.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.6"/>')
        drawn.append(f'<text x="{LEFT + wide + 10}" y="{TOP + 12 + 16 * number}" fill="{color}">{name}</text>')
    return "\n".join([*drawn, "</svg>"]) + "\n"


def title_of(svg: str) -> str:
    return svg.partition("<title>")[2].partition("</title>")[0]


def _steps(line: Line) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for x, y in line:
        if found:
            found.append((x, found[-1][1]))
        found.append((x, y))
    return found
