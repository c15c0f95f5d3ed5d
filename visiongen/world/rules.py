"""Rules for in-context episodes: which pixels of a rendered frame get which colour, and why.

An *atom* is one property of a pixel, written as text: ``class:car``, ``hue:red``, ``facing:up``,
``nearer:4`` and ``farther:4`` (metres), ``metal``, ``nonmetal``, ``rough``, ``smooth``, ``large``. A
``Region`` is an or of ands of atoms, a ``Rule`` one to three regions (the first that fits wins) and
the rest. ``draw_rule`` draws rules for training; ``HELD_OUT`` are for scoring, and no trained rule says the
same: no trained rule names a held-out class, purple, yellow, what faces down or edge-on, or metal that
is near, and none of its sets of classes shares more than half with a held-out set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from visiongen.world.classes import CLASS_ID, CLASS_NAMES


class Maps(Protocol):
    """What rules look at: arrays of one (H, W), as in ``training.pool.Frame`` or ``targets.Seen``.

    ``classes`` uint8; ``instance`` int, 0 = sky; ``depth`` float32 metres; ``normals`` float32
    (H, W, 3) in camera axes; ``base_colour`` uint8 (H, W, 3); ``orm`` float32 (H, W, 3).
    """

    @property
    def classes(self) -> np.ndarray: ...  # noqa: D102

    @property
    def instance(self) -> np.ndarray: ...  # noqa: D102

    @property
    def depth(self) -> np.ndarray | None: ...  # noqa: D102

    @property
    def normals(self) -> np.ndarray: ...  # noqa: D102

    @property
    def base_colour(self) -> np.ndarray: ...  # noqa: D102

    @property
    def orm(self) -> np.ndarray: ...  # noqa: D102


# Hue names as ranges of OpenCV's hue (half degrees), of colours that are neither pale nor dark.
HUES = {
    "red": (174, 7), "orange": (8, 18), "yellow": (19, 33), "green": (34, 82), "cyan": (83, 98),
    "blue": (99, 125), "purple": (126, 155), "pink": (156, 173),
}  # fmt: skip
FACING: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "up": lambda n: n[..., 1] > 0.6,
    "left": lambda n: n[..., 0] < -0.55,
    "right": lambda n: n[..., 0] > 0.55,
    "camera": lambda n: n[..., 2] > 0.75,
    "down": lambda n: n[..., 1] < -0.5,
    "edge-on": lambda n: (np.abs(n[..., 2]) < 0.25) & n.any(-1),  # the sky has no normal
}
METRES = (1.0, 1.5, 2.5, 4.0, 6.0, 10.0, 16.0, 30.0)
LARGE = 0.12  # of the picture: what the atom "large" asks of one thing
MATTER = ("hue", "metal", "nonmetal", "rough", "smooth")  # textured: small specks are smoothed away

ROUND = ("ball", "fruit", "cup", "bottle", "vase", "plate", "bowl", "can")
FURNITURE = ("table", "chair", "shelf", "sofa", "bed", "cabinet")
ON_TABLES = (*ROUND, "box", "book", "pen", "toy")
HELD_OUT_CLASSES = ("fence", "mountain", "curtain", "rug", "cushion", "bottle", "vase", "picture")
HELD_OUT_ATOMS = frozenset(
    {f"class:{name}" for name in HELD_OUT_CLASSES}
    | {"hue:purple", "hue:yellow", "facing:down", "facing:edge-on"}
)
TRAINED_CLASSES = tuple(name for name in CLASS_NAMES if name not in HELD_OUT_CLASSES)
TRAINED_HUES = ("red", "orange", "green", "cyan", "blue", "pink", "white", "gray", "black")


@dataclass(frozen=True)
class Region:
    """Pixels for which, of at least one of the groups in ``any_of``, every atom is true."""

    any_of: tuple[tuple[str, ...], ...]

    def mask(self, maps: Maps) -> np.ndarray:
        """Bool (H, W)."""
        table = np.zeros(256, bool)
        table[[CLASS_ID[name] for name in self.class_names]] = True
        found = table[maps.classes]
        for group in self.any_of:
            if len(group) > 1 or kind_of(group[0]) != "class":
                found |= group_mask(group, maps)
        return found

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that belong to it whole."""
        return tuple(g[0][6:] for g in self.any_of if len(g) == 1 and kind_of(g[0]) == "class")

    def shown_by(self, examples: Sequence[Maps], least: float = 0.001) -> Region | None:
        """The groups of which the examples show some pixels (share ``least`` of one); None: of none."""
        shown = []
        for group in self.any_of:
            masks = (group_mask(group, maps) for maps in examples)
            if any(np.count_nonzero(mask) > least * mask.size for mask in masks):
                shown.append(group)
        return Region(tuple(shown)) if shown else None

    @property
    def atoms(self) -> frozenset[str]:
        """Every atom in it."""
        return frozenset(atom for group in self.any_of for atom in group)

    def __str__(self) -> str:
        return " or ".join(" and ".join(a.removeprefix("class:") for a in group) for group in self.any_of)


