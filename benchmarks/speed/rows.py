"""The rows of ``visiongen bench speed``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from visiongen.backbones.base import Canvas, Sampler
from visiongen.backbones.embedded import EmbeddedBackbone, EmbeddedScene
from visiongen.benchmarks.speed import llama
from visiongen.benchmarks.speed.timing import alternate, timed
from visiongen.decoding.board import Board
from visiongen.decoding.decode import decode_all
from visiongen.decoding.sequential import sequential
from visiongen.prompt import Prompt

Row = dict[str, Any]


def verified_vs_sequential(
    backbone: EmbeddedBackbone,
    photos: Sequence[np.ndarray],
    name: str,
    prompt: Prompt,
    rounds: int,
    window: int | None = None,
) -> Row:
    """Decoding one map's tokens, batch 1. Both sides read the prompt and make the draft.

    The photo is read before, untimed. ``whole`` adds reading the photo and painting the pixels.
    """
    scenes = [backbone.scene(photo) for photo in photos]
    for scene in scenes:
        scene.prefix()

    def decoder(mode: Any) -> Any:
        sampler = Sampler(mode, window=window)
        return lambda scene: decode_all(backbone.painter, scene.prefix(), [prompt], sampler)

    pair, equal, boards = alternate(decoder("verified"), decoder("sequential"), scenes, rounds, _same_tokens)
    tokens = sum(board.length for board in boards)
    whole, _, _ = alternate(
        lambda photo: backbone.scene(photo).paint([prompt], Sampler("verified", window=window)),
        lambda photo: backbone.scene(photo).paint([prompt], Sampler("sequential")),
        photos,
        1,
        lambda a, b: np.array_equal(a[0].tokens, b[0].tokens),
    )
    return pair.row(
        f"verified-vs-sequential/{name}",
        equal,
        timed="prompt, draft and the map's tokens, batch 1",
        tokens=tokens // len(boards),
        passes=sum(int(b.passes[0]) for b in boards) / len(boards),
        hit_rate=sum(int(b.draft_hits()[0]) for b in boards) / tokens,
        settled=sum(int(b.settled[0]) for b in boards) / len(boards),
        whole={"timed": "photo to pixels", "ratio": round(whole.ratio(), 3)},
    )


def _same_tokens(a: Board, b: Board) -> bool:
    return torch.equal(a.tokens, b.tokens)


def sequential_vs_transformers(
    backbone: EmbeddedBackbone, photo: np.ndarray, prompt: Prompt, rounds: int
) -> Row:
    """Plain greedy decoding, one token a step, against ``generate`` on a Llama of the same shape.

    Timed is the generation of N tokens behind a prefix that is already there: for the peer the
    time of its prompt pass is measured and taken off. The peer's cache is the faster of its two.
    Both sides run eagerly, uncompiled. ``equal``: both generated N tokens in every round (the two
    models cannot hold the same weights: ours has 2-D positions and a factorised head).
    """
    painter, scene = backbone.painter, backbone.scene(photo)
    with torch.inference_mode():
        cond = painter.condition(scene.prefix(), [prompt])
    count, prefix = cond.draft_logits.shape[1], cond.prefix[0][0].shape[2]
    model = llama.build(painter, count + prefix + 1)
    few = min(64, count)
    trials = {}
    for cache in (None, "static"):
        llama.generator(model, prefix, 2, cache)()
        trials[cache], _ = timed(llama.generator(model, prefix, few, cache))
    best = min(trials, key=lambda cache: trials[cache])
    first = min(timed(llama.generator(model, prefix, 1, best))[0] for _ in range(3))
    peer = llama.generator(model, prefix, count, best)
    pair, equal, _ = alternate(
        lambda _: _greedy(painter, cond),
        lambda _: peer(),
        [None],
        rounds,
        lambda a, b: len(a) == len(b) == count,
    )
    pair.peer = [seconds - first for seconds in pair.peer]
    blocks = (painter.causal, painter.embed, painter.head, painter.inject)
    return pair.row(
        "sequential-vs-transformers",
        equal,
        timed="greedy decoding, one token a step, batch 1, prefix already read",
        tokens=count,
        prefix=prefix,
        ours_weights=sum(llama.weight_count(b) for b in blocks),
        peer_weights=llama.weight_count(model),
        peer_cache=best or "dynamic",
        peer_trials={k or "dynamic": v for k, v in trials.items()},
    )


def _greedy(painter: Any, cond: Any) -> torch.Tensor:
    board = Board.from_draft(cond.draft_logits)
    for _ in sequential(painter, cond, board):
        pass
    return board.tokens[0]


def four_tasks_vs_four_runs(
    backbone: EmbeddedBackbone,
    photos: Sequence[np.ndarray],
    prompts: Sequence[Prompt],
    rounds: int,
    mode: Any,
    name: str,
) -> Row:
    """Photo to pixels for several prompts: one batch over one prefix, against one run a prompt."""
    sampler = Sampler(mode)

    def separate(photo: np.ndarray) -> list[Any]:
        return [backbone.scene(photo).paint([prompt], sampler)[0] for prompt in prompts]

    pair, equal, last = alternate(
        lambda photo: backbone.scene(photo).paint(prompts, sampler),
        separate,
        photos,
        rounds,
        lambda a, b: all(np.array_equal(x.tokens, y.tokens) for x, y in zip(a, b, strict=True)),
    )
    canvases = [canvas for result in last for canvas in result]
    return pair.row(
        name,
        equal,
        timed="photo to pixels, four prompts",
        mode=mode,
        prompts=len(prompts),
        passes=sum(c.stats.passes for c in canvases) / len(canvases),
        hit_rate=sum(c.stats.hit_rate for c in canvases) / len(canvases),
        seconds_reading_photo=_reading(backbone, photos[0]),
    )


def first_canvas_vs_whole(
    backbone: EmbeddedBackbone,
    photos: Sequence[np.ndarray],
    prompt: Prompt,
    rounds: int,
    mode: Any,
    name: str,
) -> Row:
    """From the photo to the first picture that a stream shows, against the finished one.

    ``equal``: the stream's last canvas is the one that ``paint`` makes. ``canvases``: how many are shown.
    """
    sampler = Sampler(mode)

    def same(first: Canvas, whole: list[Canvas]) -> bool:
        return not first.final and first.image.shape == whole[0].image.shape

    pair, equal, _ = alternate(
        lambda photo: next(backbone.scene(photo).stream(prompt, sampler)),
        lambda photo: backbone.scene(photo).paint([prompt], sampler),
        photos,
        rounds,
        same,
    )
    shown = list(backbone.scene(photos[0]).stream(prompt, sampler))
    (whole,) = backbone.scene(photos[0]).paint([prompt], sampler)
    equal = equal and np.array_equal(shown[-1].image, whole.image)
    return pair.row(name, equal, timed="photo to pixels, batch 1", mode=mode, canvases=len(shown))


def _reading(backbone: EmbeddedBackbone, photo: np.ndarray) -> float:
    """Seconds of encoding the photo alone: what sharing can save."""
    return min(timed(EmbeddedScene(backbone, photo, photo.shape[:2]).prefix)[0] for _ in range(3))
