"""How well returned maps are laid on their photos and checked, on rendered frames.

    python -m visiongen.benchmarks.returned                 # registration and checks, seeds 0-99
    python -m visiongen.benchmarks.returned --fit           # the weights of the checks, seeds 500000-500099

Frames of the world are exact pairs of photo and labels; their maps are painted by the codecs, moved
by a random small affine (nearest, borders repeated), and laid back.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.depth import CubeWalk
from visiongen.tasks.codecs.legend import LegendNearest, random_legend_colours
from visiongen.tasks.codecs.normals import OpenGLNormals
from visiongen.tasks.registration import affine, checks
from visiongen.tasks.registration.register import register
from visiongen.tasks.returned import shape_of
from visiongen.world.render import Frames, render

FIT_SEED = 500_000
AXES = {
    "x flipped": ((0, 1, 2), (-1, 1, 1)),
    "y flipped": ((0, 1, 2), (1, -1, 1)),
    "z flipped": ((0, 1, 2), (1, 1, -1)),
    "x, y swapped": ((1, 0, 2), (1, 1, 1)),
    "red, blue swapped": ((2, 1, 0), (1, 1, 1)),
}


def frames(first: int, count: int, size: tuple[int, int]) -> Iterator[Frames]:
    """``count`` frames of mixed scenes, one at a time."""
    for seed in range(first, first + count):
        yield render("mixed", [seed], *size)


def random_drift(rng: np.random.Generator, size: tuple[int, int], share: float, move: float) -> np.ndarray:
    """An affine about the centre: scale, aspect and shear to +-share, translation to +-move pixels."""
    linear = np.eye(2) + rng.uniform(-share, share, (2, 2))
    centre = (np.array(size[::-1]) - 1) / 2
    return np.c_[linear, centre - linear @ centre + rng.uniform(-move, move, 2)]


def painted(frame: Frames, rng: np.random.Generator) -> dict[str, tuple[np.ndarray, Codec]]:
    """The maps of one frame: classes in random colours, metric depth, normals."""
    from visiongen.prompt import Legend

    found, ids = np.unique(frame.classes[0].numpy(), return_inverse=True)
    colours = random_legend_colours(len(found), rng).tolist()
    legend = LegendNearest(Legend.of((f"c{i}", colour) for i, colour in enumerate(colours)))
    labels = ids.reshape(frame.classes[0].shape)
    return {
        "legend": (legend.encode(labels), legend),
        "depth": (CubeWalk().encode(frame.depth[0].numpy()), CubeWalk()),
        "normals": (OpenGLNormals().encode(frame.normals[0].numpy()), OpenGLNormals()),
    }


def lay_back(photo: np.ndarray, map_: np.ndarray, codec: Codec, drift: np.ndarray) -> tuple[float, Any]:
    """Move a map by ``drift`` (photo -> map), register it; mean corner error in pixels, registration."""
    moved, _ = affine.sample_nearest(map_, affine.invert(drift), map_.shape[:2])
    found = register(photo, moved, shape_of(codec.decode(moved)[0], codec))
    return affine.corner_distance(found.affine, drift, photo.shape[:2]), found


def registration(count: int, size: tuple[int, int]) -> list[dict[str, Any]]:
    """One row a map: kind, error before and after in pixels, agreement."""
    rows = []
    for seed, frame in enumerate(frames(0, count, size)):
        rng = np.random.default_rng(seed)
        for kind, (map_, codec) in painted(frame, rng).items():
            drift = random_drift(rng, size, 0.03, 10)
            error, found = lay_back(frame.photo[0].numpy(), map_, codec, drift)
            before = affine.corner_distance(np.eye(2, 3), drift, size)
            rows.append(
                {
                    "kind": kind,
                    "before": before,
                    "error": error,
                    "agreement": found.agreement,
                    "sure": found.sure(),
                }
            )
    return rows


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """By kind and by how sure: count, median and 90 % quantile of the error, share within 1 px."""
    groups: dict[str, list[float]] = {}
    for row in rows:
        if row["error"] > 1:
            print(f"{row['kind']}: {row['error']:.2f} px, agreement {row['agreement']:.3f}", file=sys.stderr)
        for key in (row["kind"], f"sure: {row['sure']}", "all"):
            groups.setdefault(key, []).append(row["error"])
    return {key: _figures(np.array(errors)) for key, errors in sorted(groups.items())}


def _figures(errors: np.ndarray) -> dict[str, float]:
    return {
        "maps": len(errors),
        "median_px": round(float(np.median(errors)), 3),
        "q90_px": round(float(np.quantile(errors, 0.9)), 3),
        "within_1px": round(float((errors <= 1).mean()), 3),
    }


def detection(first: int, count: int, size: tuple[int, int]) -> dict[str, Any]:
    """Rates: of right and of wrong labels, how often the best reading is the true one, and found wrong."""
    rates: dict[str, list[tuple[bool, bool]]] = {}
    for frame in frames(first, count, size):
        depth = CubeWalk().decode(CubeWalk().encode(frame.depth[0].numpy()))[0]
        for name, values in (("depth right", depth), ("depth inverted", -depth)):
            found = checks.check_depth_order(values)
            rates.setdefault(name, []).append(
                (("inverted" in found.reading) == ("inverted" in name), found.wrong)
            )
        normals = OpenGLNormals().decode(OpenGLNormals().encode(frame.normals[0].numpy()))[0]
        given = {"normals right": checks.axis_readings()[0], **AXES}
        for name, reading in given.items():
            found = checks.check_normal_axes(checks.turn(normals, reading))
            # All readings here undo themselves, so the one to be named is the one applied.
            rates.setdefault(name, []).append((found.reading == checks.describe(reading), found.wrong))
    columns = {key: np.array(value).mean(axis=0).round(3).tolist() for key, value in rates.items()}
    return {key: {"named_rightly": one, "called_wrong": two} for key, (one, two) in columns.items()}


def fit(first: int, count: int, size: tuple[int, int]) -> dict[str, list[float]]:
    """Weights of the checks by maximum likelihood (conditional logit, weak ridge)."""
    from scipy.optimize import minimize

    depth, axes = [], []
    for frame in frames(first, count, size):
        cues = checks.depth_cues(frame.depth[0].numpy())
        depth.append(np.stack([cues, -cues]))
        axes.append(checks.axes_cues(frame.normals[0].numpy()))

    def loss(weights: np.ndarray, cues: np.ndarray) -> float:
        score = cues @ weights
        top = score.max(axis=1)
        return float(
            (np.log(np.exp(score - top[:, None]).sum(1)) + top - score[:, 0]).sum() + 0.02 * weights @ weights
        )

    def best(cues: np.ndarray) -> list[float]:
        found = minimize(loss, np.ones(cues.shape[2]), (cues,))
        return [round(float(v), 2) for v in found.x]

    return {"DEPTH_WEIGHTS": best(np.stack(depth)), "AXES_WEIGHTS": best(np.stack(axes))}


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--only", choices=["registration", "checks"])
    given = parser.parse_args()
    report: dict[str, Any] = {"frames": given.frames}
    if given.fit:
        report |= fit(FIT_SEED, given.frames, (96, 128))
    else:
        if given.only != "checks":
            report["registration"] = summary(registration(given.frames, (240, 320)))
        if given.only != "registration":
            report["checks"] = detection(0, given.frames, (96, 128))
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
