"""Training sources: where batches come from. Each ``batch(index, seed)`` is a pure function.

The registry (``visiongen.registry.SOURCES``) names them for recipes; the classes live one file each.
"""

from __future__ import annotations

from visiongen.data import data_root
from visiongen.training.source_base import Size, Source
from visiongen.training.source_camvid import CamVidSource
from visiongen.training.source_photos import PhotoSource
from visiongen.training.source_shapes import ShapesSource
from visiongen.training.source_world import WorldSource

__all__ = [
    "CamVidSource",
    "PhotoSource",
    "ShapesSource",
    "Size",
    "Source",
    "WorldSource",
    "data_root",
]
