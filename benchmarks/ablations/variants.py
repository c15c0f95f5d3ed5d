"""The questions: what each variant changes against the recipe ``ablation``, everything else being equal."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from visiongen.errors import UsageError
from visiongen.training.recipe import Recipe, check_recipe

TRUSTED, VERIFIED, DRAFT = "verified, trust", "verified, trust 0", "draft"
WAYS = (DRAFT, VERIFIED, TRUSTED)  # how maps are decoded for scoring; TRUSTED is the rule of shipped weights

#: Photos painted from nothing and, half of them, from themselves with a hole, before any map.
PHOTOS: dict[str, Any] = {"source": "photos", "options": {"size": [96, 128], "batch": 12, "fill": 0.5}}


@dataclass(frozen=True)
class Variant:
    """One row of the table.

    ``model`` and ``world``: changed options of the painter and of the frames. ``photos`` and ``maps``: steps
    of generative pre-training, and of maps after it, as shares of the budget. ``halve``: photo and map at
    half the size, so that a token covers 16 px of the photo. ``times``: photos a step against the baseline.
    """

    asks: str
    model: Mapping[str, Any] = field(default_factory=dict)
    world: Mapping[str, Any] = field(default_factory=dict)
    photos: float = 0.0
    maps: float = 1.0
    halve: bool = False
    times: int = 1
    ways: tuple[str, ...] = WAYS

    def described(self) -> dict[str, Any]:
        """What it changes, JSON-able; the wording of its question aside."""
        found = {name: value for name, value in vars(self).items() if name != "asks"}
        return cast(dict[str, Any], json.loads(json.dumps(found)))


def _alone(task: str, times: int) -> Variant:
    equal = "as many maps in all" if times > 1 else "as many maps of it"
    return Variant(f"{task} alone, {equal} as the baseline", world={"tasks": [task]}, times=times)


VARIANTS: dict[str, Variant] = {
    "baseline": Variant("three tasks, draft and causal branch, random legends, 8 px"),
    "no-injection": Variant("the causal branch does not see the place it paints", {"inject": False}),
    "no-draft": Variant(
        "no draft loss: causal logits alone, on true pasts", {"draft": 0.0}, ways=(VERIFIED,)
    ),
    "plain": Variant(
        "neither: next tokens after a prefix, on true pasts",
        {"draft": 0.0, "inject": False},
        ways=(VERIFIED,),
    ),
    "no-causal": Variant("the draft alone", {"causal": 0.0}, ways=(DRAFT,)),
    "true-past": Variant("teacher forcing: never the draft's own guesses as past", {"clean": 1.0}),
    "fixed-legends": Variant("a class has its own colour every time", world={"colours": "fixed"}),
    "photos-first": Variant("a third of the steps on photos, then maps", photos=1 / 3, maps=2 / 3),
    "photos-more": Variant("the same photos, then as many maps as the baseline", photos=1 / 3),
    **{f"{task}-alone": _alone(task, 1) for task in ("semantic", "depth", "normals")},
    **{f"{task}-alone-x3": _alone(task, 3) for task in ("semantic", "depth", "normals")},
    "16px": Variant("photo and map at half the size, as many maps as the baseline", halve=True),
    "16px-x4": Variant("photo and map at half the size, as many tokens as the baseline", halve=True, times=4),
}


def choose(names: str | None) -> list[str]:
    """The variants of a comma-separated list, all of them for None; UsageError for an unknown one."""
    wanted = list(VARIANTS) if names is None else [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in VARIANTS:
            raise UsageError(f"--only {name!r}: choose from {', '.join(VARIANTS)}")
    return wanted


def recipe_of(variant: Variant, base: Recipe, init: str | None = None) -> Recipe:
    """The recipe of a variant's maps; ``base`` has its budget, and ``init`` are the weights after photos."""
    values = copy.deepcopy(base.described())
    values["model"]["options"].update(variant.model)
    values["model"]["init"] = init
    world = values["data"][0]["options"]
    world.update(variant.world)
    world["batch"] *= variant.times
    if variant.halve:
        world["size"] = [side // 2 for side in world["size"]]
    values["schedule"]["steps"] = share(base, variant.maps)
    return check_recipe(values, "ablation")


def photos_recipe(variant: Variant, base: Recipe, photos: Mapping[str, Any]) -> Recipe:
    """The recipe of a variant's photos: the baseline's model on the source ``photos``."""
    values = copy.deepcopy(base.described())
    values["data"] = [copy.deepcopy(dict(photos))]
    values["schedule"]["steps"] = share(base, variant.photos)
    return check_recipe(values, "ablation, photos")


def share(base: Recipe, part: float) -> int:
    """Steps: a part of the budget, at least one."""
    assert base.schedule.steps is not None
    return max(1, round(base.schedule.steps * part))
