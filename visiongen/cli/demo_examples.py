"""What the demo looks at: photos that lie inside scikit-image, and a rendered street."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from visiongen.prompt import Legend

STREET_SEED = 1_000_003  # training uses seeds below a million
STREET_SIZE = (240, 320)
# Middlebury 2014 "Motorcycle" as scikit-image documents it: focal length and offset in pixels,
# baseline in metres; depth = baseline * focal / (disparity + offset).
_FOCAL, _OFFSET, _BASELINE = 994.978, 31.086, 0.193001


@dataclass(frozen=True)
class Example:
    """A photo uint8 (H, W, 3), the legend to ask for (None: the default one) and what is known.

    ``truth`` maps a task to its true labels (H, W[, 3]): depth in metres (NaN unknown, +inf sky),
    unit normals (NaN unknown), positions in the legend (255 unknown).
    """

    name: str
    about: str
    photo: np.ndarray
    legend: Legend | None = None
    truth: dict[str, np.ndarray] = field(default_factory=dict)


def examples() -> list[Example]:
    """The demo's pictures; nothing is downloaded."""
    from skimage import data

    motorcycle, _, disparity = data.stereo_motorcycle()
    return [
        street(),
        Example(
            "A motorcycle in a workshop",
            "Real photo (Middlebury 2014), depth measured with structured light.",
            motorcycle,
            Legend.parse("car=#e6b800,floor=#7a4a1e,wall=#3077fb,shelf=#0ca86c,box=#f104b3"),
            {"depth": motorcycle_depth(disparity)},
        ),
        Example(
            "A cup of coffee",
            "Real photo (Pikolo Espresso Bar, CC0).",
            data.coffee(),
            Legend.parse("table=#7a4a1e,cup=#3077fb,plate=#f9e03e"),
        ),
        Example(
            "An astronaut",
            "Real photo (NASA, public domain).",
            data.astronaut(),
            Legend.parse("pedestrian=#8fbf00,wall=#3077fb,picture=#df0816"),
        ),
    ]


def motorcycle_depth(disparity: np.ndarray) -> np.ndarray:
    """Metres float32 (H, W) from the left picture's disparity in pixels; NaN where unmeasured."""
    known = np.isfinite(disparity) & (disparity > 0)
    return (_BASELINE * _FOCAL / (np.where(known, disparity, np.nan) + _OFFSET)).astype(np.float32)


def street() -> Example:
    """A rendered street with exact depth, normals and classes."""
    from visiongen.tasks.semantic import DEFAULT_LEGEND
    from visiongen.world import render

    frames = render("street", [STREET_SEED], *STREET_SIZE)
    known = frames.valid[0].numpy()
    positions = [_position(name, DEFAULT_LEGEND) for name in frames.class_names]
    truth = {
        "semantic": np.asarray(positions, np.uint8)[frames.classes[0].numpy()],
        "depth": frames.depth[0].numpy(),
        "normals": np.where(known[..., None], frames.normals[0].numpy(), np.nan),
    }
    about = (
        f"Rendered by visiongen world --scene street --seed {STREET_SEED}: never seen in training, and the "
        "truth is exact in every pixel."
    )
    return Example("A rendered street", about, frames.photo[0].numpy(), None, truth)


def _position(name: str, legend: Legend) -> int:
    """Class id of ``name`` in ``legend``, 255 when it is not there."""
    return legend.names.index(name) if name in legend.names else 255
