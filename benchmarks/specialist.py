"""The specialist row: one small U-Net per task, trained by the same loop on the same data.

It answers "what does one generalist cost or gain": a ResNet encoder from timm without pre-trained
weights, a U-Net decoder, a head for exactly one task, plain losses. 4.3 M parameters, 8.7 MB as
fp16. ``loss`` reads the same training batches as the backbone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visiongen.errors import UsageError, WeightsError
from visiongen.prompt import Prompt
from visiongen.training.balance import pixel_weights
from visiongen.training.batches import IGNORE

HEADS = {"semantic": 11, "depth": 1, "normals": 3}
CAMVID11 = (
    "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian",
    "bicyclist",
)  # fmt: skip
ALIASES = {"signsymbol": "sign"}


@dataclass(frozen=True)
class SpecialistConfig:
    """Everything needed to rebuild the module."""

    task: str = "semantic"  # "semantic", "depth" or "normals"
    encoder: str = "resnet18"  # a timm ResNet, never pre-trained
    channels: tuple[int, ...] = (48, 96, 160, 256)  # of the encoder's four stages
    decoder: tuple[int, ...] = (96, 80, 64, 48)  # at strides 16, 8, 4, 2
    classes: tuple[str, ...] = CAMVID11  # names behind the semantic head's channels
    balance: float = 0.0  # training: how much small classes count, visiongen.training.balance

    def __post_init__(self) -> None:
        if self.task not in HEADS:
            raise UsageError(f"specialist task {self.task!r}: choose one of {', '.join(HEADS)}")


def class_key(name: str) -> str:
    """Lower case without blanks and signs; "SignSymbol" and "sign" are one class."""
    key = re.sub(r"[^a-z0-9]", "", name.lower())
    return ALIASES.get(key, key)


def _block(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in (inputs, outputs):
        layers += [nn.Conv2d(width, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)]
        layers += [nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class Specialist(nn.Module):
    """U-Net for one task. Photos (P, 3, H, W) in [-1, 1] -> logits, log depth or normals.

    ``forward`` returns float (P, C, H, W): 11 class logits; 1 channel ln(metres); 3 unnormalised
    normal components in OpenGL camera axes. Any H, W >= 32.
    """

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
        outputs = len(config.classes) if config.task == "semantic" else HEADS[config.task]
        self.head = nn.Conv2d(below, outputs, 1)
        if config.task == "depth":
            nn.init.constant_(self.head.bias, 1.5)  # type: ignore[arg-type]  # about 4.5 m

    def forward(self, photo: Tensor) -> Tensor:
        """See the class."""
        size = photo.shape[-2:]
        features = self.encoder(photo)
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
        used, inverse = torch.unique(photos, return_inverse=True)
        output = self(batch["photo"][used])
        if self.config.task == "semantic":
            return self._semantic_loss(output[inverse], batch, rows)
        if self.config.task == "depth":
            return _depth_loss(output[:, 0], batch["depth"][used])
        return _normals_loss(output, batch["normals"][used])

    def _semantic_loss(
        self, logits: Tensor, batch: dict[str, Any], rows: list[int]
    ) -> tuple[Tensor, dict[str, float]]:
        prompts, given = batch["prompts"], batch["labels"]
        labels = torch.stack([self.canonical(given[i], prompts[i]) for i in rows])
        seen = labels != IGNORE
        weights = pixel_weights(labels, [self.config.classes] * len(rows), self.config.balance)
        each = F.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="none")
        loss = (each * weights).sum() / weights.sum().clamp(min=1)
        hit = ((logits.argmax(1) == labels) & seen).sum() / seen.sum().clamp(min=1)
        return loss, {"cross_entropy": float(loss.detach()), "accuracy": float(hit)}

    def canonical(self, labels: Tensor, prompt: Prompt) -> Tensor:
        """Positions in the prompt's legend (H, W) -> class ids, int64, 255 ignored."""
        ids = {class_key(name): i for i, name in enumerate(self.config.classes)}
        table = torch.full((256,), IGNORE, dtype=torch.int64, device=labels.device)
        for position, name in enumerate(prompt.legend.names if prompt.legend else ()):
            table[position] = ids.get(class_key(name), IGNORE)
        return table[labels.long()]

    @torch.inference_mode()
    def predict(self, photo: np.ndarray) -> np.ndarray:
        """Answer for one uint8 (H, W, 3) photo: ids uint8 (H, W), metres, or unit normals."""
        device = next(self.parameters()).device
        tensor = torch.from_numpy(np.ascontiguousarray(photo)).to(device).permute(2, 0, 1)[None]
        output = self(tensor.float() / 127.5 - 1)[0]
        if self.config.task == "semantic":
            return output.argmax(0).to(torch.uint8).cpu().numpy()
        if self.config.task == "depth":
            return output[0].exp().cpu().numpy()
        return F.normalize(output, dim=0).permute(1, 2, 0).cpu().numpy()


def _depth_loss(log_depth: Tensor, depth: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Mean |ln p - ln g| over finite positive depth (P, H, W); sky and unknown are left out."""
    valid = torch.isfinite(depth) & (depth > 0)
    truth = torch.where(valid, depth, torch.ones_like(depth)).log()
    loss = ((log_depth - truth).abs() * valid).sum() / valid.sum().clamp(min=1)
    return loss, {"log_error": float(loss.detach())}


def _normals_loss(output: Tensor, normals: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Mean 1 - cos over pixels with a true normal; output (P, 3, H, W), normals (P, H, W, 3)."""
    truth = torch.nan_to_num(normals, nan=0.0, posinf=0.0, neginf=0.0).permute(0, 3, 1, 2)
    valid = truth.norm(dim=1) > 0.5
    cosine = F.cosine_similarity(output, truth, dim=1)
    loss = ((1 - cosine) * valid).sum() / valid.sum().clamp(min=1)
    with torch.no_grad():
        degrees = torch.rad2deg(torch.arccos(cosine.clamp(-1, 1)))
        mean = (degrees * valid).sum() / valid.sum().clamp(min=1)
    return loss, {"one_minus_cos": float(loss.detach()), "degrees": float(mean)}


def load_specialist(path: str | Path) -> Specialist:
    """A specialist that the training loop saved, in eval mode; WeightsError when unusable."""
    from visiongen.training.run import trained_model

    model = trained_model(path)
    if not isinstance(model, Specialist):
        raise WeightsError(f"{path}: holds {type(model).__name__}, not a specialist; give another file")
    return model
