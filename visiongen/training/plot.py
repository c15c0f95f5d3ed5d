"""The log as a small SVG picture; no plotting package needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from visiongen.files import write_atomic
from visiongen.training.log import read_log

COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#7f7f7f")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 480, 70, 230, 24, 44
SKIP = {"step", "seconds", "samples", "samples_per_s", "lr", "grad_norm", "skipped", "wait"}


def plot_log(log: Path, out: Path) -> Path | None:
    """Draw every loss part of ``log`` against the step, log scale; None when there is nothing."""
    rows = read_log(log)
    names = sorted({k for r in rows for k in r if k not in SKIP}, key=lambda n: (n != "loss", n))
    curves = {n: [(r["step"], r[n]) for r in rows if r.get(n) is not None and r[n] > 0] for n in names}
    curves = {n: c for n, c in curves.items() if c}
    if not curves:
        return None
    return write_atomic(out, _svg(curves))


def _svg(curves: dict[str, list[tuple[float, float]]]) -> str:
    xs = [x for c in curves.values() for x, _ in c]
    ys = [math.log10(y) for c in curves.values() for _, y in c]
    x0, x1 = min(xs), max(xs) if max(xs) > min(xs) else min(xs) + 1
    y0, y1 = min(ys), max(ys) if max(ys) > min(ys) else min(ys) + 1

    def place(x: float, y: float) -> str:
        px = LEFT + (x - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT)
        py = HEIGHT - BOTTOM - (math.log10(y) - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM)
        return f"{px:.1f},{py:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        *_axes(x0, x1, y0, y1),
    ]
    for number, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = " ".join(place(x, y) for x, y in curve)
        wide = 2.5 if name == "loss" else 1.2
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{wide}"/>')
        y = TOP + 16 * number + 8
        label = escape(f"{name}  {curve[-1][1]:.4g}")
        parts.append(f'<text x="{WIDTH - RIGHT + 14}" y="{y}" fill="{colour}">{label}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _axes(x0: float, x1: float, y0: float, y1: float) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    lines = [f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="black"/>']
    for share in _shares(5):
        y = bottom - share * (bottom - TOP)
        value = 10 ** (y0 + share * (y1 - y0))
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{value:.3g}</text>')
        x = LEFT + share * (right - LEFT)
        step = round(x0 + share * (x1 - x0))
        lines.append(f'<text x="{x:.0f}" y="{bottom + 18}" text-anchor="middle">{step}</text>')
    lines.append(f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">step</text>')
    return lines


def _shares(count: int) -> Sequence[float]:
    return [i / (count - 1) for i in range(count)]
