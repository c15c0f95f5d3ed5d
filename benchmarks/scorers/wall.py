"""What a map says of a wall that a scene is painted on, beside the scores of the whole photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from visiongen.benchmarks.metrics import wall
from visiongen.benchmarks.scorers.base import Guess, Options, Scorer, Scores
from visiongen.benchmarks.scorers.depth import DepthScorer
from visiongen.benchmarks.scorers.normals import NormalsScorer
from visiongen.benchmarks.scorers.semantic import SemanticScorer
from visiongen.resize import resize_nearest

if TYPE_CHECKING:
    from visiongen.tasks.base import Prediction

HOW = ("none", "lsq_outside")  # as it is; under the one line that fits everything but the wall


@dataclass(frozen=True)
class WallTruth:
    """What is true of one photo with a wall.

    depth: float32 (H, W), planar depth in metres, +inf = sky, NaN = unknown; on the wall that of the wall,
    whatever is painted on it. wall: bool (H, W), the wall's visible pixels, at least three. normal: (3,), the
    wall's unit normal towards the camera in OpenGL axes (x right, y up, z to the camera). camera: (fx, fy,
    cx, cy) in pixels, the centre of the first pixel at (0.5, 0.5). painted: False for the paired control,
    the same scene with the wall left blank; give both photos of a pair one ``Item.cluster``. normals: float32
    (H, W, 3), NaN = none, and classes: uint8 (H, W), 255 = none, where they are asked for.
    """

    depth: np.ndarray
    wall: np.ndarray
    normal: tuple[float, float, float]
    camera: tuple[float, float, float, float]
    painted: bool = True
    normals: np.ndarray | None = None
    classes: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.depth.shape[0], self.depth.shape[1]


class WallScorer(Scorer):
    """A map's own scores over all photos; ``of_wall`` over painted walls, NAME/blank over the controls, and
    NAME/difference, painted minus blank. ``map`` is the map's own scorer.
    """

    kind: ClassVar[type[Scorer]]
    part: ClassVar[str]  # the truth's field that the map's scorer looks at, and where its sums stand
    of_wall: ClassVar[tuple[str, ...]]  # names of what ``measures`` gives
    higher: ClassVar[tuple[str, ...]] = ()  # those of them of which more is better

    def __init__(self, protocol: dict[str, Any]) -> None:
        super().__init__(protocol)
        self.map = self.kind(protocol)
        self.rules = getattr(self.map, "rules", None)  # a depth map's range, as its own scorer has it

    def measures(self, truth: WallTruth, answer: np.ndarray | None) -> Sequence[Any]:
        """What the answer says about the wall, as numbers or rows of them."""
        raise NotImplementedError

    def stats(self, truth: WallTruth, answer: np.ndarray | None) -> dict[str, Any]:
        """{PART: the map's own, "wall": ``measures``, "painted": 0 or 1}."""
        own = self.map.stats(self.whole(truth), answer)  # it also checks the shape
        return {self.part: own, "wall": self.measures(truth, answer), "painted": float(truth.painted)}

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """The map's own vector, then for painted and for blank walls: measures and 1."""
        own = np.concatenate([np.ravel(stats["wall"]), [1.0]])
        none = np.zeros_like(own)
        pair = (own, none) if stats["painted"] else (none, own)
        return np.concatenate([self.map.vector(stats[self.part]), *pair])

    def scores(self, sums: np.ndarray) -> Scores:
        """See the class; NaN where there is no photo of the kind."""
        wide = len(self.of_wall) + 1
        result = self.map.scores(sums[..., : -2 * wide])
        painted, blank = (_means(part) for part in (sums[..., -2 * wide : -wide], sums[..., -wide:]))
        for at, name in enumerate(self.of_wall):
            result[name] = painted[..., at]
            result[f"{name}/blank"] = blank[..., at]
            result[f"{name}/difference"] = painted[..., at] - blank[..., at]
        return result

    def higher_is_better(self, score: str) -> bool:
        """Of the wall's scores those in ``higher``; of others as the map's scorer says."""
        name = score.removesuffix("/blank").removesuffix("/difference")
        if name in self.of_wall:
            return name in self.higher
        return self.map.higher_is_better(score)

    def whole(self, truth: WallTruth) -> np.ndarray:
        """The map that is asked for, of the whole photo."""
        found: np.ndarray = getattr(truth, self.part)
        return found

    def shrink(self, truth: WallTruth, size: tuple[int, int]) -> WallTruth:
        """Everything at the painted size."""
        down, along = size[0] / truth.shape[0], size[1] / truth.shape[1]
        fx, fy, cx, cy = truth.camera
        small = {self.part: self.map.shrink(self.whole(truth), size)}
        small = {"depth": resize_nearest(truth.depth, size)} | small
        camera = (fx * along, fy * down, cx * along, cy * down)
        return WallTruth(
            wall=resize_nearest(truth.wall, size),
            normal=truth.normal,
            camera=camera,
            painted=truth.painted,
            **small,
        )

    def labels(self, truth: WallTruth, options: Options) -> np.ndarray:
        """The map that is asked for."""
        return np.asarray(self.map.labels(self.whole(truth), options))

    def answer(self, prediction: Prediction, options: Options) -> Any:
        """As the map's scorer."""
        return self.map.answer(prediction, options)

    def given(self, labels: np.ndarray, options: Options) -> Any:
        """As the map's scorer."""
        return self.map.given(labels, options)

    def oracle(self, truth: WallTruth, options: Options) -> np.ndarray:
        """The map that is asked for."""
        return self.whole(truth)

    def prior(self, truths: Sequence[WallTruth]) -> Guess:
        """As the map's scorer guesses."""
        return self.map.prior([self.whole(truth) for truth in truths])

    def choose(self, guess: Any, options: Options) -> Any:
        """As the map's scorer."""
        return self.map.choose(guess, options)


class PaintedWallScorer(WallScorer):
    """The names of metrics/wall.py: of the depth as it is, and NAME@lsq_outside after one least-squares line
    through everything but the wall. Also every score of :class:`DepthScorer`, painted and blank.
    """

    kind, part = DepthScorer, "depth"
    map: DepthScorer
    of_wall = tuple(n if how == "none" else f"{n}@{how}" for how in HOW for n in wall.NAMES)
    higher = tuple(name for name in of_wall if name.startswith("recall"))

    def measures(self, truth: WallTruth, answer: np.ndarray | None) -> list[list[float]]:
        """A row a ``HOW``."""
        found, ends = [], self.map.rules.ends(truth.depth[truth.wall & np.isfinite(truth.depth)])
        for how in HOW:
            given = answer
            if answer is not None and how == "lsq_outside":
                given = wall.aligned_outside(answer, truth.depth, truth.wall, self.map.limits)
            normal = np.asarray(truth.normal, np.float64)
            measures = wall.depth_measures(given, truth.depth, truth.wall, truth.camera, normal, ends)
            found.append([measures[name] for name in wall.NAMES])
        return found


class WallNormalsScorer(WallScorer):
    """``angle``: mean degrees between the normals in the wall and the wall's."""

    kind, part, of_wall = NormalsScorer, "normals", ("angle",)

    def measures(self, truth: WallTruth, answer: np.ndarray | None) -> list[float]:
        """The angle."""
        return [wall.normals_in_wall(answer, truth.wall, np.asarray(truth.normal))]


class WallClassesScorer(WallScorer):
    """``as_road``: share of the wall that is called one of the protocol's ``drivable`` classes; ``found``:
    share of walls that the class "wall" covers at an IoU of .5 or more.
    """

    kind = SemanticScorer
    part, of_wall, higher = "classes", ("as_road", "found"), ("found",)

    def measures(self, truth: WallTruth, answer: np.ndarray | None) -> list[float]:
        """Both, for one photo."""
        road, obstacle, classes = None, None, self.protocol["classes"]
        if answer is not None:
            road = np.isin(answer, [classes.index(name) for name in self.protocol["drivable"]])
            obstacle = answer == classes.index("wall")
        return [wall.free_space_leak(road, truth.wall), wall.obstacle_recall([obstacle], [truth.wall])]


def _means(part: np.ndarray) -> np.ndarray:
    count = part[..., -1:]
    return np.asarray(part[..., :-1] / np.where(count > 0, count, np.nan))
