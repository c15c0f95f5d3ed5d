"""Cityscapes' instances (Cordts et al. 2016): a picture of ids an image.

Official layout: ``leftImg8bit/{split}/CITY/CITY_SEQ_FRAME_leftImg8bit.png`` and
``gtFine/{split}/CITY/CITY_SEQ_FRAME_gtFine_instanceIds.png``, 16 bits: label id * 1000 + number for an
instance, the label id alone for all else; of a class that has instances that is a group, which is not scored.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from visiongen.benchmarks.datasets.files import FilesBenchmark, Sample, require
from visiongen.benchmarks.metrics.cityscapes_instances import LABELS
from visiongen.errors import InputError, MissingDataError
from visiongen.prompt import Legend

MANY = 1000
KNOWN = range(34)  # label ids
COUNTED = (*LABELS, 29, 30)  # those with instances; caravan and trailer are not scored
PHOTO, TRUTH = "_leftImg8bit.png", "_gtFine_instanceIds.png"


class CityscapesInstances(FilesBenchmark):
    """See the module; the protocol is protocols/cityscapes-instance.toml. A city is a cluster."""

    folders: ClassVar[tuple[str, ...]] = ("cityscapes", "Cityscapes")
    marker: ClassVar[str] = "gtFine"

    @cached_property
    def options(self) -> dict[str, Any]:
        """What every image is asked."""
        return {"legend": Legend.parse(self.protocol["legend"]), "things": tuple(self.protocol["classes"])}

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By city and name; every photo needs its truth."""
        photos, truths = root / "leftImg8bit" / split, root / "gtFine" / split
        stems = sorted(set(_stems(photos, PHOTO)) | set(_stems(truths, TRUTH)))
        if not stems:
            raise MissingDataError(f"{truths}: no CITY/*{TRUTH} there; complete the dataset")
        return require([self._sample(stem, photos, truths) for stem in stems], truths)

    def _sample(self, stem: str, photos: Path, truths: Path) -> Sample:
        files = photos / f"{stem}{PHOTO}", (truths / f"{stem}{TRUTH}",)
        return Sample(stem, *files, options=self.options, cluster=stem.split("/")[0])

    def read_truth(self, sample: Sample) -> np.ndarray:
        """Ids int32 (H, W) as they are."""
        return read_instance_ids(sample.truth[0])


def _stems(folder: Path, suffix: str) -> list[str]:
    """CITY/CITY_SEQ_FRAME of every file with this ending."""
    found = (path for path in folder.glob(f"*/*{suffix}") if not path.name.startswith("."))
    return [path.relative_to(folder).as_posix()[: -len(suffix)] for path in found]


def read_instance_ids(path: Path) -> np.ndarray:
    """Ids int32 (H, W) of an ``instanceIds`` picture; InputError: damaged, not 16 bits, unknown ids."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if not image.mode.startswith("I"):
                raise InputError(f"{path}: mode {image.mode}, not 16 bits of gray; use the official PNG")
            ids = np.asarray(image).astype(np.int32)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: damaged picture ({error}); fetch it again") from error
    for one in np.unique(ids).tolist():
        label = one if one < MANY else one // MANY
        if label not in KNOWN or (one >= MANY and label not in COUNTED):
            raise InputError(f"{path}: id {one} is none of Cityscapes; use the official PNG")
    return ids


BENCHMARK = CityscapesInstances("cityscapes-instance")
