"""CamVid with its 32 original classes (Brostow et al. 2009), Void not scored.

Layout: ``CamVid/701_StillsRaw_full/NAME.png`` and ``CamVid/LabeledApproved_full/NAME_L.png``, coloured masks
of 960x720. The splits are SegNet's lists ``{train,val,test}.txt`` beside the folders, which name the same
frames; ``all`` needs none. A drive is a cluster. :func:`eleven` is MathWorks' grouping to the 11 classes; the
other custom, to keep only the 11 classes' own colours, gives other numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np

from visiongen.benchmarks.datasets.files import Sample, read_list, require
from visiongen.benchmarks.datasets.label_images import VOID, ColouredPhotos, pairs
from visiongen.benchmarks.protocols import load_protocol
from visiongen.errors import InputError

PHOTOS, TRUTHS = "701_StillsRaw_full", "LabeledApproved_full"
#: Class of camvid11 -> the original classes in it.
GROUPS = {
    "sky": ("Sky",),
    "building": ("Bridge", "Building", "Wall", "Tunnel", "Archway"),
    "pole": ("Column_Pole", "TrafficCone"),
    "road": ("Road", "LaneMkgsDriv", "LaneMkgsNonDriv"),
    "pavement": ("Sidewalk", "ParkingBlock", "RoadShoulder"),
    "tree": ("Tree", "VegetationMisc"),
    "sign": ("SignSymbol", "Misc_Text", "TrafficLight"),
    "fence": ("Fence",),
    "car": ("Car", "SUVPickupTruck", "Truck_Bus", "Train", "OtherMoving"),
    "pedestrian": ("Pedestrian", "Child", "CartLuggagePram", "Animal"),
    "bicyclist": ("Bicyclist", "MotorcycleScooter"),
}


class CamVid32(ColouredPhotos):
    """See the module; the protocol is protocols/camvid32.toml."""

    folders: ClassVar[tuple[str, ...]] = ("CamVid", "camvid", "camvid32")
    marker: ClassVar[str] = TRUTHS

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """In the order of SegNet's list; ``all`` by name."""
        if split == "all":
            return pairs(root / PHOTOS, ".png", root / TRUTHS, ["_L.png"], cluster=drive)
        listed = root / f"{split}.txt"
        names = [PurePosixPath(line.split()[0]).stem for line in read_list(listed)]
        return require(
            [
                Sample(n, root / PHOTOS / f"{n}.png", (root / TRUTHS / f"{n}_L.png",), cluster=drive(n))
                for n in names
            ],
            listed,
        )


def drive(name: str) -> str:
    """0001TP of 0001TP_008550."""
    return name.split("_")[0]


def eleven(labels: np.ndarray) -> np.ndarray:
    """Positions in camvid32's classes (H, W), 255 = void, as positions in camvid11's; InputError: others."""
    named, wanted = load_protocol("camvid32")["classes"], load_protocol("camvid11")["classes"]
    table = np.full(256, VOID, np.uint8)
    for group, members in GROUPS.items():
        table[[named.index(member) for member in members]] = wanted.index(group)
    odd = (labels < 0) | ((labels >= len(named)) & (labels != VOID))
    if odd.any():
        raise InputError(f"labels: {int(labels[odd][0])} is no position in camvid32's {len(named)} classes")
    return table[labels]


BENCHMARK = CamVid32("camvid32")