@dataclass(frozen=True)
class Rule:
    """One to three regions, painted in colours of their own, and the rest. ``trained``: may be drawn."""

    name: str
    regions: tuple[Region, ...]
    trained: bool = True

    @property
    def atoms(self) -> frozenset[str]:
        """Every atom in it."""
        return frozenset().union(*(region.atoms for region in self.regions))

    @property
    def metric(self) -> bool:
        """Whether metres matter: then a photo may not be zoomed."""
        return any(kind_of(atom) in ("nearer", "farther") for atom in self.atoms)

    def untold(self, query: Maps, examples: Sequence[Maps]) -> np.ndarray:
        """Bool (H, W): where the query shows a part of a region that no example shows.

        Of "bench or cup" without any cup in the examples nobody can tell that cups belong to it.
        """
        unknown = np.zeros(query.classes.shape, bool)
        for region in self.regions:
            if len(region.any_of) > 1:
                known = region.shown_by(examples)
                if known != region:
                    mask = region.mask(query)
                    unknown |= mask if known is None else mask & ~known.mask(query)
        return unknown

    def labels(self, maps: Maps) -> np.ndarray:
        """uint8 (H, W): the position of the region, ``len(regions)`` for the rest."""
        labels = np.full(maps.classes.shape, len(self.regions), np.uint8)
        for position in range(len(self.regions) - 1, -1, -1):
            labels[self.regions[position].mask(maps)] = position
        if any(kind_of(atom) in MATTER for atom in self.atoms):
            return _commonest(labels, len(self.regions) + 1)
        return labels


def _commonest(labels: np.ndarray, count: int, side: int = 5) -> np.ndarray:
    """Each pixel's most frequent label of the square around it: specks go, none comes from nowhere."""
    shares = [cv2.boxFilter((labels == k).astype(np.float32), -1, (side, side)) for k in range(count)]
    return np.argmax(shares, axis=0).astype(np.uint8)


def kind_of(atom: str) -> str:
    """``hue`` of ``hue:red``, ``metal`` of ``metal``."""
    return atom.partition(":")[0]


def group_mask(group: tuple[str, ...], maps: Maps) -> np.ndarray:
    """Where every atom of a group is true, bool (H, W)."""
    found = atom_mask(group[0], maps)
    for atom in group[1:]:
        found = found & atom_mask(atom, maps)
    return found


