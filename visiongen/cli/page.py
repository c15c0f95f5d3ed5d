"""Pieces of a self-contained HTML page: inline CSS, base64 pictures, light and dark, any width."""

from __future__ import annotations

import base64
from html import escape
from io import BytesIO

import numpy as np

CSS = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --paper: #fbfbf9; --card: #ffffff;
  --line: #dfe3e8; --accent: #0b6e99; }
@media (prefers-color-scheme: dark) { :root { --ink: #e7eaee; --soft: #9aa6b5; --paper: #14181d;
  --card: #1c2229; --line: #323b46; --accent: #6ec1e4; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.25rem; max-width: 1240px; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: .2rem 0 .4rem; text-wrap: balance; }
h2 { font-size: 1.2rem; margin: 0 0 .2rem; } h3 { font-size: 1rem; margin: 1.1rem 0 .3rem; }
h3 .soft { font-weight: normal; }
p { margin: .3rem 0 .6rem; max-width: 75ch; } a { color: var(--accent); }
.soft, figcaption { color: var(--soft); font-size: .875rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem;
  margin: 1.1rem 0; }
.row { display: grid; grid-template-columns: repeat(var(--columns, 4), minmax(0, 1fr)); gap: .75rem;
  align-items: start; }
@media (max-width: 820px) { .row { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
figure { margin: 0; min-width: 0; } figcaption { margin-top: .25rem; overflow-wrap: anywhere; }
figure img { display: block; width: 100%; height: auto; border-radius: 6px; background: var(--line); }
.crisp { image-rendering: pixelated; }
.chips { display: flex; flex-wrap: wrap; gap: .2rem .7rem; margin: .35rem 0 0; padding: 0; list-style: none;
  font-size: .8rem; color: var(--soft); }
.chips i { display: inline-block; width: .8em; height: .8em; border-radius: 2px; margin-right: .3em;
  border: 1px solid var(--line); vertical-align: -.05em; }
.bar { margin-top: .35rem; font-size: .78rem; color: var(--soft); }
.bar img { height: 12px; border-radius: 3px; image-rendering: auto; width: 100%; }
.bar div { display: flex; justify-content: space-between; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .7rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; } th { font-weight: 600; }
code { font: .9em ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
"""


def shrink(image: np.ndarray, longest: int) -> np.ndarray:
    """Area-average ``image`` so that its longer side is at most ``longest`` pixels."""
    import cv2

    scale = longest / max(image.shape[:2])
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def data_uri(image: np.ndarray, lossless: bool = True) -> str:
    """A ``data:`` address of a uint8 RGB array: PNG, or JPEG for photos."""
    from PIL import Image

    buffer = BytesIO()
    if lossless:
        Image.fromarray(image).save(buffer, "PNG", optimize=True)
    else:
        Image.fromarray(image).save(buffer, "JPEG", quality=88)
    kind = "png" if lossless else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def figure(image: np.ndarray, caption: str, photo: bool = False, crisp: bool = False, below: str = "") -> str:
    """A picture with its caption; ``below`` is ready HTML (chips, a colour bar)."""
    height, width = image.shape[:2]
    style = ' class="crisp"' if crisp else ""
    return (
        f'<figure><img{style} src="{data_uri(image, not photo)}" width="{width}" height="{height}" '
        f'alt="{escape(caption, quote=True)}"><figcaption>{escape(caption)}</figcaption>{below}</figure>'
    )


def row(figures: list[str]) -> str:
    """Figures side by side; two abreast on a phone."""
    return f'<div class="row" style="--columns:{len(figures)}">{"".join(figures)}</div>'


def chips(entries: list[tuple[str, tuple[int, int, int]]]) -> str:
    """Names with a swatch of their colour."""
    items = (f'<li><i style="background:rgb{colour}"></i>{escape(name)}</li>' for name, colour in entries)
    return f'<ul class="chips">{"".join(items)}</ul>'


def colour_bar(colours: np.ndarray, ticks: list[str]) -> str:
    """A horizontal bar of ``colours`` (uint8 (N, 3)) with labels spread evenly below it."""
    labels = "".join(f"<span>{escape(tick)}</span>" for tick in ticks)
    return f'<div class="bar"><img src="{data_uri(colours[None])}" alt="colour bar"><div>{labels}</div></div>'


def table(head: list[str], rows: list[list[str]]) -> str:
    """A small table; the first column is left-aligned."""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{top}</tr>{body}</table></div>'


def page(title: str, body: str) -> str:
    """The whole document; nothing in it refers to another file or address."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{CSS}</style></head><body>{body}</body></html>\n"
    )
