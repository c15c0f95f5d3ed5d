"""Who answers a photo of a surface with a PBR set: the model, and what it is measured against.

blind       the mean material of the train sets, without looking
photo       the photo itself as base colour, flat, else the blind guess
codec       truth -> the three maps -> labels
ceiling     the same through the tokenizer: the best that any painting of this backbone can score
specialist  a U-Net for each map alone, trained on the same sets
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.benchmarks.datasets.pbr_mix import Photo, mean_material, train_sets
from visiongen.benchmarks.roundtrip import through_tokenizer, tokenizer_of
from visiongen.errors import InputError, VisiongenError
from visiongen.registry import TASKS
from visiongen.relight import SurfaceMaps

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone
    from visiongen.benchmarks.specialist import Specialist

MAPS = ("basecolor", "tangent", "orm")
Answer = Callable[[Photo], SurfaceMaps]


def labels(maps: SurfaceMaps, task: str) -> np.ndarray:
    """What the codec of ``task`` encodes, float32 (H, W, 3)."""
    if task == "orm":
        return np.stack([maps.occlusion, maps.roughness, maps.metallic], axis=-1)
    return maps.base_colour if task == "basecolor" else maps.normal


def surface(basecolor: np.ndarray, tangent: np.ndarray, orm: np.ndarray) -> SurfaceMaps:
    """The set of three decoded maps."""
    open_, rough, metal = (np.ascontiguousarray(orm[..., i]) for i in range(3))
    return SurfaceMaps(basecolor, tangent, rough, metal, open_)


def make_rows(
    backbone: Backbone, data: str | Path | None, side: int, specialists: Sequence[str | Path], **options: Any
) -> tuple[dict[str, Answer], dict[str, str]]:
    """Name -> answer; for rows that cannot be had, the reason. ``options``: of predict_many."""
    makers: dict[str, Callable[[], Answer]] = {
        "blind": lambda: _blind(data, side),
        "photo": lambda: _photo(data, side),
        "codec": lambda: _round_trip(None),
        "ceiling": lambda: _round_trip(tokenizer_of(backbone)),
        "specialist": lambda: _specialist(specialists),
    }
    rows: dict[str, Answer] = {"model": _model(backbone, side, **options)}
    reasons = {}
    for name, make in makers.items():
        try:
            rows[name] = make()
        except VisiongenError as error:
            reasons[name] = str(error)
    return rows, reasons


def _model(backbone: Backbone, side: int, **options: Any) -> Answer:
    from visiongen.tasks.material_set import predict_materials

    def answer(photo: Photo) -> SurfaceMaps:
        found = predict_materials(
            photo.image, height="none", size=max(64, side), backbone=backbone, **options
        )
        return found.maps

    return answer


def _blind(data: str | Path | None, side: int) -> Answer:
    sets = train_sets(data, side)
    return lambda photo: mean_material(sets, photo.of.maps.size)


def _photo(data: str | Path | None, side: int) -> Answer:
    blind = _blind(data, side)

    def answer(photo: Photo) -> SurfaceMaps:
        return replace(blind(photo), base_colour=photo.image.astype(np.float32) / 255)

    return answer


def _round_trip(tokenizer: Any) -> Answer:
    def one(maps: SurfaceMaps, name: str) -> np.ndarray:
        task = TASKS.get(name)()
        painted = task.codec().encode(labels(maps, name))
        if tokenizer is not None:
            painted = through_tokenizer(tokenizer, painted)
        decoded: np.ndarray = task.codec().decode(painted)[0]
        return decoded

    return lambda photo: surface(*(one(photo.of.maps, name) for name in MAPS))


def _specialist(runs: Sequence[str | Path]) -> Answer:
    """One specialist a map among ``runs``; InputError while one is missing."""
    from visiongen.benchmarks.specialist import load_specialist
    from visiongen.training.start import find

    models: dict[str, Specialist] = {}
    for run in runs:
        model = load_specialist(find(run))
        models[model.config.task] = model
    missing = [name for name in MAPS if name not in models]
    if missing:
        raise InputError(
            f"none for {', '.join(missing)}: train visiongen train specialist-surfaces-{missing[0]} and "
            "give its folder as --specialist"
        )

    def one(photo: Photo, name: str) -> np.ndarray:
        task = TASKS.get(name)()
        sheet = models[name].sheet(photo.image, task, task.prompt(), task.long_side)
        found: np.ndarray = sheet.prediction(task, task.prompt(), photo.of.maps.size).labels
        return found

    return lambda photo: surface(*(one(photo, name) for name in MAPS))
