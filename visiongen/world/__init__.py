"""A rendered world with exact answers: photos, depth, normals, instances, classes, materials."""

from visiongen.world.classes import CLASS_ID, CLASS_NAMES
from visiongen.world.page import save_frame
from visiongen.world.render import KINDS, Frames, render
from visiongen.world.wall import WallPair, render_wall_pair

__all__ = [
    "CLASS_ID", "CLASS_NAMES", "KINDS", "Frames", "WallPair", "render", "render_wall_pair",
    "save_frame",
]  # fmt: skip
