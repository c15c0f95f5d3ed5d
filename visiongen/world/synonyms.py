"""Other words for the world's classes, so that a legend may say "sidewalk" where the world says "pavement".

The words are those of the label sets that people ask by (Cityscapes, ADE20K, COCO, CamVid's own 32) and
everyday ones. None is a class itself, and none stands for two classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SYNONYMS: dict[str, tuple[str, ...]] = {
    "sky": ("heavens", "clouds"),
    "building": ("house", "facade"),
    "pole": ("post", "lamppost", "column pole"),
    "road": ("street", "roadway", "asphalt"),
    "pavement": ("sidewalk", "footpath"),
    "tree": ("vegetation", "foliage"),
    "sign": ("traffic sign", "road sign", "sign symbol"),
    "fence": ("railing", "barrier"),
    "car": ("vehicle", "automobile", "motor vehicle"),
    "pedestrian": ("person", "human", "people"),
    "bicyclist": ("cyclist", "rider"),
    "grass": ("lawn", "terrain"),
    "mountain": ("hill", "peak"),
    "bin": ("trash can", "dustbin", "waste bin"),
    "bench": ("park bench",),
    "bush": ("shrub", "hedge"),
    "wall": ("partition", "room wall"),
    "floor": ("ground", "flooring"),
    "ceiling": ("room ceiling",),
    "window": ("windowpane", "glass pane"),
    "door": ("doorway", "entrance"),
    "table": ("desk", "dining table", "coffee table"),
    "chair": ("armchair", "seat", "stool"),
    "shelf": ("bookcase", "bookshelf", "rack"),
    "sofa": ("couch", "settee"),
    "bed": ("mattress", "bunk"),
    "cabinet": ("cupboard", "wardrobe", "chest of drawers"),
    "rug": ("carpet", "mat"),
    "picture": ("painting", "poster", "artwork"),
    "lamp": ("light", "lantern"),
    "book": ("paperback", "volume"),
    "plant": ("houseplant", "potted plant"),
    "curtain": ("drape", "drapery"),
    "screen": ("monitor", "tv", "television"),
    "cushion": ("pillow",),
    "cup": ("mug", "teacup"),
    "bottle": ("flask", "wine bottle"),
    "ball": ("sphere", "sports ball"),
    "box": ("carton", "crate", "package"),
    "bowl": ("basin", "soup bowl"),
    "plate": ("dish", "saucer"),
    "vase": ("urn", "flower vase"),
    "fruit": ("apple", "piece of fruit"),
    "pen": ("pencil", "biro"),
    "can": ("tin", "soda can"),
    "toy": ("plaything", "toy figure"),
}
"""Class name -> what else it may be called; every class has at least one."""


def renamed(names: Sequence[str], rng: np.random.Generator, chance: float) -> dict[str, str]:
    """What each of ``names`` is called: with ``chance`` one of its synonyms, else (or without one) itself.

    Draws nothing from ``rng`` at chance 0.
    """
    said = {name: name for name in names}
    if chance <= 0:
        return said
    for name in names:
        others = SYNONYMS.get(name, ())
        if others and rng.uniform() < chance:
            said[name] = others[int(rng.integers(len(others)))]
    return said


def spoken(names: Sequence[str], chance: float) -> tuple[str, ...]:
    """All that ``renamed`` may call ``names``: the names, and at a ``chance`` above 0 their synonyms."""
    more = [word for name in names for word in SYNONYMS.get(name, ())] if chance > 0 else []
    return (*names, *more)


def other_words(names: Sequence[str]) -> tuple[str, ...]:
    """Each of ``names`` by its first synonym that is not among them; itself where it has none."""
    free = {name: [word for word in SYNONYMS.get(name, ()) if word not in names] for name in names}
    return tuple(free[name][0] if free[name] else name for name in names)
