"""Several turns: an instruction about a prediction changes its order, and what it leaves alone stays.

About a segmentation (names in the plural or singular, with or without "the", joined by commas or "and"):

========================  ==========================================================================
``only the cars``         what is not named becomes "other"
``without the sky``       what is named becomes "other"
``also the poles``        a new entry, in a colour far from the others
``the cars in red``       another colour: a CSS name or #rrggbb
``rename car to van``     another name for the same region; nothing is painted
========================  ==========================================================================

About a photo painted from a map any words will do: they are added to the instruction.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from visiongen.backbones.base import Backbone, Canvas, Sampler, provenance
from visiongen.errors import UsageError
from visiongen.fill import keep_mask
from visiongen.prompt import Held, Legend, Prompt
from visiongen.tasks import vocabulary
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.codecs.legend import LegendNearest
from visiongen.tasks.image import Image
from visiongen.tasks.legend_change import GRAMMAR, Change, change_legend
from visiongen.tasks.orders import followed
from visiongen.tasks.semantic import Semantic
from visiongen.units import touched


def ask(
    previous: Prediction,
    instruction: str,
    *,
    backbone: Backbone | None = None,
    mode: str = "verified",
    seed: int = 0,
    **sampling: Any,
) -> Prediction:
    """The next turn: ``previous`` as ``instruction`` wants it (see the module for what is understood).

    Tokens of regions whose entry keeps name and colour are held: they come back identical. For a new
    entry the map is painted once without holding anything, to see where it lies; all else is held
    then. ``stats`` has "instruction", "tokens_kept" and "turn". UsageError: words that are not
    understood, a name that the legend lacks, another task, or a prediction from examples or in tiles. A turn
    is painted once, however the prediction was (``mirror``).
    """
    from visiongen.tasks.predicting import default_backbone

    words = _plain(instruction)
    if previous.task not in (Semantic.name, Image.name):
        raise UsageError(f"turns: {previous.task} takes no further instruction; semantic and image do")
    if previous.prompt.examples:
        raise UsageError("turns: examples said what its entries mean, not their names; predict with others")
    if previous.seen is None:
        raise UsageError("turns: the prediction does not hold its photo (tiles?); predict it again whole")
    painter = backbone or default_backbone()
    sampler = Sampler.of(mode, seed, sampling)
    _check_painter(previous, painter)
    turn = _Turn(previous, painter, sampler)
    result = turn.reworded(words) if previous.task == Image.name else turn.segmented(words)
    result.weights = provenance(painter)
    result.sample = sampler.asked(sampling) | {"mirror": False}
    result.stats |= {"instruction": words, "turn": int(previous.stats.get("turn", 1)) + 1}
    return result


def check_turns(prompt: Prompt, instructions: Sequence[str]) -> None:
    """UsageError for further turns that cannot be, as :func:`ask` would raise it; nothing is painted.

    ``prompt``: the first turn's, of the task semantic or image.
    """
    for instruction in instructions:
        words = _plain(instruction)
        if prompt.task == Image.name:
            prompt = _reworded(prompt, words)
        else:
            assert prompt.legend is not None
            prompt = Prompt(prompt.task, Semantic.text, change_legend(prompt.legend, words).legend)


def _plain(instruction: object) -> str:
    """The words with single spaces; UsageError where there are none."""
    words = " ".join(instruction.split()) if isinstance(instruction, str) else ""
    if not words:
        raise UsageError(f"instruction: it is empty; {GRAMMAR}")
    return words


def _reworded(before: Prompt, words: str) -> Prompt:
    """The prompt of a photo with the words added to its instruction."""
    for start in ("the same legend", "the same map", "the same"):
        words = words.removeprefix(start).lstrip(" ,;")
    return dataclasses.replace(before, text=f"{before.text} {words}".strip())


def _check_painter(previous: Prediction, painter: Backbone) -> None:
    """UsageError unless it painted the prediction: other weights would read its tokens as something else."""
    own, before = provenance(painter) or {}, previous.weights or {}
    if own.get("sha256") != before.get("sha256"):
        ours, theirs = own.get("name", painter.name), before.get("name", "others")
        raise UsageError(f"turns: {theirs} painted it, {ours} was asked; give backbone=, the one that did")


@dataclasses.dataclass(frozen=True, eq=False)
class _Turn:
    previous: Prediction
    painter: Backbone
    sampler: Sampler

    def reworded(self, words: str) -> Prediction:
        """The same map, and the words added to the instruction."""
        prompt = _reworded(self.previous.prompt, words)
        note = "the words are part of the instruction; weights that never met them may not heed them"
        return self._read(Image(), prompt, self._paint(prompt), kept=0, note=note)

    def segmented(self, words: str) -> Prediction:
        """The changed legend; what cannot change is held."""
        before = self.previous
        legend = before.legend
        assert legend is not None
        change = change_legend(legend, words)
        if change.added:
            first = self._paint(Prompt(before.task, Semantic.text, change.legend))
            labels = Semantic().codec(change.legend).decode(first.image)[0]
            keep = keep_mask(np.isin(labels, change.added))
        else:
            keep = ~self._gone(change, legend)
        return self._repaint(change, keep)

    def _gone(self, change: Change, legend: Legend) -> np.ndarray:
        """Tokens bool (h, w) with anything that does not stay: as the map is read, or as it was drawn.

        What is held is what was drawn. Where the photo's borders have since taken the last of a removed
        entry out of a token, the token still shows it, and would show it again in the next turn.
        """
        before = self.previous
        removed = np.setdiff1d(np.arange(len(legend)), change.unchanged)
        gone = ~np.isin(before.codec.decode(before.map)[0], change.unchanged)
        if not removed.size:  # another name at most: what is of no entry stays too
            gone[:] = False
        elif before.drawn is not None:
            gone |= np.isin(before.codec.decode(before.drawn)[0], removed)
        return touched(gone)

    def _repaint(self, change: Change, keep: np.ndarray) -> Prediction:
        tokens, image = self.previous.tokens, self.previous.map
        held = None
        if keep.any():  # a backbone without tokens is given the picture, and may write it a little anew
            held = Held(keep, image=image) if tokens is None else Held(keep, tokens=tokens)
        prompt = Prompt(self.previous.task, Semantic.text, change.legend, held=held)
        same = Canvas(
            image, tokens, True, 0, image.shape[0], self.previous.certainty, drawn=self.previous.drawn
        )
        if keep.all():
            return self._read(self._task, prompt, same, kept=int(keep.sum()))
        assert self.previous.seen is not None
        (canvas,) = followed([self._task], [prompt], [self._paint(prompt)], self.previous.seen)
        return self._read(self._task, prompt, canvas, kept=int(keep.sum()))

    @cached_property
    def _task(self) -> Semantic:
        """As the prediction was asked for: borders and how far a colour may be off stay."""
        codec = self.previous.codec
        distance = codec.unknown_distance if isinstance(codec, LegendNearest) else None
        return Semantic(guided=self.previous.guided, unknown_distance=distance)

    def _paint(self, prompt: Prompt) -> Canvas:
        return self.painter.scene(self.previous.seen).paint([prompt], self.sampler)[0]

    def _read(self, task: Task, prompt: Prompt, canvas: Canvas, kept: int, **more: Any) -> Prediction:
        before = self.previous
        result = task.decode(canvas.image, before.geometry, prompt, canvas.confidence, before.photo_name)
        result.stats = canvas.stats.to_json() | {"tokens_kept": kept} | more
        if note := vocabulary.warning(prompt, self.painter):
            result.stats["note"] = note
        result.tokens, result.seen, result.guided = canvas.tokens, before.seen, before.guided
        result.certainty, result.drawn = canvas.confidence, canvas.drawn
        return result


__all__ = ["GRAMMAR", "ask", "check_turns"]
