"""The evidence for legend codecs and legend colours, as markdown, line by line as it is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np

from visiongen.benchmarks.codecs.damage import DAMAGES, Damage
from visiongen.benchmarks.codecs.legends import label_map, scores, third_of_mixes, third_of_pairs
from visiongen.prompt import Legend
from visiongen.tasks.codecs.legend import (
    LegendCodec,
    LegendNearest,
    choose_legend_colours,
    random_legend_colours,
)
from visiongen.tasks.codecs.legend_posterior import LegendPosterior

CODECS: dict[str, type[LegendCodec]] = {"nearest": LegendNearest, "posterior": LegendPosterior}
PALETTES: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "random": random_legend_colours,
    "chosen": choose_legend_colours,
}


def numbered_legend(colours: np.ndarray) -> Legend:
    """A legend of ``colours`` (K, 3) whose names are the ids."""
    return Legend.of((str(i), colour) for i, colour in enumerate(colours.tolist()))


def mix_table(classes: Sequence[int], seed: int = 0) -> Iterator[str]:
    """Wrong third classes among mixes of two colours, a row for each legend and codec."""
    yield "| classes | legend | codec | 50/50 mixes nearest to a third | mixes on an edge read as a third |"
    yield "|---|---|---|---|---|"
    for k in classes:
        for palette, draw in PALETTES.items():
            colours = draw(k, np.random.default_rng(seed))
            for name, codec in CODECS.items():
                third = third_of_mixes(codec(numbered_legend(colours)), np.random.default_rng(seed))
                yield f"| {k} | {palette} | {name} | {third_of_pairs(colours):.3f} | {third:.3f} |"


def damage_table(
    classes: Sequence[int],
    maps: int = 3,
    size: tuple[int, int] = (160, 208),
    damages: Mapping[str, Damage] = DAMAGES,
    seed: int = 0,
) -> Iterator[str]:
    """Accuracy, ECE, AURC and wrong thirds on edges of ``maps`` damaged label maps of ``size``."""
    yield "| classes | legend | damage | codec | accuracy | ECE | AURC | third on edges |"
    yield "|---|---|---|---|---|---|---|---|"
    for k in classes:
        rng = np.random.default_rng(seed)
        labels = [label_map(size, k, rng) for _ in range(maps)]
        for palette, draw in PALETTES.items():
            legend = numbered_legend(draw(k, np.random.default_rng(seed)))
            for kind, damage in damages.items():
                for name, codec in CODECS.items():
                    s = scores(codec(legend), labels, damage, seed)
                    figures = f"{s['accuracy']:.4f} | {s['ECE']:.4f} | {s['AURC']:.5f} | {s['third']:.3f}"
                    yield f"| {k} | {palette} | {kind} | {name} | {figures} |"


def main() -> None:
    """Print both tables; some minutes."""
    classes = (19, 40, 150)
    for line in chain(mix_table(classes), [""], damage_table(classes)):
        print(line, flush=True)
