"""predict() and predict_many(): from a photo to predictions, reading the photo once."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.backbones.base import Backbone, provenance
from visiongen.backbones.sampler import SAMPLING, Sampler
from visiongen.errors import UsageError
from visiongen.geometry import Geometry
from visiongen.image import Photo, as_photo, named_photo
from visiongen.prompt import Legend, LegendLike, Prompt
from visiongen.registry import BACKBONES, TASKS
from visiongen.tasks import vocabulary
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.example_pairs import Picture, show_examples
from visiongen.tasks.orders import Orders, check_mirror

LONGEST = 8192  # pixels that are painted in one piece; what memory holds is less still


def predict(task: str | Task, photo: Photo, **options: Any) -> Prediction:
    """Predict one task for one photo; the options are those of :func:`predict_many`."""
    return predict_many([task], photo, **options)[0]


def predict_many(
    tasks: Sequence[str | Task],
    photo: Photo,
    *,
    legend: LegendLike | None = None,
    mode: str = "verified",
    seed: int = 0,
    backbone: Backbone | None = None,
    long_side: int | None = None,
    tile: bool | int = False,
    mirror: bool = False,
    photo_name: str | None = None,
    examples: Sequence[tuple[Picture, Picture]] | None = None,
    **options: Any,
) -> list[Prediction]:
    """Predict several tasks; the photo is read once and the maps are painted as one batch.

    ``photo``: a path, a PIL image, or uint8 RGB (H, W, 3). ``legend`` (or "road=#804080,...", or a
    mapping name -> colour) is for tasks that take one. ``long_side``: pixels at which the photo is
    painted, by default each task's own; tasks painted at one size share the reading. ``tile``: True
    paints the photo at its own size in tiles of ``long_side``; a number sets the whole's longer side
    instead. ``mirror``: the mean with the mirrored photo's answer, in twice the time; not for phrases,
    photos and instances. ``examples``: 1 to 4
    pairs (photo, map) that say what is meant instead of words, see :mod:`visiongen.tasks.example_pairs`.
    ``options``: temperature, top_k, top_p, window, steps, group, recycles, trust for the sampler, or a task's
    own (``relative``, ``unknown_distance``). Bad options raise UsageError, and so does one of the sampler's
    that ``mode`` does not use; bad photos InputError. Names in a legend that the weights were not trained on
    are told of in ``stats["note"]``.
    """
    check_call(tasks, long_side, tile, mirror, backbone)
    if not isinstance(photo, (str, Path)):
        photo = as_photo(photo, photo_name or "photo")
    options, sampling = split_sampling(options)
    wanted, prompts = make_orders(tasks, photo, legend=legend, examples=examples, **options)
    if mirror:
        check_mirror(wanted)
    sampler = Sampler.of(mode, seed, sampling)
    photo, photo_name = named_photo(photo, photo_name)
    painter = backbone or default_backbone()
    orders = Orders(wanted, prompts, painter, sampler, mirror)
    results: list[Prediction] = [None] * len(wanted)  # type: ignore[list-item]
    for size, chosen in _by_size(wanted, long_side).items():
        if tile:
            from visiongen.tasks.tiles import predict_tiles

            side = None if tile is True else int(tile)
            found = predict_tiles(orders.of(chosen), photo, size, side, photo_name)
        else:
            found = _whole(orders.of(chosen), photo, size, photo_name)
        for i, result in zip(chosen, found, strict=True):
            results[i] = result
    for result in results:
        result.weights = provenance(painter)
        result.sample = sampler.asked(sampling) | {"mirror": mirror}
        if note := vocabulary.warning(result.prompt, painter):
            result.stats["note"] = note
    return results


def split_sampling(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tasks' options, and the sampler's."""
    sampling = {name: value for name, value in options.items() if name in SAMPLING}
    return {name: value for name, value in options.items() if name not in SAMPLING}, sampling


def check_call(tasks: object, long_side: object, tile: object, mirror: object, backbone: object) -> None:
    """UsageError for arguments of a wrong kind: a word for a switch would count as yes."""
    if isinstance(tasks, str):
        raise UsageError(f"tasks {tasks!r}: give a list of tasks, or ask predict for one")
    if not isinstance(mirror, bool):
        raise UsageError(f"mirror={mirror!r}: give True or False")
    for name, value in (("long_side", long_side), ("tile", tile)):
        if value is not None and not isinstance(value, (bool, int, np.integer)):
            raise UsageError(f"{name}={value!r}: give a whole number of pixels")
    check_long_side(long_side)
    if isinstance(backbone, (str, Path)):
        name = str(backbone)
        raise UsageError(f"backbone {name!r}: give a loaded one, EmbeddedBackbone.load({name!r})")