def atom_mask(atom: str, maps: Maps) -> np.ndarray:
    """Where one atom is true, bool (H, W); the sky has a class and is far, and nothing else."""
    kind, _, value = atom.partition(":")
    if kind == "class":
        return maps.classes == CLASS_ID[value]
    if kind in ("nearer", "farther"):
        assert maps.depth is not None, "a rule about metres needs a frame that is not zoomed"
        return maps.depth < float(value) if kind == "nearer" else maps.depth >= float(value)
    if kind == "facing":
        return FACING[value](maps.normals)
    if kind == "hue":
        return _hue(value, maps.base_colour) & (maps.instance > 0)
    if kind == "large":
        counts = np.bincount(maps.instance.ravel())
        counts[0] = 0
        return (counts > LARGE * maps.instance.size)[maps.instance]
    values = maps.orm[..., 2 if "metal" in kind else 1]
    tests = {
        "metal": values > 0.5, "nonmetal": values <= 0.5, "rough": values > 0.65, "smooth": values < 0.3,
    }  # fmt: skip
    return tests[kind] & (maps.instance > 0)


def _hue(name: str, base_colour: np.ndarray) -> np.ndarray:
    """Where the sRGB base colour has that name, bool (H, W)."""
    hue, saturation, value = cv2.split(cv2.cvtColor(np.ascontiguousarray(base_colour), cv2.COLOR_RGB2HSV))
    if name == "black":
        return value < 50
    pale = saturation < 50
    if name in ("white", "gray"):
        return pale & ((value >= 190) if name == "white" else (value >= 50) & (value < 190))
    low, high = HUES[name]
    inside = (hue >= low) | (hue <= high) if low > high else (hue >= low) & (hue <= high)
    return inside & (saturation >= 80) & (value >= 60)


def classes(*names: str) -> Region:
    """The region of one class or several."""
    return Region(tuple((f"class:{name}",) for name in names))


def every(*atoms: str) -> Region:
    """The region where all atoms are true."""
    return Region((atoms,))


def either(*atoms: str) -> Region:
    """The region where one of the atoms is true."""
    return Region(tuple((atom,) for atom in atoms))


#: Never trained: other meanings, and classes that no trained rule names.
HELD_OUT: tuple[Rule, ...] = (
    Rule("round things", (classes(*ROUND),), False),
    Rule("furniture", (classes(*FURNITURE),), False),
    Rule("things on a table", (classes(*ON_TABLES),), False),
    Rule("purple or yellow things", (either("hue:purple", "hue:yellow"),), False),
    Rule("facing down or edge-on", (either("facing:down", "facing:edge-on"),), False),
    Rule("metal and near", (every("metal", "nearer:2.5"),), False),
    *(Rule(name, (classes(name),), False) for name in HELD_OUT_CLASSES),
)
HELD_OUT_SETS = tuple(frozenset(names) for names in (ROUND, FURNITURE, ON_TABLES))


def too_like(names: frozenset[str]) -> bool:
    """Whether a set of classes shares more than half (of the union) with a held-out set."""
    return any(2 * len(names & held) > len(names | held) for held in HELD_OUT_SETS)


def draw_rule(rng: np.random.Generator) -> Rule:
    """A rule for training: one to three regions of one family."""
    family = FAMILIES[int(rng.choice(len(FAMILIES), p=_CHANCES))][0]
    regions = tuple(dict.fromkeys(family(rng, int(rng.choice([1, 2, 3], p=[0.5, 0.3, 0.2])))))
    return Rule(" | ".join(map(str, regions)), regions)


def _pick(rng: np.random.Generator, values: tuple[str, ...], count: int) -> list[str]:
    return [values[i] for i in rng.permutation(len(values))[:count]]


def _single(rng: np.random.Generator, count: int) -> list[Region]:
    return [classes(name) for name in _pick(rng, TRAINED_CLASSES, count)]


def _sets(rng: np.random.Generator, count: int) -> list[Region]:
    """Disjoint sets of two to six classes."""
    names = _pick(rng, TRAINED_CLASSES, 6 * count)
    sets = [names[6 * i : 6 * i + int(rng.integers(2, 7))] for i in range(count)]
    return [classes(*(part[:1] if too_like(frozenset(part)) else part)) for part in sets]


