"""The specialist row: one small U-Net per task, trained by the same loop on the same data.

It answers "what does one generalist cost or gain": a ResNet encoder from timm without pre-trained
weights, a U-Net decoder, a head for exactly one task, plain losses. 4.3 M parameters, 8.7 MB as
fp16. ``loss`` reads the same training batches as the backbone. What a task's head says, and how it
is trained and read, stands in visiongen.benchmarks.heads.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visiongen.benchmarks.head_base import Head, Rows
from visiongen.benchmarks.heads import LabelHead, head_for
from visiongen.benchmarks.sheets import Sheet
from visiongen.errors import WeightsError
from visiongen.geometry import Geometry
from visiongen.training.batches import IGNORE
from visiongen.units import to_unit
from visiongen.world.classes import CAMVID_NAMES

if TYPE_CHECKING:
    from visiongen.prompt import Prompt
    from visiongen.tasks.base import Task

__all__ = ["IGNORE", "Specialist", "SpecialistConfig", "load_specialist"]


@dataclass(frozen=True)
class SpecialistConfig:
    """Everything needed to rebuild the module."""

    task: str = "semantic"  # of visiongen.benchmarks.heads.HEADS
    encoder: str = "resnet18"  # a timm ResNet, never pre-trained
    channels: tuple[int, ...] = (48, 96, 160, 256)  # of the encoder's four stages
    decoder: tuple[int, ...] = (96, 80, 64, 48)  # at strides 16, 8, 4, 2
    classes: tuple[str, ...] | str = CAMVID_NAMES  # names behind a class head's channels; "world": all of it
    balance: float = 0.0  # training: how much small classes count, visiongen.training.balance

    def __post_init__(self) -> None:
        head_for(self.task)

    @property
    def names(self) -> tuple[str, ...]:
        """The class names, in the order of the head's channels."""
        if self.classes == "world":
            from visiongen.world.classes import CLASS_NAMES

            return (*CLASS_NAMES, "border") if self.task == "panoptic" else CLASS_NAMES
        return tuple(self.classes)


def _block(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (inputs, outputs):
        layers += [nn.Conv2d(width, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)]
        layers += [nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class Specialist(nn.Module):
    """U-Net for one task. Photos (P, 3, H, W) in [-1, 1] -> what the task's head says.

    ``forward`` returns float (P, C, H, W), see visiongen.benchmarks.heads. Any H, W >= 32.
    ``learned_at``: the longest side of the pictures it was trained on, None where that is not known.
    """

    learned_at: int | None = None

    def __init__(self, config: SpecialistConfig | str | None = None, **options: Any) -> None:
        super().__init__()
        if not isinstance(config, SpecialistConfig):
            if config is not None:
                options["task"] = config
            known: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
            }
            config = SpecialistConfig(**known)
        import timm

        self.config = config
        self.encoder = timm.create_model(
            config.encoder, pretrained=False, features_only=True, channels=config.channels
        )
        info: Any = self.encoder.feature_info
        widths = list(info.channels())
        self.context = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(widths[-1], widths[-1], 1), nn.Sigmoid()
        )
        self.decoder = nn.ModuleList()
        below = widths[-1]
        for skip, width in zip(reversed(widths[:-1]), config.decoder, strict=True):
            self.decoder.append(_block(below + skip, width))
            below = width
        self.says: Head = head_for(config.task)
        self.head = nn.Conv2d(below, self.says.channels(config.names), 1)
        if self.says.bias is not None:
            nn.init.constant_(self.head.bias, self.says.bias)  # type: ignore[arg-type]
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, photo: Tensor) -> Tensor:
        """See the class."""
        size = photo.shape[-2:]
        # a CPU's bf16 convolutions learn 1.6 times as fast from pixels whose channels lie together
        features = self.encoder(photo.contiguous(memory_format=torch.channels_last))
        x = features[-1] * self.context(features[-1])
        for skip, block in zip(reversed(features[:-1]), self.decoder, strict=True):
            x = F.interpolate(x, skip.shape[-2:], mode="bilinear", align_corners=False)
            x = block(torch.cat([x, skip], 1))
        return F.interpolate(self.head(x).float(), size, mode="bilinear", align_corners=False)

    def loss(self, batch: dict[str, Any]) -> tuple[Tensor, dict[str, float]]:
        """Mean loss over the batch's rows of this task, and numbers for the log.

        Rows of other tasks, and photos that were blanked out, are skipped; without any row left the
        loss is a zero that still has a gradient.
        """
        rows = [i for i, prompt in enumerate(batch["prompts"]) if prompt.task == self.config.task]
        blank = batch.get("photo_blank")
        index = batch["photo_index"]
        if blank is not None:
            rows = [i for i in rows if not bool(blank[index[i]])]
        if not rows:
            nothing = sum((p.sum() * 0.0 for p in self.parameters()), torch.zeros(()))
            return nothing, {"rows": 0.0}  # type: ignore[return-value]
        photos = index[torch.as_tensor(rows, device=index.device)]
        used, place = torch.unique(photos, return_inverse=True)
        output = self(batch["photo"][used])
        return self.says.loss(output, Rows(batch, rows, used, place), self.config.names, self.config.balance)

    @torch.inference_mode()
    def predict(self, photo: np.ndarray) -> np.ndarray:
        """What the head says of one uint8 (H, W, 3) photo: metres, unit normals, logits, colours, a share."""
        device = next(self.parameters()).device
        tensor = torch.from_numpy(np.ascontiguousarray(photo)).to(device).permute(2, 0, 1)[None]
        return self.says.read(self(to_unit(tensor.float()))[0])

    def long_side(self, asked: int) -> int:
        """The side at which it looks: as asked, but not larger than what it learned to see.

        A convolutional network that meets things at twice the size it knows takes them for other things.
        """
        return min(asked, self.learned_at or asked)

    def sheet(self, photo: np.ndarray, task: Task, prompt: Prompt, long_side: int) -> Sheet:
        """What it says of a photo uint8 (H, W, 3), looked at as ``long_side()`` has it.

        Depth and normals are labels as they are: the codec's 8 bits are not this network's fault.
        """
        geometry = Geometry.fit((photo.shape[0], photo.shape[1]), self.long_side(long_side))
        answer = self.predict(geometry.apply(photo))
        painted = self.says.paint(answer, self.config.names, task, prompt)
        labels = answer if isinstance(self.says, LabelHead) else None
        return Sheet(painted, task.codec(prompt.legend), labels=labels)


def load_specialist(path: str | Path) -> Specialist:
    """A specialist that the training loop saved, in eval mode; WeightsError when unusable."""
    from visiongen.training.run import trained

    model, recipe = trained(path)
    if not isinstance(model, Specialist):
        raise WeightsError(f"{path}: holds {type(model).__name__}, not a specialist; give another file")
    sizes = [part["options"]["size"] for part in recipe.get("data", ()) if "size" in part.get("options", {})]
    model.learned_at = max((int(np.max(size)) for size in sizes), default=None)
    return model
