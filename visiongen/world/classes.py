"""The names of everything that the world can show; a class id is an index into CLASS_NAMES."""

from __future__ import annotations

CLASS_NAMES: tuple[str, ...] = (
    # CamVid's eleven, in the usual order ("car" is any motor vehicle)
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian",
    "bicyclist",
    # more of the outdoors
    "grass", "mountain", "bin", "bench", "bush",
    # rooms
    "wall", "floor", "ceiling", "window", "door", "table", "chair", "shelf", "sofa", "bed",
    "cabinet", "rug", "picture", "lamp", "book", "plant", "curtain", "screen", "cushion",
    # things on tables
    "cup", "bottle", "ball", "box", "bowl", "plate", "vase", "fruit", "pen", "can", "toy",
)  # fmt: skip

CAMVID_NAMES = CLASS_NAMES[:11]
"""CamVid's classes in SegNet's order."""

CLASS_ID: dict[str, int] = {name: index for index, name in enumerate(CLASS_NAMES)}

# Doors, cabinets and shelves are things as in ADE20K; trees, poles and fences stuff as in Cityscapes.
STUFF_NAMES: frozenset[str] = frozenset((
    "sky", "building", "pole", "road", "pavement", "tree", "fence", "grass", "mountain", "bush",
    "wall", "floor", "ceiling", "window", "rug", "curtain",
))  # fmt: skip
"""Classes whose pixels are one segment a picture; every other class is a thing, told apart one by one."""

THING_NAMES: tuple[str, ...] = tuple(name for name in CLASS_NAMES if name not in STUFF_NAMES)
