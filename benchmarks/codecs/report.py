"""The codec bench: every registered codec under every damage, legends of many classes, depth edges."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from visiongen.benchmarks.codecs import depth_edges
from visiongen.benchmarks.codecs.damage import DAMAGES, Damage
from visiongen.benchmarks.codecs.legends import label_map, scores, third_of_mixes, third_of_pairs
from visiongen.benchmarks.codecs.measures import measure_for
from visiongen.benchmarks.codecs.naturals import Case, cases, scenes
from visiongen.prompt import Legend
from visiongen.registry import CODECS
from visiongen.tasks.codecs.legend import (
    LegendCodec,
    LegendNearest,
    choose_legend_colours,
    random_legend_colours,
)
from visiongen.tasks.codecs.legend_posterior import LegendPosterior

SCHEMA = "visiongen.codec-bench/1"
READERS: dict[str, type[LegendCodec]] = {"nearest": LegendNearest, "posterior": LegendPosterior}
PALETTES: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "random": random_legend_colours,
    "chosen": choose_legend_colours,
}
LEGEND_DAMAGES = ("noise 12", "blur 1 px", "JPEG 75", "tokenizer")
Step = Callable[[str], None]


def run(
    frames: int = 6,
    classes: int = 150,
    damages: Mapping[str, Damage] = DAMAGES,
    names: Sequence[str] | None = None,
    step: Step = lambda label: None,
) -> dict[str, Any]:
    """The whole report, JSON-able; ``names``: only these codecs. ``step`` is told what was measured.

    codecs       {codec, unit, measure, higher_is_better, blind, scores {damage: number}}
    depth_edges  see :func:`visiongen.benchmarks.codecs.depth_edges.figures`
    legends      {classes, mixes [{legend, codec, pairs, third}], damages [{legend, codec, damage, ...}]}
    """
    start = time.perf_counter()
    shown = scenes(frames)
    rows = []
    for name in names or list(CODECS):
        rows.append(codec_row(name, cases(name, shown), damages))
        step(name)
    edges = depth_edges.figures()
    step("depth edges")
    legends = legend_rows(classes, {name: damages[name] for name in LEGEND_DAMAGES if name in damages})
    step("legends")
    return {
        "schema": SCHEMA,
        "frames": frames,
        "size": list(shown[0].photo.shape[:2]),
        "damages": list(damages),
        "codecs": rows,
        "depth_edges": edges,
        "legends": legends,
        "seconds": round(time.perf_counter() - start, 1),
    }


def codec_row(name: str, made: Sequence[Case], damages: Mapping[str, Damage]) -> dict[str, Any]:
    """How far labels come back from the damaged maps of one codec."""
    codec, truths = made[0][0], [labels for _, labels in made]
    measure = measure_for(codec)
    found = {}
    for damage_name, damage in damages.items():
        rng = np.random.default_rng(0)
        decoded = [one.decode(damage(one.encode(labels), rng))[0] for one, labels in made]
        found[damage_name] = measure.score(codec, truths, decoded)
    return {
        "codec": name,
        "unit": codec.unit,
        "measure": measure.name,
        "higher_is_better": measure.higher_is_better,
        "blind": measure.score(codec, truths, measure.blind(codec, truths)),
        "scores": found,
    }


def numbered_legend(colours: np.ndarray) -> Legend:
    """A legend of ``colours`` (K, 3) whose names are the ids."""
    return Legend.of((str(i), colour) for i, colour in enumerate(colours.tolist()))


def legend_rows(
    classes: int,
    damages: Mapping[str, Damage],
    size: tuple[int, int] = (160, 208),
    seed: int = 0,
) -> dict[str, Any]:
    """Mixes of two colours, and a damaged label map, in legends of ``classes`` random and chosen colours.

    ``pairs``: share of 50/50 mixes of two colours nearest to a third; ``third``: share of mixed pixels
    on an edge read as a third class (of ``mixes``: a column of mixes in shares of 0.2 to 0.8).
    """
    mixes, damaged = [], []
    labels = [label_map(size, classes, np.random.default_rng(seed))]
    for palette, draw in PALETTES.items():
        colours = draw(classes, np.random.default_rng(seed))
        legend = numbered_legend(colours)
        for name, codec in READERS.items():
            row = {"legend": palette, "codec": f"legend/{name}@1"}
            third = third_of_mixes(codec(legend), np.random.default_rng(seed))
            mixes.append(row | {"pairs": third_of_pairs(colours), "third": third})
            for kind, damage in damages.items():
                damaged.append(row | {"damage": kind} | scores(codec(legend), labels, damage, seed))
    return {"classes": classes, "mixes": mixes, "damages": damaged}
