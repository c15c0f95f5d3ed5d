"""Phrases against a second opinion: plain loops over the maps that share no code with phrases.py."""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pytest

from visiongen.prompt import MAX_PHRASE
from visiongen.world import render
from visiongen.world.classes import CLASS_ID, CLASS_NAMES, STUFF_NAMES, THING_NAMES
from visiongen.world.phrases import Phrase, make_phrase
from visiongen.world.things import measure

COLOURS = (
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "purple",
    "pink",
    "brown",
    "beige",
    "black",
    "gray",
    "white",
)
SUPERLATIVES = ("large", "small", "leftmost", "rightmost", "nearest", "farthest")
RELATIONS = ("left of", "right of", "in front of", "behind", "on")
PLACES = ("on the left", "on the right", "in the middle")
GRAMMAR = re.compile(
    rf"^the (?:(?P<most>{'|'.join(SUPERLATIVES)}) )?(?P<head>(?:(?:{'|'.join(COLOURS)}) )?[a-z]+)"
    rf"(?: (?:(?P<place>{'|'.join(PLACES)})|(?P<relation>{'|'.join(RELATIONS)}) the (?P<other>[a-z ]+)))?$"
)


@dataclass
class Frame:
    instance: np.ndarray
    classes: np.ndarray
    base_colour: np.ndarray
    depth: np.ndarray

    @cached_property
    def seen(self) -> list[Seen]:
        """Every visible thing."""
        numbers, areas = np.unique(self.instance[self.instance > 0], return_counts=True)
        things = [Seen(self, number) for number in numbers[areas >= 6]]
        return [thing for thing in things if thing.noun not in STUFF_NAMES]


@lru_cache
def frames(kind: str, first: int = 40) -> list[Frame]:
    out = render(kind, list(range(first, first + 5)), 96, 128)
    maps = (out.instance, out.classes, out.base_colour, out.depth)
    return [Frame(*parts) for parts in zip(*(m.numpy() for m in maps), strict=True)]


def phrases(frame: Frame, count: int, with_depth: bool = True) -> list[Phrase]:
    depth = frame.depth if with_depth else None
    things = measure(frame.instance, frame.classes, CLASS_NAMES, frame.base_colour, depth)
    found = [make_phrase(things, np.random.default_rng(k)) for k in range(count)]
    return [one for one in found if one is not None]


# --- the second opinion -----------------------------------------------------------------------


