"""Referring segmentation: a phrase in, the mask of what it means out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from visiongen.errors import UsageError
from visiongen.geometry import Geometry
from visiongen.image import Photo, as_photo
from visiongen.prompt import MAX_PHRASE, OTHER, Legend, Prompt
from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.legend import LegendNearest
from visiongen.tasks.pictures import overlay

NEAR = 16
"""Pixels around the whole photo's mask in which tiles are believed."""


@dataclass
class ReferringPrediction(Prediction):
    """``labels`` bool (H, W): the mask of what the phrase means."""

    @property
    def mask(self) -> np.ndarray:
        """The labels under their own name."""
        return self.labels

    @property
    def phrase(self) -> str:
        """What was asked for."""
        assert self.legend is not None
        return self.legend.names[1]

    @property
    def score(self) -> float:
        """Mean confidence inside the mask, in [0, 1]; 0 where nothing was found."""
        return min(1.0, float(self.confidence[self.labels].mean())) if self.labels.any() else 0.0

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        """(x, y, width, height) in pixels; None where nothing was found."""
        y, x = np.nonzero(self.labels)
        return (int(x.min()), int(y.min()), int(np.ptp(x)) + 1, int(np.ptp(y)) + 1) if len(x) else None

    def picture(self) -> np.ndarray:
        """White where the thing is, black elsewhere."""
        return np.repeat(np.where(self.labels, np.uint8(255), np.uint8(0))[..., None], 3, axis=2)

    def overlay(self, photo: Photo, share: float = 0.55) -> np.ndarray:
        """The mask in red over the photo that was predicted, uint8 (H, W, 3)."""
        photo = as_photo(photo)
        red = np.broadcast_to(np.array([255, 40, 40], np.uint8), photo.shape)
        return overlay(photo, red, self.labels.astype(np.int32), share)

    def label_image(self) -> tuple[np.ndarray, dict[str, Any]]:
        """0 and 255, 8 bit."""
        return self.picture()[..., 0], {"bits": 8, "255": self.phrase, "0": OTHER}

    def summary(self) -> dict[str, Any]:
        """The phrase, how much its mask covers, its box and score."""
        return super().summary() | {
            "phrase": self.phrase,
            "covered": round(float(self.labels.mean()), 5),
            "box": list(self.box) if self.box else None,
            "score": round(self.score, 4),
        }


@dataclass(frozen=True)
class Referring(Task):
    """Paint what ``phrase`` means white, the rest black; the phrase is a legend entry of the prompt.

    ``phrase``: at most 60 bytes, as "the red box left of the cone". An empty or longer one raises
    UsageError. ``guided``: the mask's border follows the photo's, see :mod:`visiongen.tasks.guide`.
    """

    phrase: str = "the thing in the middle"
    guided: bool = True

    name: ClassVar[str] = "referring"
    text: ClassVar[str] = "segment what is meant"
    reverse_text: ClassVar[str] = "photo from what is meant"
    long_side: ClassVar[int] = 256
    borders: ClassVar[tuple[float, float]] = (4, 1e-3)
    prediction: ClassVar[type[Prediction]] = ReferringPrediction

    def __post_init__(self) -> None:
        phrase = " ".join(self.phrase.split()) if isinstance(self.phrase, str) else ""
        if not phrase or phrase == OTHER:
            raise UsageError(f"phrase: {self.phrase!r} says nothing; give one, as 'the red box'")
        if len(phrase.encode()) > MAX_PHRASE:
            raise UsageError(f"phrase: {phrase!r} is over {MAX_PHRASE} bytes; say it shorter")
        object.__setattr__(self, "phrase", phrase)

    @property
    def mirrors(self) -> bool:
        """No: a phrase may say left or right."""
        return False

    def prompt(self, legend: Legend | None = None) -> Prompt:
        """Black for the rest, white for the phrase."""
        super().prompt(legend)  # refuses a legend
        return Prompt(self.name, self.text, self._legend)

    @property
    def _legend(self) -> Legend:
        return Legend((OTHER, self.phrase), ((0, 0, 0), (255, 255, 255)))

    def codec(self, legend: Legend | None = None, **options: Any) -> Codec:
        """Nearest of the two colours."""
        return LegendNearest(legend or self._legend, **options)

    def build(self, labels: np.ndarray, *args: Any, **kwargs: Any) -> Prediction:
        """As every task; class 1 is the mask."""
        return super().build(labels == 1, *args, **kwargs)

    def undo(self, geometry: Geometry, labels: np.ndarray) -> np.ndarray:
        """By vote."""
        return geometry.undo_labels(labels)

    def soften(self, painted: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """The phrase's probability. A tile sees only part of the photo: see ``align``."""
        assert isinstance(codec, LegendNearest)
        return codec.probabilities(painted)[..., 1:], np.ones(painted.shape[:2], np.float32)

    def align(self, values: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Only near what the whole photo shows as meant: a tile may hold another thing of its kind."""
        import cv2

        meant = (whole[..., 0] >= 0.5).astype(np.uint8)
        near = cv2.dilate(meant, np.ones((2 * NEAR + 1,) * 2, np.uint8)) if meant.any() else meant
        return values * near[..., None].astype(np.float32)

    def harden(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """1 where at least half says so, uint8, and how sure that is."""
        meant = values[..., 0] >= 0.5
        return meant.astype(np.uint8), np.where(meant, values[..., 0], 1 - values[..., 0]).astype(np.float32)