def check_long_side(long_side: object, remedy: str = "use tile") -> None:
    """UsageError, with the remedy that the caller has, for more than is painted in one piece."""
    if isinstance(long_side, (int, np.integer)) and long_side > LONGEST:
        raise UsageError(f"long_side={long_side}: at most {LONGEST} are painted in one piece; {remedy}")


def make_orders(
    tasks: Sequence[str | Task],
    photo: Photo | None = None,
    *,
    legend: LegendLike | None = None,
    examples: Sequence[tuple[Picture, Picture]] | None = None,
    **options: Any,
) -> tuple[list[Task], list[Prompt]]:
    """The tasks and prompts that :func:`predict_many` paints by; its options, without the sampler's."""
    if examples is not None:
        options["examples"] = examples
    wanted = [task if photo is None else task.given(photo) for task in make_tasks(tasks, options)]
    for task in wanted:
        task.check()
    prompts = _prompts(wanted, None if legend is None else Legend.given(legend))
    if examples is not None:
        wanted, prompts = show_examples(wanted, prompts, examples, legend is not None)
    for task, prompt in zip(wanted, prompts, strict=True):
        task.codec_of(prompt)  # refuses what it cannot read by before anything is painted
    return wanted, prompts


def _by_size(tasks: Sequence[Task], long_side: int | None) -> dict[int, list[int]]:
    """Longer side in pixels -> positions of the tasks that are painted at it."""
    groups: dict[int, list[int]] = {}
    for position, task in enumerate(tasks):
        groups.setdefault(task.long_side if long_side is None else long_side, []).append(position)
    return groups


def _whole(orders: Orders, photo: np.ndarray, long_side: int, photo_name: str | None) -> list[Prediction]:
    """Paint the photo in one piece."""
    geometry = Geometry.fit(photo.shape[:2], long_side)
    results, view = [], orders.look(photo, geometry)
    if np.shares_memory(view, photo):  # ``seen`` is kept: the caller's may be a buffer for the next photo
        view = view.copy()
    canvases = orders.paint(view)
    for task, prompt, canvas in zip(orders.tasks, orders.prompts, canvases, strict=True):
        result = task.decode(canvas.image, geometry, prompt, canvas.confidence, photo_name)
        result.stats, result.tokens = canvas.stats.to_json(), canvas.tokens
        result.seen, result.certainty, result.guided = view, canvas.confidence, task.follows
        result.drawn = canvas.drawn
        results.append(result)
    return results


def make_tasks(tasks: Sequence[str | Task], options: Mapping[str, Any]) -> list[Task]:
    """Task objects; each option goes to the tasks that have it, and must find one (UsageError)."""
    if not tasks:
        raise UsageError(f"tasks: none given; choose from {', '.join(TASKS)}")
    left = set(options) - {"examples"}  # every task may have them
    wanted = []
    for task in tasks:
        if isinstance(task, str):
            kind = TASKS.get(task)
            fields = {f.name for f in dataclasses.fields(kind)}
            own = {k: v for k, v in options.items() if k in fields}
            _check_switches(kind, own)
            task = kind(**own)
            left -= fields
        elif not isinstance(task, Task):
            raise UsageError(
                f"task {task!r}: give a name or a task object; predict_many takes a list of them"
            )
        wanted.append(task)
    if left:
        names = ", ".join(t.name for t in wanted)
        raise UsageError(f"option {sorted(left)[0]!r}: {names} has none of that name; leave it out")
    return wanted


def _check_switches(kind: type[Task], options: dict[str, Any]) -> None:
    """UsageError for a switch that is neither True nor False: any word would count as True."""
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        value = options.get(field.name, False)
        if field.type in (bool, "bool") and not isinstance(value, bool):
            raise UsageError(f"option {field.name}={value!r}: give true or false")


def _prompts(tasks: Sequence[Task], legend: Legend | None) -> list[Prompt]:
    """One prompt a task; a legend must be of use to at least one of them."""
    if legend is not None and not any(task.uses_legend for task in tasks):
        names = ", ".join(task.name for task in tasks)
        raise UsageError(f"legend: {names} takes none; leave it out or ask for semantic")
    return [task.prompt(legend if task.uses_legend else None) for task in tasks]


@functools.lru_cache(maxsize=1)
def default_backbone() -> Backbone:
    """The embedded backbone with the shipped weights, loaded once."""
    backbone: Backbone = BACKBONES.get("embedded").load()
    return backbone
