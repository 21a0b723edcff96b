"""A page of what was seen, with pictures: to `docs` when FIGURES says so."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

Line = Sequence[tuple[float, float]]

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 240, 48, 28, 150, 32
COLORS: Final = ("#1b6ca8", "#c8553d", "#3a7d44", "#8e5ea2", "#b8860b", "#444444", "#00838f")


def folder(otherwise: Path) -> Path:
    return Path(os.environ.get("FIGURES") or otherwise)


def plot(title: str, lines: Mapping[str, Line]) -> str:
    """Steps over seconds, as SVG."""
    last = max((x for line in lines.values() for x, _ in line), default=1.0) or 1.0
    most = max((y for line in lines.values() for _, y in line), default=1.0) or 1.0
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> str:
        return f"{LEFT + wide * x / last:.1f},{TOP + high * (1 - y / most):.1f}"

    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"',
        ' font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="16" font-size="13">{title}</text>',
        f'<path d="M{LEFT} {TOP}V{TOP + high}H{LEFT + wide}" fill="none" stroke="#888888"/>',
        f'<text x="{LEFT - 6}" y="{TOP + 4}" text-anchor="end">{most:g}</text>',
        f'<text x="{LEFT - 6}" y="{TOP + high}" text-anchor="end">0</text>',
        f'<text x="{LEFT + wide}" y="{HEIGHT - 12}" text-anchor="end">{last:.0f} s</text>',
    ]
    for number, (name, line) in enumerate(lines.items()):
        color = COLORS[number % len(COLORS)]
        points = " ".join(place(x, y) for x, y in _steps(line))
        drawn.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.6"/>')
        drawn.append(f'<text x="{LEFT + wide + 10}" y="{TOP + 12 + 16 * number}" fill="{color}">{name}</text>')
    return "\n".join([*drawn, "</svg>"]) + "\n"


def _steps(line: Line) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    for x, y in line:
        if found:
            found.append((x, found[-1][1]))
        found.append((x, y))
    return found
