"""What a task is (prompt + codec + decoding) and what a prediction holds and saves."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from visiongen.errors import InputError, UsageError
from visiongen.files import write_atomic, write_json
from visiongen.geometry import Geometry
from visiongen.image import Photo
from visiongen.prompt import PHOTO, Example, Legend, Prompt
from visiongen.tasks import guide
from visiongen.tasks.codecs.base import Codec, map_png
from visiongen.tasks.pictures import encode_png

SCHEMA = "visiongen.prediction/1"


@dataclasses.dataclass
class Prediction:
    """Labels of one photo in the photo's own size, and everything needed to trust them.

    ``labels`` has the input's (H, W); ``confidence`` is float32 (H, W) in [0, 1]; ``map`` is what
    was painted, uint8 at ``geometry.work_size``, guided by the photo where the task does so; of tiles, and of
    a mirrored pair, it is their mean painted anew, so that it decodes to the labels. ``stats``
    says what decoding cost; ``weights`` is {"name", "sha256"} or None; ``sample`` is {"mode", "seed"};
    ``tokens`` int64 (h/8, w/8, C) is the map as the generator wrote it, before any guiding, ``seen`` uint8
    (h, w, 3) what it was shown, and ``certainty`` (h, w) the generator's own part of the confidence, where
    it has them and painted in one piece. ``guided``: whether such a map's borders are the photo's; ``drawn``
    uint8 (h, w, 3) is then the map before they were. ``image_id``: the photo's number in COCO's files.
    """

    labels: np.ndarray
    confidence: np.ndarray
    map: np.ndarray
    prompt: Prompt
    codec: Codec
    geometry: Geometry
    photo_name: str | None = None
    stats: dict[str, Any] = dataclasses.field(default_factory=dict)
    weights: dict[str, str] | None = None
    sample: dict[str, Any] = dataclasses.field(default_factory=dict)
    tokens: np.ndarray | None = None
    seen: np.ndarray | None = None
    certainty: np.ndarray | None = None
    guided: bool = False
    drawn: np.ndarray | None = None
    image_id: int = 1

    @property
    def task(self) -> str:
        """Name of the task."""
        return self.prompt.task

    @property
    def unit(self) -> str:
        """Unit of the labels: "class id", "m", "relative" or "unit vector"."""
        return self.codec.unit

    @property
    def legend(self) -> Legend | None:
        """The legend that was asked for; None for tasks without one."""
        return self.prompt.legend

    def picture(self) -> np.ndarray:
        """The labels in colours for people, uint8 (H, W, 3)."""
        raise NotImplementedError

    def label_image(self) -> tuple[np.ndarray, dict[str, Any]]:
        """The labels as an image of whole numbers (8 or 16 bit), and how to read it."""
        raise NotImplementedError

    def summary(self) -> dict[str, Any]:
        """A few finite numbers about the labels."""
        return {"mean_confidence": round(float(self.confidence.mean()), 4)}

    def as_dict(self) -> dict[str, Any]:
        """What the JSON file holds, without the list of files."""
        legend = self.legend
        pairs = self.codec.spec().get("legend") if legend else None
        return {
            "schema": SCHEMA,
            "task": self.task,
            "photo": self.photo_name,
            "size": list(self.labels.shape[:2]),  # of a filled photo the geometry is its window's
            "geometry": self.geometry.as_dict(),
            "prompt": self.prompt.text,
            "legend": pairs,
            "unit": self.unit,
            "codec": self.codec.spec(),
            "summary": self.summary(),
            "stats": self.stats,
            "sample": self.sample,
            "weights": self.weights,
        }

    def more_files(self, base: str) -> dict[str, bytes | str]:
        """What ``save`` also writes for this task: content by suffix of ``base``, which is STEM.TASK."""
        return {}

    def save(self, folder: str | Path, stem: str) -> list[Path]:
        """Write STEM.TASK.* into ``folder``; the colour picture comes first, the JSON last.

        .png colours, .map.png the painted map with its codec, .labels.png whole numbers, .npy,
        .confidence.png, ``more_files``, .json. Each file is complete or absent (SaveError when it cannot be
        written).
        """
        base = Path(folder) / f"{stem}.{self.task}"
        written: list[Path] = []

        def put(suffix: str, content: Any) -> None:
            written.append(write_atomic(Path(f"{base}{suffix}"), content))

        put(".png", encode_png(self.picture()))
        put(".map.png", map_png(self.map, self.codec))
        image, reading = self.label_image()
        put(".labels.png", encode_png(image))
        del image
        put(".npy", lambda file: np.save(file, self.labels))
        put(".confidence.png", encode_png((self.confidence * 255 + 0.5).astype(np.uint8)))
        for suffix, content in self.more_files(base.name).items():
            put(suffix, content)
        report = self.as_dict() | {"label_image": reading, "files": [p.name for p in written]}
        written.append(write_json(f"{base}.json", report))
        return written


class Task(ABC):
    """Prompt + codec + decoding. Tasks are frozen dataclasses; their fields are the options."""

    name: ClassVar[str]
    text: ClassVar[str]
    reverse_text: ClassVar[str]
    long_side: ClassVar[int] = 320  # pixels at which photos are painted unless the caller says
    uses_legend: ClassVar[bool] = False
    prediction: ClassVar[type[Prediction]]
    guided: bool = False  # whether the photo is asked for borders; a field of the tasks that can
    borders: ClassVar[tuple[float, float]] = (8, 1e-3)  # how far ``follow`` reaches in pixels, how stiffly

    @property
    def by_rows(self) -> bool:
        """Whether ``repaint`` needs only the rows that it paints, not what ``gather`` finds in all."""
        return True

    @property
    def mirrors(self) -> bool:
        """Whether the mirrored photo's answer is the mirrored answer, and both have a mean."""
        return True

    def mirrored(self, prompt: Prompt) -> Prompt:
        """The order for the mirrored photo, its examples mirrored too: a rule about sides holds for them."""
        if not prompt.examples:
            return prompt
        flip = self.codec(prompt.legend).flip_map
        shown = tuple(Example(np.ascontiguousarray(e.photo[:, ::-1]), flip(e.map)) for e in prompt.examples)
        return dataclasses.replace(prompt, examples=shown)

    @property
    def follows(self) -> bool:
        """Whether ``follow`` is to be asked: ``guided``, and what is guided has an answer."""
        return self.guided

    def prompt(self, legend: Legend | None = None) -> Prompt:
        """The painting order for this task."""
        if legend is not None and not self.uses_legend:
            raise UsageError(f"legend: the task {self.name!r} takes none; leave it out")
        return Prompt(self.name, self.text, legend)

    def given(self, photo: Photo) -> Task:
        """The task as this input asks for it: itself, unless the file says something about it."""
        return self

    def shown(self, codec: Codec) -> Task:
        """The task as example maps that ``codec`` reads ask for it: itself, unless they say something of it.

        UsageError for maps that cannot be its own.
        """
        return self

    def check(self) -> None:  # noqa: B027
        """Raise UsageError when something is missing without which nothing can be predicted."""

    def look(self, photo: np.ndarray, geometry: Geometry) -> np.ndarray:
        """What the generator is shown of the input uint8 (H, W, 3): the photo at the work size."""
        return geometry.apply(photo)

    def reverse_prompt(self, legend: Legend | None = None) -> Prompt:
        """The order to paint a photo from this task's map."""
        return Prompt(PHOTO, self.reverse_text, legend)

    @abstractmethod
    def codec(self, legend: Legend | None = None, **options: Any) -> Codec:
        """The codec of this task; ``options`` override the codec's own parameters."""

    def codec_of(self, prompt: Prompt) -> Codec:
        """The codec of a prompt's maps; a legend or an option that it refuses is a UsageError."""
        try:
            return self.codec(prompt.legend)
        except InputError as error:
            raise UsageError(f"{self.name}: {error}") from error

    def decode(
        self,
        painted: np.ndarray,
        geometry: Geometry,
        prompt: Prompt,
        confidence: np.ndarray | None = None,
        photo_name: str | None = None,
    ) -> Prediction:
        """Read a painted map (h, w, 3): labels at the map's own size first, then resized back.

        ``confidence`` (h, w) is the backbone's own certainty; it multiplies the codec's.
        """
        codec = self.codec(prompt.legend)
        labels, certainty = codec.decode(painted)
        if confidence is not None:
            certainty = certainty * np.asarray(confidence, np.float32)
        return self.build(labels, certainty, painted, geometry, prompt, photo_name)

    def build(
        self,
        labels: np.ndarray,
        certainty: np.ndarray,
        painted: np.ndarray,
        geometry: Geometry,
        prompt: Prompt,
        photo_name: str | None = None,
    ) -> Prediction:
        """The prediction from labels and confidence that are still at the work size."""
        return self.prediction(
            labels=self.undo(geometry, labels),
            confidence=np.clip(geometry.undo_scalar(certainty), 0, 1),
            map=painted,
            prompt=prompt,
            codec=self.codec(prompt.legend),
            geometry=geometry,
            photo_name=photo_name,
        )

    @abstractmethod
    def undo(self, geometry: Geometry, labels: np.ndarray) -> np.ndarray:
        """Labels at the work size -> labels at the input size."""

    @abstractmethod
    def soften(self, painted: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """A tile's map -> values float32 (h, w, C) that may be averaged, confidence (h, w)."""

    @abstractmethod
    def harden(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Averaged values (h, w, C) -> labels, and a factor for the confidence, (h, w)."""

    def gather(self, labels: np.ndarray, codec: Codec) -> np.ndarray:
        """What ``harden`` made of all rows -> labels as ``codec`` decodes them; things are found here."""
        return labels

    def encode(self, labels: np.ndarray, codec: Codec) -> np.ndarray:
        """The map of what ``gather`` found, where ``by_rows`` does not hold."""
        return codec.encode(labels)

    def repaint(self, values: np.ndarray, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
        """A map uint8 (h, w, 3) that is read as these averages (h, w, C); a factor for the confidence."""
        labels, factor = self.harden(values)
        return codec.encode(labels), factor

    def follow(self, values: np.ndarray, view: np.ndarray) -> np.ndarray:
        """``soften``'s values (h, w, C) with what the photo ``view`` uint8 (h, w, 3) says of their borders.

        Tokens of 8 pixels are drawn as a whole; see :mod:`visiongen.tasks.guide`. A guided filter, whose
        windows and stiffness (``borders``) were chosen on rendered frames that no benchmark scores.
        """
        return guide.follow(view, values, *self.borders)

    def align(self, values: np.ndarray, whole: np.ndarray) -> np.ndarray:
        """Fit a tile's values to the same region of the whole photo's (nothing to do here)."""
        return values
