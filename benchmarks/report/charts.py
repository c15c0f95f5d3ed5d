"""Charts as inline SVG in the page's own colours: lines with axes, and bars a row.

A chart is drawn at one size in pixels and shrinks with the page; bars stretch to any width and keep their
words outside the drawing, so that they stay readable on a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from visiongen.benchmarks.report.html import Html, join, number, tag, text

WIDTH, HEIGHT = 330, 240
LEFT, RIGHT, TOP, BOTTOM = 46, 16, 10, 42
POINTS = 160  # a line, at most
Span = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Line:
    """One line of a chart: x and y (n,). ``style`` is the class of its colour: a row's name, or l0 ... l3."""

    name: str
    x: np.ndarray
    y: np.ndarray
    style: str
    dot: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Chart:
    """Lines over two named axes. ``under``: lines without a name drawn below, such as those of equal F."""

    title: str
    lines: Sequence[Line]
    x_name: str
    y_name: str
    x_span: Span
    y_span: Span
    under: Sequence[tuple[str, np.ndarray, np.ndarray]] = ()
    about: str = ""

    def html(self) -> Html:
        """A figure with title, drawing and legend."""
        label = f"{self.title}: {self.y_name} against {self.x_name}. {self.about}"
        drawing = Html(
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(label)}">'
            f"{self._axes()}{self._under()}{''.join(self._line(line) for line in self.lines)}</svg>"
        )
        key = [tag("li", tag("i", class_=f"key {line.style}"), line.name) for line in self.lines]
        below = tag("p", self.about, class_="soft") if self.about else ""
        title = tag("figcaption", tag("strong", self.title))
        return tag("figure", title, drawing, tag("ul", *key, class_="chips"), below, class_="chart")

    def _place(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        (x0, x1), (y0, y1) = self.x_span, self.y_span
        wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + (x - x0) / (x1 - x0) * wide, TOP + (y1 - y) / (y1 - y0) * high

    def _axes(self) -> str:
        parts = []
        for value in ticks(self.x_span):
            x = float(self._place(np.array(value), np.array(0.0))[0])
            parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" class="mid">{value:g}</text>')
        for value in ticks(self.y_span):
            y = float(self._place(np.array(0.0), np.array(value))[1])
            parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="end">{value:g}</text>')
        middle = TOP + (HEIGHT - TOP - BOTTOM) / 2
        parts.append(
            f'<text x="{LEFT + (WIDTH - LEFT - RIGHT) / 2:.0f}" y="{HEIGHT - 7}" class="mid">'
            f"{text(self.x_name)}</text>"
            f'<text transform="translate(11 {middle:.0f}) rotate(-90)" class="mid">{text(self.y_name)}</text>'
        )
        return "".join(parts)

    def _under(self) -> str:
        parts = []
        for name, x, y in self.under:
            parts.append(f'<path class="under" d="{self._path(x, y)}"/>')
            px, py = self._place(x[-1], y[-1])
            place = f'x="{float(px) - 2:.1f}" y="{float(py) - 3:.1f}"'
            parts.append(f'<text {place} class="end faint">{text(name)}</text>')
        return "".join(parts)

    def _path(self, x: np.ndarray, y: np.ndarray) -> str:
        keep = np.isfinite(x) & np.isfinite(y)
        x, y = x[keep], y[keep]
        if len(x) > POINTS:
            chosen = np.unique(np.linspace(0, len(x) - 1, POINTS).round().astype(int))
            x, y = x[chosen], y[chosen]
        px, py = self._place(np.clip(x, *self.x_span), np.clip(y, *self.y_span))
        return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(px, py, strict=True)) if len(x) else "M0 0"

    def _line(self, line: Line) -> str:
        drawn = f'<path class="line {line.style}" d="{self._path(line.x, line.y)}"/>'
        if line.dot is not None:
            x, y = self._place(np.array(line.dot[0]), np.array(line.dot[1]))
            drawn += f'<circle class="dot {line.style}" cx="{float(x):.1f}" cy="{float(y):.1f}" r="4.5"/>'
        return drawn


def ticks(span: Span, wanted: int = 5) -> list[float]:
    """Round numbers inside ``span``, about ``wanted`` steps apart."""
    low, high = span
    raw = (high - low) / wanted
    size = 10 ** np.floor(np.log10(raw))
    step = size * min((1, 2, 5, 10), key=lambda f: abs(f * size - raw))
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [float(f"{k * step:.6g}") for k in range(first, last + 1)]


def span_of(values: np.ndarray) -> Span:
    """From 0 (or below) to the next round number above all finite ``values``."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    low = min(0.0, low)
    high = high if high > low else low + 1.0
    if 0.5 < high <= 1 and low >= 0:
        return 0.0, 1.0
    step = 10 ** np.floor(np.log10(high - low)) / 2
    return float(np.floor(low / step) * step), float(np.ceil(high / step) * step)


@dataclass(frozen=True)
class Bar:
    """One bar: a value with its interval; ``mark`` is a reference value drawn as a tick."""

    name: str
    value: float | None
    ends: Sequence[float] | None = None
    mark: float | None = None
    style: str = "model"


def bars(rows: Sequence[Bar], label: str, narrow: bool = False) -> Html:
    """Names, bars and numbers; several columns where there is room unless ``narrow``."""
    known = [v for row in rows for v in (row.value, row.mark, *(row.ends or ())) if v is not None]
    low, high = span_of(np.array(known))
    items = [
        tag("li", tag("span", r.name, class_="name"), _bar(r, low, high), tag("span", _told(r), class_="n"))
        for r in rows
    ]
    return tag("ol", *items, class_="bars narrow" if narrow else "bars", aria_label=label)


def _told(row: Bar) -> Html:
    ends = f"{number(row.ends[0])} to {number(row.ends[1])}" if row.ends else ""
    return join([number(row.value), tag("small", ends) if ends else ""])


def _bar(row: Bar, low: float, high: float) -> Html:
    def at(value: float) -> float:
        return 100 * (min(max(value, low), high) - low) / (high - low)

    parts = []
    if row.value is not None:
        start, end = sorted((at(0.0), at(row.value)))
        place = f'x="{start:.2f}" y="2" width="{end - start:.2f}" height="8"'
        parts.append(f'<rect class="fill {row.style}" {place}/>')
    if row.ends:
        parts.append(f'<path class="whisker" d="M{at(row.ends[0]):.2f} 6H{at(row.ends[1]):.2f}"/>')
    if row.mark is not None:
        parts.append(f'<path class="mark" d="M{at(row.mark):.2f} 0V12"/>')
    head = '<svg viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">'
    return Html(f"{head}{''.join(parts)}</svg>")