def _hues(rng: np.random.Generator, count: int) -> list[Region]:
    names = _pick(rng, TRAINED_HUES, 2 * count)
    pairs = [names[2 * i : 2 * i + 1 + int(rng.uniform() < 0.3)] for i in range(count)]
    return [either(*(f"hue:{name}" for name in pair)) for pair in pairs]


def _facing(rng: np.random.Generator, count: int) -> list[Region]:
    return [every(f"facing:{name}") for name in _pick(rng, ("up", "left", "right", "camera"), count)]


def _metres(rng: np.random.Generator, count: int) -> list[Region]:
    """Nearer than one, two or three distances; or farther than one."""
    limits = sorted(METRES[i] for i in rng.permutation(len(METRES))[:count])
    if count == 1 and rng.uniform() < 0.5:
        return [every(f"farther:{limits[0]:g}")]
    return [every(f"nearer:{limit:g}") for limit in limits]


def _matter(rng: np.random.Generator, count: int) -> list[Region]:
    return [every(name) for name in _pick(rng, ("metal", "nonmetal", "rough", "smooth"), min(count, 2))]


def _large(rng: np.random.Generator, count: int) -> list[Region]:
    return [every("large")]


def _both(rng: np.random.Generator, count: int) -> list[Region]:
    """Two properties at once; metal and near is never drawn together."""
    regions = []
    for _ in range(count):
        first = f"class:{_pick(rng, TRAINED_CLASSES, 1)[0]}" if rng.uniform() < 0.3 else _property(rng)
        second = _property(rng)
        while kind_of(second) == kind_of(first) or _metal_near(first, second):
            second = _property(rng)
        regions.append(every(first, second))
    return regions


def _metal_near(first: str, second: str) -> bool:
    return {"metal", "nearer"} <= {kind_of(first), kind_of(second)}


def _property(rng: np.random.Generator) -> str:
    kinds = (
        lambda: f"hue:{_pick(rng, TRAINED_HUES, 1)[0]}",
        lambda: f"facing:{_pick(rng, ('up', 'left', 'right', 'camera'), 1)[0]}",
        lambda: f"nearer:{METRES[int(rng.integers(len(METRES)))]:g}",
        lambda: f"farther:{METRES[int(rng.integers(len(METRES)))]:g}",
        lambda: _pick(rng, ("metal", "nonmetal", "rough", "smooth", "large"), 1)[0],
    )
    return kinds[int(rng.integers(len(kinds)))]()


FAMILIES: tuple[tuple[Callable[[np.random.Generator, int], list[Region]], float], ...] = (
    (_single, 0.3), (_sets, 0.2), (_hues, 0.12), (_facing, 0.1), (_metres, 0.08), (_matter, 0.06),
    (_large, 0.02), (_both, 0.12),
)  # fmt: skip
_CHANCES = np.array([chance for _, chance in FAMILIES])
#: What a table of frames records, to find frames that show a rule.
ATOMS: tuple[str, ...] = (
    *(f"class:{name}" for name in CLASS_NAMES),
    *(f"hue:{name}" for name in (*HUES, "white", "gray", "black")),
    *(f"facing:{name}" for name in FACING),
    *(f"{way}:{limit:g}" for limit in METRES for way in ("nearer", "farther")),
    "metal", "nonmetal", "rough", "smooth", "large",
)  # fmt: skip


def shows(maps: Maps, least: float = 0.01, most: float = 0.97) -> np.ndarray:
    """Bool (len(ATOMS),): the atoms true of a share of the pixels between ``least`` and ``most``."""
    counts = np.bincount(maps.classes.ravel(), minlength=256)[: len(CLASS_NAMES)]
    others = [np.count_nonzero(atom_mask(atom, maps)) for atom in ATOMS[len(CLASS_NAMES) :]]
    share = np.concatenate([counts, others]) / maps.classes.size
    return (share >= least) & (share <= most)
