"""Small pieces of HTML. Whatever comes from a file goes through :func:`text`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any


@dataclass(frozen=True)
class Html:
    """Ready markup, told apart from text that must be escaped."""

    markup: str

    def __str__(self) -> str:
        return self.markup


def text(value: Any) -> str:
    """Markup as it is, anything else escaped."""
    return value.markup if isinstance(value, Html) else escape(str(value), quote=True)


def tag(name: str, *inside: Any, **attributes: Any) -> Html:
    """``<name attributes>inside</name>``; ``class_``, ``data_value``: the names of HTML with a dash."""
    parts = [name]
    for key, value in attributes.items():
        if value is not None:
            parts.append(f'{key.rstrip("_").replace("_", "-")}="{escape(str(value), quote=True)}"')
    return Html(f"<{' '.join(parts)}>{join(inside)}</{name}>")


def join(parts: Iterable[Any]) -> Html:
    """One after the other."""
    return Html("".join(text(part) for part in parts))


def number(value: float | None) -> str:
    """Four digits or so, with a real minus; a dash for None."""
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    digits = 1 if size >= 100 else 2 if size >= 10 else 3 if size >= 1 else 4
    return f"{value:.{digits}f}".replace("-", "−")


def interval(ends: Sequence[float] | None) -> str:
    """``[low, high]``, or nothing."""
    return f"[{number(ends[0])}, {number(ends[1])}]" if ends else ""


def arrow(higher_is_better: bool) -> Html:
    """Which way is better, for eyes and for screen readers."""
    sign, word = ("↑", "higher is better") if higher_is_better else ("↓", "lower is better")
    return join([tag("span", sign, aria_hidden="true", title=word), hidden(f" ({word})")])


def hidden(words: str) -> Html:
    """Text for screen readers alone."""
    return tag("span", words, class_="hidden")


def chips(entries: Iterable[tuple[str, tuple[int, int, int]]]) -> Html:
    """Names with a swatch of their colour."""
    made = []
    for name, (red, green, blue) in entries:
        swatch = tag("i", style=f"background:rgb({red},{green},{blue})")
        made.append(tag("li", swatch, name))
    return tag("ul", *made, class_="chips")


def facts(pairs: Iterable[tuple[str, Any]]) -> Html:
    """A list of names and what they are."""
    rows = [join([tag("dt", name), tag("dd", value)]) for name, value in pairs]
    return tag("dl", *rows)


def fold(title: Any, *inside: Any, shown: bool = False) -> Html:
    """A part that can be folded away."""
    start = "<details open>" if shown else "<details>"
    return Html(f"{start}{tag('summary', title)}{join(inside)}</details>")


def scroll(table: Html, label: str) -> Html:
    """A table that scrolls by itself, also by keyboard."""
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=label)


def grid(head: Html, body: Iterable[Html]) -> Html:
    """A table of a row of heads and further rows."""
    return tag("table", tag("thead", head), tag("tbody", *body))


def badge(words: str, kind: str = "bad") -> Html:
    """A word in a box."""
    return tag("span", words, class_=f"badge {kind}")


def many(count: int, what: str) -> str:
    """``1 run``, ``2 runs``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
