"""Figures of the site, as SVG that takes its colours from the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from markupsafe import Markup, escape

from teaeval.tables.numbers import significant

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 48
COLOURS = 8
SHAPES = 4
LARGEST = 1e15
"""Size beyond which a number is not drawn; one over it is the least of a logarithmic axis."""


@dataclass(frozen=True)
class Series:
    """Points of one model: (x, y) and what each is; joined by a line, by steps, or not at all.

    ``style`` numbers its colour and shape, the same in all figures of a page; by default the
    place among the series of the figure.
    """

    name: str
    points: list[tuple[float, float]]
    labels: list[str] = field(default_factory=list)
    join: str = ""
    style: int | None = None


@dataclass(frozen=True)
class Axis:
    """An axis: its name, whether it is logarithmic, and what it shows at least."""

    name: str
    log: bool = False
    least: tuple[float, ...] = ()

    def shows(self, value: float) -> bool:
        """Whether a value can be drawn: a finite number, on a logarithmic axis a positive one."""
        return (1 / LARGEST if self.log else -LARGEST) <= value <= LARGEST

    def place(self, value: float, low: float, high: float) -> float:
        """Where a value is between two limits, 0 to 1."""
        if self.log:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return (value - low) / (high - low) if high > low else 0.5

    def limits(self, values: Sequence[float]) -> tuple[float, float]:
        """Limits that hold all values, with a margin."""
        low, high = min([*values, *self.least]), max([*values, *self.least])
        if self.log:
            return low / 1.25, high * 1.25
        room = (high - low) * 0.08 or abs(high) * 0.1 or 1.0
        return (0.0 if 0 <= low < high / 2 else low - room), high + room

    def ticks(self, low: float, high: float) -> list[float]:
        """Round numbers between two limits."""
        if not self.log or high / low < 8:
            step = 10 ** math.floor(math.log10((high - low) / 4))
            step = next(step * m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= 6)
            first = math.ceil(low / step)
            return [n * step for n in range(first, math.floor(high / step + 1e-9) + 1)]
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        every = [m * 10.0**d for d in decades for m in (1, 2, 5)]
        kept = [value for value in every if low <= value <= high]
        return kept if len(kept) <= 8 else [v for v in kept if f"{v:e}".startswith("1.0")]


def _look(style: int) -> tuple[int, int]:
    """Colour and shape of a series: no two of the first COLOURS × SHAPES have the same."""
    turn, colour = divmod(style % (COLOURS * SHAPES), COLOURS)
    return colour, (colour + turn) % SHAPES


def _marker(shape: int, x: float, y: float, title: str) -> str:
    """A marker, whose shape tells models apart without colour."""
    r = 5
    outline = (
        f"M{x - r:.1f} {y:.1f}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0z",
        f"M{x - r:.1f} {y - r:.1f}h{2 * r}v{2 * r}h{-2 * r}z",
        f"M{x:.1f} {y - 6.5:.1f}l6.5 6.5-6.5 6.5-6.5-6.5z",
        f"M{x:.1f} {y - 6:.1f}l6 11h-12z",
    )[shape]
    said = f"<title>{escape(title)}</title>" if title else ""
    return f'<path class="marker" d="{outline}">{said}</path>'


def chart(series: Sequence[Series], x: Axis, y: Axis, title: str) -> Markup:
    """Draw points and lines over two axes; empty where there is nothing to draw.

    Points that are too large to be drawn are left out: a stranger may have written them.

    Parameters
    ----------
    series
        What is drawn; each has a colour and a shape of its own.
    x, y
        The axes.
    title
        What the figure shows, for those who do not see it.
    """
    series = [kept for n, one in enumerate(series) if (kept := _drawable(n, one, x, y)).points]
    if not series:
        return Markup("")
    xs = x.limits([p[0] for one in series for p in one.points])
    ys = y.limits([p[1] for one in series for p in one.points])

    def at(point: tuple[float, float]) -> tuple[float, float]:
        across = x.place(point[0], *xs) * (WIDTH - LEFT - RIGHT)
        up = y.place(point[1], *ys) * (HEIGHT - TOP - BOTTOM)
        return LEFT + across, HEIGHT - BOTTOM - up

    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">'
    ]
    for value in x.ticks(*xs):
        here = at((value, ys[0]))[0]
        parts.append(f'<path class="grid" d="M{here:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(
            f'<text class="tick" x="{here:.1f}" y="{HEIGHT - BOTTOM + 16}" '
            f'text-anchor="middle">{value:g}</text>'
        )
    for value in y.ticks(*ys):
        here = at((xs[0], value))[1]
        parts.append(f'<path class="grid" d="M{LEFT} {here:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(
            f'<text class="tick" x="{LEFT - 6}" y="{here + 4:.1f}" '
            f'text-anchor="end">{value:g}</text>'
        )
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text class="name" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" '
        f'text-anchor="middle">{escape(x.name)}</text>'
        f'<text class="name" x="18" y="{middle}" text-anchor="middle" '
        f'transform="rotate(-90 18 {middle})">{escape(y.name)}</text>'
    )
    parts += [_drawn(one, at) for one in series]
    return Markup("".join([*parts, "</svg>", _legend(series)]))


def _drawable(number: int, one: Series, x: Axis, y: Axis) -> Series:
    """A series without the points that cannot be drawn, in a style that is settled."""
    kept = [n for n, (a, b) in enumerate(one.points) if x.shows(a) and y.shows(b)]
    labels = [one.labels[n] for n in kept] if one.labels else []
    points = [one.points[n] for n in kept]
    return replace(
        one, points=points, labels=labels, style=number if one.style is None else one.style
    )


def _drawn(one: Series, at: object) -> str:
    assert callable(at)
    colour, shape = _look(one.style or 0)
    places = [at(point) for point in one.points]
    parts = [f'<g class="c{colour}">']
    if one.join:
        first, *rest = places
        line = f"M{first[0]:.1f} {first[1]:.1f}"
        for px, py in rest:
            line += f"H{px:.1f}V{py:.1f}" if one.join == "steps" else f"L{px:.1f} {py:.1f}"
        parts.append(f'<path class="line" d="{line}"/>')
    if one.join != "steps":
        for n, (px, py) in enumerate(places):
            said = one.labels[n] if one.labels else one.name
            value = f"{said}: {significant(one.points[n][0])}, {significant(one.points[n][1])}"
            parts.append(_marker(shape, px, py, value))
    return "".join([*parts, "</g>"])


def _legend(series: Sequence[Series]) -> str:
    items = "".join(
        f'<li><svg class="key c{colour}" viewBox="0 0 14 14" '
        f'aria-hidden="true">{_marker(shape, 7, 7, "")}</svg>{escape(one.name)}</li>'
        for one in series
        for colour, shape in [_look(one.style or 0)]
    )
    return f'<ul class="legend">{items}</ul>'
