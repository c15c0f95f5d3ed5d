"""LostAndFound (Pinggera et al. 2016) and Fishyscapes' new labels of some of its photos (Blum et al. 2021).

Official layouts: ``leftImg8bit/{train,test}/STREET/ID_leftImg8bit.png`` and
``gtCoarse/{train,test}/STREET/ID_gtCoarse_labelIds.png`` with ID = STREET_SEQUENCE_FRAME;
``fishyscapes_lostandfound/NUMBER_ID_labels.png`` or ``dataset_FishyLAF/labels/val/ID_fishy-labels.png``,
whose photos are LostAndFound's. Splits and labels are those of SegmentMeIfYouCan (road-anomaly-benchmark,
``datasets/tracks.py``): LostAndFound is scored on the road and its obstacles alone. A sequence is a cluster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from visiongen.benchmarks.datasets.files import BLIND_IMAGES, Sample, require
from visiongen.benchmarks.datasets.label_images import pairs
from visiongen.benchmarks.datasets.listed import BLIND_SIZE
from visiongen.benchmarks.datasets.smiyc import AnomalyPhotos
from visiongen.data import data_root
from visiongen.errors import InputError, MissingDataError
from visiongen.resize import resize_nearest

FOLDERS = ("dataset_LostAndFound", "lost_and_found", "LostAndFound", "lostandfound")
PHOTO_ENDS = tuple(f"_leftImg8bit{end}" for end in (".png", ".webp", ".jpg"))  # repacked sets have others
NAME = re.compile(r"(?P<street>\d{2}_.+)_(?P<sequence>\d{6})_(?P<frame>\d{6})")


class LostAndFound(AnomalyPhotos):
    """See the module; the protocol is protocols/lost-and-found.toml.

    The PNGs state a gamma that washes them out where it is applied; it is not.
    """

    folders: ClassVar[tuple[str, ...]] = FOLDERS
    marker: ClassVar[str] = "gtCoarse"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By name; ``testNoKnown`` is without frames that nobody labelled, and without known objects.

        The former are places in the whole list: InputError where that is not whole.
        """
        part = "test" if split == "testNoKnown" else split
        photos, truths = root / "leftImg8bit" / part, root / "gtCoarse" / part
        end = next((end for end in PHOTO_ENDS if next(photos.glob(f"*/*{end}"), None)), PHOTO_ENDS[0])
        ends = end, truths, ["_gtCoarse_labelIds.png"]
        found = self.asked(pairs(photos, *ends, cluster=sequence_of, whole=False))
        if split == part:
            return require(found, truths)
        whole, known = self.protocol["splits"][part], tuple(self.protocol["known_objects"])
        if len(found) != whole:
            raise InputError(
                f"{truths}: {len(found)} frames, officially {whole}; {split} leaves out frames by their "
                "place among all of them, so complete the dataset"
            )
        empty = set(self.protocol["empty_truths"])
        kept = [one for place, one in enumerate(found) if place not in empty]
        return require([one for one in kept if not Path(one.id).name.startswith(known)], truths)

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """As the base class, from frames spread over the train split: its first ones show one street."""
        found = self.samples(self.root(data), self.protocol["blind_split"])
        some = found[:: max(1, len(found) // BLIND_IMAGES)][:BLIND_IMAGES]
        return self.scorer.prior([resize_nearest(self.read_truth(one), BLIND_SIZE) for one in some])


class Fishyscapes(AnomalyPhotos):
    """See the module; the protocol is protocols/fishyscapes-laf.toml."""

    labels: ClassVar[dict[str, str]] = {  # folder below the data root -> ending of a label
        "fishyscapes_lostandfound": "_labels.png",
        "dataset_FishyLAF/labels/val": "_fishy-labels.png",
    }

    def root(self, data: str | Path | None) -> Path:
        """The data root; MissingDataError: it has no labels, or no photos of LostAndFound beside them."""
        root = data_root(data)
        if not any((root / folder).is_dir() for folder in self.labels):
            raise MissingDataError(
                f"{root}: no {self.name} there ({' or '.join(self.labels)}); give the folder above as --data"
            )
        photos_of(root)
        return root

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """By LostAndFound's names; Fishyscapes' own number in front of one is dropped."""
        folder, end = next((root / f, e) for f, e in self.labels.items() if (root / f).is_dir())
        labels = [path for path in folder.glob(f"*{end}") if not path.name.startswith(".")]
        found = {re.sub(r"^\d{4}_", "", path.name)[: -len(end)]: path for path in labels}
        if not found:
            raise MissingDataError(f"{folder}: no *{end} there; complete the dataset")
        photos = photos_of(root)
        samples = [
            Sample(name, photo_of(photos, name, path), (path,), cluster=sequence_of(name))
            for name, path in sorted(found.items())
        ]
        return require(self.asked(samples), folder)


def photos_of(root: Path) -> Path:
    """LostAndFound's ``leftImg8bit`` below a data root; MissingDataError: none."""
    for folder in (root, *(root / name for name in FOLDERS)):
        if (folder / "leftImg8bit").is_dir():
            return folder / "leftImg8bit"
    raise MissingDataError(
        f"{root / FOLDERS[0]}/leftImg8bit: missing; the photos are LostAndFound's, put it there"
    )


def photo_of(photos: Path, name: str, label: Path) -> Path:
    """Where the photo of a name lies, in train or test; InputError: not a name of LostAndFound."""
    match = NAME.fullmatch(name)
    if match is None:
        raise InputError(f"{label}: {name!r} is no frame of LostAndFound; use the official labels")
    places = [
        photos / part / match["street"] / f"{name}{end}" for part in ("train", "test") for end in PHOTO_ENDS
    ]
    return next((place for place in places if place.is_file()), places[0])


def sequence_of(name: str) -> str:
    """Street and sequence of a path that ends in STREET_SEQUENCE_FRAME; "" for another."""
    match = NAME.fullmatch(name.split("/")[-1])
    return f"{match['street']}_{match['sequence']}" if match else ""


LOST_AND_FOUND = LostAndFound("lost-and-found")
FISHYSCAPES = Fishyscapes("fishyscapes-laf")
