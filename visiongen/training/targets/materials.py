"""Orders for the materials of rendered frames: base colour, and occlusion + roughness + metallic."""

from __future__ import annotations

import numpy as np

from visiongen.training.batches import Target
from visiongen.training.targets import Seen, dense


def basecolor(seen: Seen, rng: np.random.Generator) -> Target:
    """sRGB base colour; the sky has none and is left out of the loss."""
    return dense("basecolor", seen.base_colour.astype(np.float32) / 255, seen.instance > 0)


def orm(seen: Seen, rng: np.random.Generator) -> Target:
    """Occlusion, roughness, metallic; the sky is left out of the loss."""
    return dense("orm", np.clip(seen.orm, 0, 1), seen.instance > 0)
