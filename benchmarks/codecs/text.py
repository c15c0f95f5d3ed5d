"""The codec bench as tables for a terminal, as markdown, and as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rich.table import Table

GOOD, BAD = np.array([226, 243, 226]), np.array([246, 205, 198])
CELL, LABEL, LINE, PAD = 74, 330, 24, 10


@dataclass(frozen=True)
class Grid:
    """A table: title, heads, and rows of cells; ``shades`` (rows, heads - shades) in [0, 1], 1 = bad."""

    title: str
    heads: list[str]
    rows: list[list[str]]
    shades: list[list[float]] | None = None


def grids(report: dict[str, Any]) -> list[Grid]:
    """All tables of a report."""
    return [codec_grid(report), edge_grid(report), mix_grid(report), legend_grid(report)]


def codec_grid(report: dict[str, Any]) -> Grid:
    """Every codec under every damage; a shade says how much of the blind guess's error is left."""
    damages = report["damages"]
    rows, shades = [], []
    for row in report["codecs"]:
        arrow = "^" if row["higher_is_better"] else ""
        values = [row["scores"][name] for name in damages]
        rows.append([row["codec"], row["measure"] + arrow, *map(number, values), number(row["blind"])])
        shades.append([_lost(value, row) for value in values] + [1.0])
    title = f"labels after damage, {report['frames']} frames of {report['size'][1]} x {report['size'][0]}"
    return Grid(title, ["codec", "measure", *damages, "blind"], rows, shades)


def _lost(value: float, row: dict[str, Any]) -> float:
    """0 for perfect labels, 1 for the blind guess or worse."""
    perfect = 1.0 if row["higher_is_better"] else 0.0
    span = abs(row["blind"] - perfect)
    return float(np.clip(abs(value - perfect) / span, 0, 1)) if span else 0.0


def edge_grid(report: dict[str, Any]) -> Grid:
    """Depth edges and noise."""
    heads = ["read by", "1 m|10 m: outside", "flying", "flying, noise 12", "AbsRel, noise 12"]
    rows = [
        [
            row["reader"],
            *(f"{row[key]:.1%}" for key in ("outside", "flying", "flying_noisy")),
            f"{row['noisy_abs_rel']:.4f}",
        ]
        for row in report["depth_edges"]
    ]
    return Grid("mixed pixels on a depth edge", heads, rows)


def mix_grid(report: dict[str, Any]) -> Grid:
    """Mixes that become a third class."""
    legends = report["legends"]
    rows = [
        [row["legend"], row["codec"], f"{row['pairs']:.1%}", f"{row['third']:.1%}"]
        for row in legends["mixes"]
    ]
    heads = ["colours", "codec", "50/50 mixes nearest to a third", "mixed pixels read as a third"]
    return Grid(f"legends of {legends['classes']} classes: mixes", heads, rows)


def legend_grid(report: dict[str, Any]) -> Grid:
    """Calibration of damaged label maps."""
    legends = report["legends"]
    rows = [
        [
            row["legend"],
            row["damage"],
            row["codec"],
            f"{row['accuracy']:.4f}",
            f"{row['ECE']:.4f}",
            f"{row['AURC']:.5f}",
            f"{row['third']:.1%}",
        ]
        for row in legends["damages"]
    ]
    heads = ["colours", "damage", "codec", "accuracy", "ECE", "AURC", "third on edges"]
    return Grid(f"legends of {legends['classes']} classes: damaged maps", heads, rows)


def number(value: float) -> str:
    """Four significant places at most, no exponent."""
    if value == 0:
        return "0"
    return f"{value:.4f}" if abs(value) < 1 else f"{value:.2f}"


def markdown(grid: Grid) -> Iterator[str]:
    """A table as lines of markdown."""
    rule = ["---"] * len(grid.heads)
    for row in (grid.heads, rule, *grid.rows):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def table(grid: Grid) -> Table:
    """A rich table."""
    from rich.table import Table

    made = Table(title=grid.title, title_justify="left")
    for place, head in enumerate(grid.heads):
        made.add_column(head, justify="left" if place < 1 else "right", no_wrap=True)
    for row in grid.rows:
        made.add_row(*row)
    return made


def picture(grid: Grid) -> np.ndarray:
    """A table with its cells shaded from green (nothing lost) to red, uint8 (H, W, 3)."""
    from PIL import Image, ImageDraw, ImageFont

    columns = len(grid.heads) - 2
    width = LABEL + CELL * columns + 2 * PAD
    image = Image.new("RGB", (width, LINE * (len(grid.rows) + 2) + 2 * PAD), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(13)
    draw.text((PAD, PAD), grid.title, "black", font)
    for line, row in enumerate([grid.heads, *grid.rows]):
        top = PAD + LINE * (line + 1)
        draw.text((PAD, top + 4), row[0], "black", font)
        draw.text((PAD + 190, top + 4), row[1], "dimgray", font)
        for place, cell in enumerate(row[2:]):
            left = PAD + LABEL + CELL * place
            if line and grid.shades is not None:
                box = (left, top, left + CELL - 2, top + LINE - 2)
                draw.rectangle(box, fill=_shade(grid.shades[line - 1][place]))
            draw.text((left + CELL - 8, top + 4), cell, "black", font, anchor="ra")
    return np.asarray(image)


def _shade(share: float) -> tuple[int, int, int]:
    red, green, blue = (GOOD + (BAD - GOOD) * np.sqrt(share)).round().astype(int).tolist()
    return red, green, blue


def lines(report: dict[str, Any], which: Sequence[Grid] | None = None) -> Iterator[str]:
    """All tables as markdown."""
    for grid in which or grids(report):
        yield f"**{grid.title}**"
        yield ""
        yield from markdown(grid)
        yield ""