class Seen:
    """One thing, by its mask alone."""

    def __init__(self, frame: Frame, number: int) -> None:
        self.number, self.mask = number, frame.instance == number
        self.y, self.x = np.nonzero(self.mask)
        self.noun = CLASS_NAMES[frame.classes[self.y[0], self.x[0]]]
        self.area, self.size = len(self.x), self.mask.shape
        self.depth = frame.depth[self.mask]
        step = max(1, self.area // 60)
        self.pixels = [colorsys.rgb_to_hsv(*p) for p in frame.base_colour[self.mask][::step] / 255]
        self.answers: dict[tuple[str, bool], bool] = {}
        self.middle = ((self.x.mean() + 0.5) / self.size[1], (self.y.mean() + 0.5) / self.size[0])

    def coloured(self, colour: str, strict: bool) -> bool:
        """Most of it has the colour: in the heart of its range (strict), or somewhere near it."""
        if (colour, strict) not in self.answers:
            share = np.mean([has_colour(p, colour, strict) for p in self.pixels])
            self.answers[colour, strict] = bool(share > 0.5)
        return self.answers[colour, strict]

    def called(self, head: str, strict: bool) -> bool:
        *colour, noun = head.split()
        return noun in (self.noun, "thing") and all(self.coloured(c, strict) for c in colour)


def has_colour(hsv: tuple[float, float, float], colour: str, strict: bool) -> bool:
    hue, saturation, value = hsv[0] * 360, hsv[1], hsv[2]
    slack = 0 if strict else 12
    if colour == "black":
        return value < (0.15 if strict else 0.3)
    if colour in ("gray", "white"):
        light = value > (0.87 if strict else 0.74) if colour == "white" else 0.28 < value < 0.78
        return saturation < (0.06 if strict else 0.34) and (light or (not strict and colour == "gray"))
    heart = {"red": (350, 366), "orange": (20, 36), "yellow": (50, 62), "green": (80, 155),
             "blue": (180, 248), "purple": (268, 284), "pink": (302, 332), "brown": (20, 36),
             "beige": (20, 45)}[colour]  # fmt: skip
    wide = {"red": 14, "pink": 40, "brown": 22, "beige": 22}.get(colour, 12)
    low, high = (heart[0], heart[1]) if strict else (heart[0] - slack - wide, heart[1] + slack + wide)
    inside = low <= hue <= high or low <= hue + 360 <= high or low <= hue - 360 <= high
    if strict:
        dark = (
            0.25 < value < 0.6 if colour == "brown" else value > 0.78 if colour == "orange" else value > 0.5
        )
        return inside and (
            value > 0.8 and 0.2 < saturation < 0.38 if colour == "beige" else dark and saturation > 0.55
        )
    return inside and value > 0.12 and (colour != "orange" or saturation > 0.36)


def resting_share(frame: Frame, one: Seen, on: Seen) -> tuple[float, float]:
    """Share of a thing's lower outline with another one below it at its depth, and with it below at all."""
    rests = below = total = 0
    for y, x in zip(one.y, one.x, strict=True):
        if y + 1 == one.size[0]:
            total += 1
        elif not one.mask[y + 1, x]:
            total += 1
            if on.mask[y + 1, x]:
                below += 1
                rests += abs(frame.depth[y + 1, x] / frame.depth[y, x] - 1) < 0.08
    return rests / max(total, 1), below / max(total, 1)


def holds(frame: Frame, one: Seen, words: re.Match, every: list[Seen], strict: bool) -> bool:
    """Whether a phrase is true of a thing: clearly so (strict), or at least not against the eye."""
    if not one.called(words["head"], strict):
        return False
    if words["most"]:
        group = [other for other in every if other.called(words["head"], strict=False)]
        key = {"large": lambda o: -o.area, "small": lambda o: o.area, "leftmost": lambda o: o.middle[0],
               "rightmost": lambda o: -o.middle[0], "nearest": lambda o: np.median(o.depth),
               "farthest": lambda o: -np.median(o.depth)}[words["most"]]  # fmt: skip
        return len(group) > 1 and min(group, key=key) is one
    x, y = one.middle
    if words["place"] == "in the middle":
        return bool(np.hypot(x - 0.5, y - 0.5) < (0.14 if strict else 0.2))
    if words["place"]:
        x = x if words["place"].endswith("left") else 1 - x
        return bool(x < (0.36 if strict else 0.45))
    if words["relation"]:
        other = reference(every, words["other"])
        return one is not other and related(frame, one, other, words["relation"], strict)
    return True


def reference(every: list[Seen], called: str) -> Seen:
    """The one thing that is called so: clearly, or at least more than any other that might be."""
    *colour, noun = called.split()
    named = [one for one in every if one.noun == noun]
    if not colour:
        assert len(named) == 1, f"{len(named)} things are called {called!r}"
        return named[0]
    shares = [np.mean([has_colour(p, colour[0], False) for p in one.pixels]) for one in named]
    clear = [one for one in named if one.coloured(colour[0], strict=True)]
    assert max(shares) > 0.5 and len(clear) <= 1, f"{len(clear)} things are clearly called {called!r}"
    return clear[0] if clear else named[int(np.argmax(shares))]


def related(frame: Frame, one: Seen, other: Seen, relation: str, strict: bool) -> bool:
    step = one.middle[0] - other.middle[0]
    if relation in ("left of", "right of"):
        step = -step if relation == "left of" else step
        return step > (0.1 if strict else 0.05)
    if relation == "on":
        rests = resting_share(frame, one, other)[0]
        return rests > (0.7 if strict else 0.4)
    columns = len(set(one.x) & set(other.x)) / min(len(set(one.x)), len(set(other.x)))
    ratio = np.median(one.depth) / np.median(other.depth)
    ratio = ratio if relation == "behind" else 1 / ratio
    if strict:  # and neither stands on the other
        touching = resting_share(frame, one, other)[1] + resting_share(frame, other, one)[1]
        return columns > 0.6 and ratio > 1.3 and touching == 0
    return columns > 0.3 and ratio > 1.0


def check(frame: Frame, phrase: Phrase) -> None:
    words = GRAMMAR.match(phrase.text)
    assert words, f"{phrase.text!r} is not of the grammar"
    every = frame.seen
    target = next(thing for thing in every if thing.number == phrase.target)
    assert holds(frame, target, words, every, strict=False), f"{phrase.text!r} is not true of its target"
    rivals = [one for one in every if one is not target and holds(frame, one, words, every, strict=True)]
    assert not rivals, f"{phrase.text!r} is also true of {[one.noun for one in rivals]}"


# --- rendered frames --------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["tabletop", "room", "street"])
@pytest.mark.parametrize("with_depth", [True, False])
def test_a_phrase_is_true_of_one_thing_alone(kind: str, with_depth: bool) -> None:
    said = []
    for frame in frames(kind):
        for phrase in phrases(frame, 14, with_depth):
            check(frame, phrase)
            said.append(phrase.text)
    assert len(said) > 40 and len(set(said)) > 20
    assert all(text.isascii() and len(text.encode()) <= MAX_PHRASE for text in said)
    if not with_depth:
        assert not any(word in text for text in said for word in ("behind", "front", "nearest", " on the t"))


def test_every_form_is_used() -> None:
    said = [p.text for kind in ("tabletop", "room", "street") for f in frames(kind) for p in phrases(f, 40)]
    for form in (*RELATIONS, *PLACES, *SUPERLATIVES):
        assert any(f" {form} " in f"{text} " for text in said), form
    assert sum(any(f" {c} " in text for c in COLOURS) for text in said) > len(said) / 8
    assert any(" thing" in text for text in said)


def test_the_checker_finds_what_is_wrong() -> None:
    """The second opinion itself: phrases given to another thing must fail nearly always."""
    wrong = failed = 0
    for frame in frames("tabletop")[:3]:
        found = phrases(frame, 8)
        for phrase in found:
            for other in {p.target for p in found} - {phrase.target}:
                wrong += 1
                try:
                    check(frame, Phrase(phrase.text, other))
                except AssertionError:
                    failed += 1
    assert wrong > 30 and failed == wrong


# --- scenes by hand ---------------------------------------------------------------------------


def scene(*things: tuple[str, int, int, int, tuple[int, int, int], float]) -> Frame:
    """A road, and squares on it: (class, left, top, side, colour, metres); the last is in front."""
    classes = np.full((80, 120), CLASS_ID["road"], np.uint8)
    frame = Frame(np.ones((80, 120), np.int32), classes, np.full((80, 120, 3), 90, np.uint8),
                  np.full((80, 120), 50, np.float32))  # fmt: skip
    for number, (name, left, top, side, colour, metres) in enumerate(things, 2):
        place = np.s_[top : top + side, left : left + side]
        frame.instance[place], frame.classes[place] = number, CLASS_ID[name]
        frame.base_colour[place], frame.depth[place] = colour, metres
    return frame


RED, BLUE = (220, 20, 20), (20, 40, 220)


def said_of(frame: Frame, number: int) -> set[str]:
    return {p.text for p in phrases(frame, 150) if p.target == number}


def test_two_cars_alike_are_told_apart_by_place_alone() -> None:
    frame = scene(("car", 5, 40, 16, RED, 9), ("car", 90, 40, 16, RED, 9))
    said = said_of(frame, 2) | said_of(frame, 3)
    assert {"the leftmost car", "the car on the left", "the car on the right"} <= said
    assert not said & {"the car", "the red car", "the large car", "the nearest car", "the small car"}


def test_borderline_differences_decide_nothing() -> None:
    nearly = scene(("car", 30, 40, 16, RED, 9), ("car", 60, 40, 18, RED, 10))
    assert not {t for k in (2, 3) for t in said_of(nearly, k)} & {
        "the large car", "the small car", "the nearest car", "the farthest car", "the red car",
    }  # fmt: skip
    clearly = scene(("car", 30, 40, 12, RED, 9), ("car", 60, 30, 30, BLUE, 14))
    assert {"the small car", "the nearest car", "the red car"} <= said_of(clearly, 2)
    assert {"the large car", "the farthest car", "the blue car"} <= said_of(clearly, 3)


def test_relations() -> None:
    frame = scene(
        ("table", 30, 40, 40, (90, 60, 30), 5), ("cup", 40, 28, 12, RED, 5), ("cup", 95, 30, 12, RED, 5)
    )
    said = said_of(frame, 3)
    assert "the cup on the table" in said
    assert "the cup right of the table" in said_of(frame, 4) and "the red cup" not in said
    frame = scene(
        ("car", 30, 20, 40, BLUE, 20),
        ("pedestrian", 45, 30, 20, RED, 8),
        ("pedestrian", 100, 30, 15, RED, 30),
    )
    assert "the pedestrian in front of the car" in said_of(frame, 3)
    assert "the car behind the pedestrian" not in said_of(frame, 2)  # which pedestrian?


def test_nothing_to_mean() -> None:
    assert phrases(scene(), 3) == []
    assert phrases(scene(("car", 10, 10, 3, RED, 9)), 3) == []  # 9 pixels are too few to be meant


def test_things_and_stuff_share_out_the_classes() -> None:
    assert set(THING_NAMES) | STUFF_NAMES == set(CLASS_NAMES) and not set(THING_NAMES) & STUFF_NAMES
