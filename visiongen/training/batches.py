"""The one batch format: photos, and painting orders that point at them.

A batch is a dict:

- ``photo`` float32 (P, 3, H, W) in [-1, 1]; ``photo_blank`` bool (P,), True where nothing is given;
- ``photo_index`` int64 (B,): the photo that each target belongs to (several tasks share one photo);
- ``prompts`` list of B Prompt; ``target`` float32 (B, 3, H, W) in [-1, 1], the map to paint;
- ``valid`` bool (B, H, W): where the target means something;
- ``labels`` uint8 (B, H, W): position in the prompt's legend, 255 = ignore or not semantic;
- ``depth`` float32 (P, H, W) metres and ``normals`` float32 (P, H, W, 3), where the source has them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from visiongen.prompt import PHOTO, Legend, Prompt
from visiongen.registry import CODECS, TASKS

Batch = dict[str, Any]
IGNORE = 255

#: Tasks whose maps a photo may be painted from.
REVERSED = ("semantic", "depth", "normals", "edges")


@dataclass(frozen=True)
class Target:
    """One order: ``map`` uint8 (H, W, 3) is the answer; ``valid`` bool (H, W), None = everywhere.

    ``labels`` uint8 (H, W): position in the prompt's legend, 255 = ignore; None without a legend.
    """

    prompt: Prompt
    map: np.ndarray
    valid: np.ndarray | None = None
    labels: np.ndarray | None = None


def photo_prompt(task: str | None = None, legend: Legend | None = None) -> Prompt:
    """The order to paint a photo: from nothing, or from the map of ``task`` (and its legend)."""
    kind = TASKS.get(PHOTO)
    return (kind(source=task, legend=legend) if task == "semantic" else kind(source=task)).prompt()


def random_colours(count: int, rng: np.random.Generator) -> np.ndarray:
    """Colours (count, 3) uint8 far apart, from the legend codec's own generator."""
    module = sys.modules[CODECS.get("legend/nearest@1").__module__]
    return np.asarray(module.random_legend_colours(count, rng), dtype=np.uint8)


def random_legend(names: list[str], rng: np.random.Generator) -> Legend:
    """A legend of ``names`` in that order with freshly drawn colours."""
    colours = random_colours(len(names), rng)
    return Legend(tuple(names), tuple((int(r), int(g), int(b)) for r, g, b in colours))


class BatchBuilder:
    """Collects photos and targets as uint8 arrays and turns them into a batch."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._photos: list[np.ndarray | None] = []
        self._depth: list[np.ndarray | None] = []
        self._normals: list[np.ndarray | None] = []
        self._index: list[int] = []
        self._prompts: list[Prompt] = []
        self._targets: list[np.ndarray] = []
        self._valid: list[np.ndarray | None] = []
        self._labels: list[np.ndarray | None] = []
        self._blank: int | None = None

    def photo(
        self,
        photo: np.ndarray | None,
        depth: np.ndarray | None = None,
        normals: np.ndarray | None = None,
    ) -> int:
        """Add an input photo, uint8 (H, W, 3), or None for "nothing is given"; returns its place."""
        if photo is None and self._blank is not None:
            return self._blank
        self._photos.append(photo)
        self._depth.append(depth)
        self._normals.append(normals)
        if photo is None:
            self._blank = len(self._photos) - 1
        return len(self._photos) - 1

    def target(
        self,
        photo: int,
        prompt: Prompt,
        image: np.ndarray,
        valid: np.ndarray | None = None,
        labels: np.ndarray | None = None,
    ) -> None:
        """Add a map uint8 (H, W, 3) to paint for ``photo`` under ``prompt``."""
        self._index.append(photo)
        self._prompts.append(prompt)
        self._targets.append(image)
        self._valid.append(valid)
        self._labels.append(labels)

    def __len__(self) -> int:
        """Targets so far."""
        return len(self._targets)

    def build(self) -> Batch:
        """The batch as tensors, in the order things were added."""
        h, w = self.size
        blank = np.full((h, w, 3), 128, np.uint8)
        photos = [blank if p is None else p for p in self._photos]
        every = np.ones((h, w), bool)
        nothing = np.full((h, w), IGNORE, np.uint8)
        is_blank = torch.tensor([p is None for p in self._photos])
        batch: Batch = {
            "photo": _image_tensor(photos),
            "photo_blank": is_blank,
            "photo_index": torch.tensor(self._index, dtype=torch.int64),
            "prompts": list(self._prompts),
            "target": _image_tensor(self._targets),
            "valid": torch.from_numpy(np.stack([every if v is None else v for v in self._valid])),
            "labels": torch.from_numpy(
                np.stack([nothing if v is None else v.astype(np.uint8) for v in self._labels])
            ),
        }
        batch["photo"][is_blank] = 0.0
        if any(d is not None for d in self._depth):
            none = np.full((h, w), np.nan, np.float32)
            depth = [none if d is None else d.astype(np.float32) for d in self._depth]
            batch["depth"] = torch.from_numpy(np.stack(depth))
        if any(n is not None for n in self._normals):
            none = np.zeros((h, w, 3), np.float32)
            normals = [none if n is None else n.astype(np.float32) for n in self._normals]
            batch["normals"] = torch.from_numpy(np.stack(normals))
        return batch


def _image_tensor(images: list[np.ndarray]) -> torch.Tensor:
    stacked = torch.from_numpy(np.ascontiguousarray(np.stack(images)))
    # channels first while a value is one byte: the strided copy is what costs
    return stacked.permute(0, 3, 1, 2).contiguous().float().div_(127.5).sub_(1.0)


PHOTOS, TARGETS = 8, 8  # a GPU's batches have multiples of these


def even(batch: Batch) -> Batch:
    """The batch with a round number of photos and targets: cuDNN plans its convolutions anew for each number.

    Nothings are added: blank photos, and the first order again, of which nothing counts.
    """
    photos, targets = -len(batch["photo"]) % PHOTOS, -len(batch["target"]) % TARGETS
    fills = {"photo": 0.0, "photo_blank": True, "depth": torch.nan, "normals": 0.0}
    more = {key: (photos, fill) for key, fill in fills.items()}
    more |= {"photo_index": (targets, batch["photo_index"][0]), "valid": (targets, False)}
    more |= {"labels": (targets, IGNORE), "target": (targets, 0.0)}
    grown = {
        key: torch.cat([value, value.new_full((count, *value.shape[1:]), float(fill))])
        for key, (count, fill) in more.items()
        if (value := batch.get(key)) is not None
    }
    return {**batch, **grown, "prompts": [*batch["prompts"], *batch["prompts"][:1] * targets]}


def move(batch: Batch, device: torch.device) -> Batch:
    """The batch with its tensors on ``device``."""
    if device.type == "cpu":
        return batch
    if "photo" in batch:
        batch = even(batch)
    return {
        k: v.to(device, non_blocking=True) if isinstance(v, torch.Tensor) else v for k, v in batch.items()
    }
