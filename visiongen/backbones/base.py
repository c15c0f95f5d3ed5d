"""What every image generator offers: prompts in, canvases out, capabilities declared.

No torch here: a remote service is a backbone too.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from visiongen.backbones.sampler import Sampler
from visiongen.errors import InputError, UsageError
from visiongen.prompt import Prompt


@dataclass(frozen=True)
class Capabilities:
    """What a backbone can do. Callers ask here instead of trying and failing."""

    streaming: bool = False  # yields partial canvases
    alpha: bool = False  # can paint a transparent background
    text: bool = True  # reads free instruction text
    in_context: bool = False  # takes example pairs
    input_image: bool = True  # paints from a photo; False: from text only
    noise: bool = False  # paints from noise (modes diffuse and scales)
    teacher: bool = False  # Scene.paint_after: can read its next token after given ones
    deterministic: bool = True  # the same prompt and seed give the same pixels
    licence: str = "unknown"  # of the weights or of the service's output


@dataclass(frozen=True)
class WeightsRecord:
    """Which weights painted: provenance for every result. ``sha256`` is of the file on disk."""

    name: str
    sha256: str


@dataclass(frozen=True)
class DecodeStats:
    """What one canvas cost.

    passes      transformer passes that this canvas took part in (sequential: one a token)
    draft_hits  tokens for which the draft was already right, all channels
    seconds     wall time of the decoding, shared by all canvases of a batch
    settled     near-ties decided by the canonical pass (docs/decoding.md)
    """

    mode: str
    tokens: int
    passes: int
    draft_hits: int
    seconds: float
    settled: int = 0

    @property
    def hit_rate(self) -> float:
        """Share of tokens that the draft had right, 0..1."""
        return self.draft_hits / self.tokens if self.tokens else 0.0

    @classmethod
    def sum(cls, parts: Sequence[DecodeStats]) -> DecodeStats:
        """What several canvases cost together, in the first one's mode."""
        totals = {
            f.name: sum(getattr(part, f.name) for part in parts) for f in fields(cls) if f.name != "mode"
        }
        return cls(mode=parts[0].mode, **totals)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict, with the hit rate."""
        return asdict(self) | {"hit_rate": self.hit_rate}


@dataclass(frozen=True)
class Canvas:
    """One partial or final painted image.

    image       uint8 (h, w, 3) RGB
    tokens      int64 (h/8, w/8, C), or None for backbones without tokens
    final       True on the last canvas of a stream only
    index       0, 1, 2, ... within the stream
    rows_done   image rows from the top that are decided, 0..h. Before the final canvas a few of their tokens
                may still change, where a near-tie is decided at the very end, and a few colours, where the
                decoder looks at the tokens below
    confidence  float32 (h, w) in [0, 1], the generator's own certainty, or None
    drawn       uint8 (h, w, 3): the image as the generator made it, where ``image`` has since taken its
                borders from the photo; None where ``image`` is that
    """

    image: np.ndarray
    tokens: np.ndarray | None
    final: bool
    index: int
    rows_done: int
    confidence: np.ndarray | None
    stats: DecodeStats = field(default_factory=lambda: DecodeStats("", 0, 0, 0, 0.0))
    drawn: np.ndarray | None = None


class Scene(ABC):
    """One photo (or none) that may be painted from many times; the photo is read once."""

    size: tuple[int, int]  # (h, w) of every canvas, multiples of 8

    @abstractmethod
    def paint(self, prompts: Sequence[Prompt], sampler: Sampler | None = None) -> list[Canvas]:
        """One final canvas a prompt, decoded as one batch over the shared photo."""

    @abstractmethod
    def stream(self, prompt: Prompt, sampler: Sampler | None = None) -> Iterator[Canvas]:
        """Canvases as they get better; the last one has ``final=True`` and equals paint()'s."""

    def paint_after(
        self, prompts: Sequence[Prompt], truths: Sequence[np.ndarray], sampler: Sampler | None = None
    ) -> list[Canvas]:
        """What each prompt's map would be if every token were painted after the truth's.

        ``truths``: true maps, uint8 (h, w, 3) of the scene's size. Of the sampler only ``trust`` counts.
        For measuring; UsageError from a backbone without the capability ``teacher``.
        """
        raise UsageError(f"{type(self).__name__}: it cannot paint after a given map; ask a backbone that can")


class Backbone(ABC):
    """Turns prompts into images."""

    name: str
    capabilities: Capabilities
    weights: WeightsRecord | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """What classes may be called in a legend; () where any words do, or nothing is known of it."""
        return ()

    @abstractmethod
    def scene(self, photo: np.ndarray | None = None, size: tuple[int, int] | None = None) -> Scene:
        """Look at ``photo`` (uint8 (h, w, 3), sides multiples of 8), or at nothing.

        Without a photo ``size`` (h, w) says how large to paint. The photo may change afterwards: what the
        scene has seen does not. Raises InputError for a photo of another shape or type, UsageError for a
        bad size.
        """


def provenance(backbone: Backbone) -> dict[str, str] | None:
    """What results say of the weights that painted them: {"name", "sha256"}; None without a record."""
    return asdict(backbone.weights) if backbone.weights else None


def canvas_size(photo: np.ndarray | None, size: tuple[int, int] | None) -> tuple[int, int]:
    """The size (h, w) of canvases that photo or size ask for; InputError or UsageError when unusable."""
    if photo is None:
        if size is None:
            raise UsageError("scene: neither a photo nor a size was given; give one of them")
        if len(size) != 2 or any(int(s) != s or s < 8 or s % 8 for s in size):
            raise UsageError(f"scene size {size!r}: give (h, w), each a multiple of 8, at least 8")
        return int(size[0]), int(size[1])
    if not isinstance(photo, np.ndarray) or photo.dtype != np.uint8:
        kind = photo.dtype if isinstance(photo, np.ndarray) else type(photo).__name__
        raise InputError(f"photo: {kind} given; pass a uint8 array of shape (h, w, 3)")
    if photo.ndim != 3 or photo.shape[2] != 3:
        raise InputError(f"photo: shape {photo.shape} given; pass a uint8 array of shape (h, w, 3)")
    h, w = photo.shape[:2]
    if h < 8 or w < 8 or h % 8 or w % 8:
        raise InputError(f"photo: {h} x {w} given; both sides must be multiples of 8 (Geometry.fit does it)")
    if size is not None and tuple(size) != (h, w):
        raise UsageError(f"scene size {size!r} differs from the photo's {(h, w)}; leave it out")
    return h, w
