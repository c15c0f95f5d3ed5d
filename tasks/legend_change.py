"""The small language in which a legend is changed: only, without, also, in (a colour), rename."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from visiongen.errors import UsageError
from visiongen.prompt import OTHER, Colour, Legend
from visiongen.tasks.codecs.legend import farthest_colour

REST_NAMES = (OTHER, "rest", "background")
GRAMMAR = (
    'say "only the cars", "without the sky and the road", "also the poles", "the cars in red" '
    '(or #ff0000), or "rename car to van"'
)
_VERBS = {
    "only": ("only", "just", "now only", "keep only"),
    "without": ("without", "remove", "drop", "not"),
    "also": ("also", "add", "and also"),
}
# Plurals of things that are asked for whose singular no rule of their ending tells: the generator reads the
# name, and has never met a "buse".
_ONE_OF = {f"{one}es": one for one in ("bus", "minibus", "cactus", "canvas", "lens", "gas")}
_ONE_OF |= {f"{one}es": one for one in ("potato", "tomato", "mango", "volcano", "hero", "buffalo")}
_ONE_OF |= {f"{one}s": one for one in ("tie", "pie", "cookie", "movie", "hoodie", "axe")}
_ONE_OF |= {f"{one}ves": f"{one}f" for one in ("lea", "shel", "wol", "cal", "loa", "scar", "hoo", "thie")}
_ONE_OF |= {f"{one}ves": f"{one}fe" for one in ("kni", "li", "wi")}
_ONE_OF |= {"bookshelves": "bookshelf", "men": "man", "women": "woman", "children": "child", "mice": "mouse"}


@dataclass(frozen=True)
class Change:
    """A new legend; ``unchanged``: positions in the old one whose regions stay as they are painted
    (in the new legend's colours); ``added``: positions of new entries in the new legend."""

    legend: Legend
    unchanged: tuple[int, ...]
    added: tuple[int, ...] = ()


def change_legend(legend: Legend, words: str) -> Change:
    """The legend as ``words`` want it; UsageError for what is not understood, with a suggestion."""
    said = words.strip().rstrip(".!").strip()
    match = re.fullmatch(r"rename\s+(?P<old>.+?)\s+(?:to|as|into)\s+(?P<new>.+)", said, re.IGNORECASE)
    if match:
        return _rename(legend, match["old"], match["new"])
    for verb, forms in _VERBS.items():
        for form in sorted(forms, key=len, reverse=True):
            if said.lower().startswith(f"{form} "):
                return _ACTIONS[verb](legend, split_names(said[len(form) :]))
    match = re.fullmatch(r"(?P<names>.+)\s+(?:in|to)\s+(?P<colour>#?[\w ]+)", said, re.IGNORECASE)
    if match:
        return _recolour(legend, split_names(match["names"]), match["colour"].strip())
    raise UsageError(f"instruction {words!r}: not understood; {GRAMMAR}")


def split_names(text: str) -> list[str]:
    """ "the cars, buses and the sky" -> ["cars", "buses", "sky"]; UsageError when nothing is named."""
    parts = re.split(r"\s*(?:,|;|&|\band\b)\s*", text.strip(), flags=re.IGNORECASE)
    names = [re.sub(r"^(?:the|all|every|any)\s+", "", part, flags=re.IGNORECASE).strip() for part in parts]
    names = [name for name in names if name]
    if not names:
        raise UsageError(f"instruction: it names nothing; {GRAMMAR}")
    return names


def find(legend: Legend, name: str) -> int:
    """Position of the entry called ``name``, whatever its number; UsageError with the closest one.

    An entry of that very name goes before others: "glasses" are not several of "glass".
    """
    same = " ".join(name.lower().split())
    for position, known in enumerate(legend.names):
        if " ".join(known.lower().split()) == same:
            return position
    wanted = forms(name)
    for position, known in enumerate(legend.names):
        if wanted & forms(known):
            return position
    plain = {next(iter(sorted(forms(known), key=len))): known for known in legend.names}
    close = difflib.get_close_matches(min(wanted, key=len), plain, n=1, cutoff=0.6)
    hint = f"did you mean {plain[close[0]]!r}?" if close else f"the legend has {', '.join(legend.names)}"
    raise UsageError(f"instruction: no entry is called {name!r}; {hint}")


def forms(name: str) -> set[str]:
    """The name in small letters and what its singular may be: "bushes" -> bushes, bushe, bush."""
    plain = " ".join(name.lower().split())
    found = {plain}
    if plain.endswith("ies"):
        found.add(plain[:-3] + "y")
    if plain.endswith("ves"):
        found |= {plain[:-3] + "f", plain[:-3] + "fe"}
    if plain.endswith("es"):
        found.add(plain[:-2])
    if plain.endswith("s") and not plain.endswith("ss"):
        found.add(plain[:-1])
    return found | {singular(plain)}


def singular(name: str) -> str:
    """The likeliest name of one of them: "poles" -> pole, "bushes" -> bush, "grass" -> grass."""
    plain = " ".join(name.lower().split())
    *before, last = plain.split(" ")
    if last in _ONE_OF:
        return " ".join([*before, _ONE_OF[last]])
    if plain.endswith("ies"):
        return plain[:-3] + "y"
    if plain.endswith(("shes", "ches", "xes", "sses")):
        return plain[:-2]
    return plain[:-1] if plain.endswith("s") and not plain.endswith("ss") else plain


def parse_colour_name(text: str) -> Colour:
    """A CSS colour name or #rrggbb as (r, g, b); UsageError for others."""
    from PIL import ImageColor

    try:
        red, green, blue, *_ = ImageColor.getrgb(text.replace(" ", "").lower())
    except ValueError:
        raise UsageError(f"colour {text!r} is not known; give a CSS name like red, or #rrggbb") from None
    return (red, green, blue)


def _rest(legend: Legend) -> int | None:
    """Position of the entry for what is left over, if there is one."""
    return next((i for i, name in enumerate(legend.names) if name.lower() in REST_NAMES), None)


def _keep(legend: Legend, kept: Sequence[int]) -> Change:
    """Only the entries at ``kept``, and "other", which is made when there is none."""
    rest = _rest(legend)
    kept = [i for i in range(len(legend)) if i in kept or i == rest]
    pairs = [(legend.names[i], legend.colours[i]) for i in kept]
    if rest is None and len(kept) < len(legend):
        colour = farthest_colour(legend.array())
        pairs.append((OTHER, (int(colour[0]), int(colour[1]), int(colour[2]))))
    return Change(Legend.of(pairs), tuple(kept))


def _only(legend: Legend, names: Sequence[str]) -> Change:
    return _keep(legend, [find(legend, name) for name in names])


def _without(legend: Legend, names: Sequence[str]) -> Change:
    gone = {find(legend, name) for name in names}
    if _rest(legend) in gone:
        raise UsageError("instruction: what is left over cannot be taken away; name another entry")
    return _keep(legend, [i for i in range(len(legend)) if i not in gone])


def _also(legend: Legend, names: Sequence[str]) -> Change:
    pairs: list[tuple[str, object]] = list(zip(legend.names, legend.colours, strict=True))
    for name in names:
        known = [entry for entry, _ in pairs if forms(entry) & forms(name)]
        if known:
            raise UsageError(f"instruction: {known[0]!r} is in the legend already; add another entry")
        colours = np.array([colour for _, colour in pairs], np.uint8)
        pairs.append((singular(name), tuple(int(v) for v in farthest_colour(colours))))
    added = tuple(range(len(legend), len(pairs)))
    return Change(Legend.of(pairs), tuple(range(len(legend))), added)


def _recolour(legend: Legend, names: Sequence[str], colour: str) -> Change:
    if len(names) > 1:
        raise UsageError("instruction: one entry gets one colour; recolour the others in another turn")
    place, wanted = find(legend, names[0]), parse_colour_name(colour)
    others = np.delete(legend.array().astype(int), place, axis=0)
    if len(others) and np.linalg.norm(others - wanted, axis=1).min() < 48:
        near = [n for i, n in enumerate(legend.names) if i != place]
        closest = near[int(np.linalg.norm(others - wanted, axis=1).argmin())]
        raise UsageError(f"colour {colour!r}: too near the colour of {closest!r}; choose another")
    colours = list(legend.colours)
    colours[place] = wanted
    same = tuple(i for i in range(len(legend)) if i != place or wanted == legend.colours[place])
    return Change(legend.recolour(colours), same)


def _rename(legend: Legend, old: str, new: str) -> Change:
    both = [split_names(old), split_names(new)]
    if any(len(part) > 1 for part in both):
        raise UsageError(f"rename {old!r} to {new!r}: one name at a time; ask again for the next")
    place = find(legend, both[0][0])
    names = list(legend.names)
    names[place] = both[1][0]
    return Change(Legend(tuple(names), legend.colours), tuple(range(len(names))))


_ACTIONS = {"only": _only, "without": _without, "also": _also}
