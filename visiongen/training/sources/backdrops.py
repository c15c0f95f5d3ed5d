"""Photos as backdrops of rendered frames: what stands before them keeps its exact answers.

A rendered wall or sky is plainer than anything a camera sees. Behind what is rendered a photo shows the
clutter of the real world; nothing is known of it, so it is out of the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from visiongen.training.sources.augment import jitter, random_view
from visiongen.training.sources.encoded import EncodedPhotos
from visiongen.training.sources.pool import Frame

#: What stands behind everything else in a scene.
FAR = ("sky", "building", "mountain", "wall", "ceiling", "window")
#: Orders that can leave a part of the photo out. A thing may stand in the photo, too, or an edge.
TASKS = ("semantic", "panoptic", "depth", "normals", "basecolor", "orm")
SHARE = (0.1, 0.85)  # of a frame that a backdrop may be
SEAM = 0.6  # sigma in pixels: a border is as soft as a pixel that two surfaces share
NOBODY = 255


class Backdrops:
    """``folders`` of photos: see ``EncodedPhotos``; ``names``: of the classes."""

    def __init__(self, folders: Sequence[str], names: Sequence[str], data: str | None = None) -> None:
        self.far = np.array([name in FAR for name in names] + [False] * (256 - len(names)))
        self.photos = EncodedPhotos(folders, data)

    def put(self, frame: Frame, rng: np.random.Generator) -> Frame | None:
        """The frame before a random photo; None where too little or too much of it would be one.

        Of the photo nothing is known: class 255, instance 0, depth NaN, normals zero.
        """
        far = self.far[frame.classes]
        if not SHARE[0] <= far.mean() <= SHARE[1]:
            return None
        photo = self.photos.draw(rng)
        height, width = far.shape
        view = random_view((photo.shape[0], photo.shape[1]), (height, width), rng)
        behind: np.ndarray = jitter(view.photo(photo), rng).astype(np.float32)
        if rng.uniform() < 0.5:  # out of focus
            behind = cv2.GaussianBlur(behind, (0, 0), float(rng.uniform(0.5, 2)) * height / 120)
        share = cv2.GaussianBlur(far.astype(np.float32), (0, 0), SEAM)[..., None]
        mixed = frame.photo + share * (behind - frame.photo)
        return replace(
            frame,
            photo=(mixed + 0.5).astype(np.uint8),
            depth=np.where(far, np.nan, frame.depth).astype(np.float32),
            normals=np.where(far[..., None], 0, frame.normals).astype(np.float32),
            classes=np.where(far, NOBODY, frame.classes).astype(np.uint8),
            instance=np.where(far, 0, frame.instance).astype(frame.instance.dtype),
        )
