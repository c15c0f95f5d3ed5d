"""The image tokenizer: 8 x 8 pixels of a photo or a painted map become one FSQ token, and back.

Finite scalar quantisation (FSQ, arXiv 2309.15505): every channel of a token is rounded to one of a
few levels, no codebook is learned. The levels are spread by a sigmoid of slope 1.6, which uses them
evenly for normally distributed activations. No layer normalises over the picture, so a token depends
on its neighbourhood alone: the same colour is written the same way in every map.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visiongen.errors import InputError, UsageError
from visiongen.units import PATCH, to_unit


@dataclass(frozen=True)
class TokenizerConfig:
    """Shape of a tokenizer."""

    levels: tuple[int, ...] = (8,) * 12  # FSQ levels of each channel; 12 x 3 bits a token
    widths: tuple[int, int, int] = (48, 96, 192)  # channels at 2, 4 and 8 px
    encoder_blocks: int = 2  # residual blocks at 8 px
    decoder_blocks: int = 3  # residual blocks at 8 px

    @classmethod
    def preset(cls, name: str) -> TokenizerConfig:
        """``nano`` (tests) or ``tiny`` (shipped)."""
        table: dict[str, dict[str, Any]] = {
            "nano": dict(widths=(8, 16, 24), encoder_blocks=1, decoder_blocks=1),
            "tiny": {},
        }
        if name not in table:
            raise UsageError(f"unknown tokenizer preset {name!r}: choose one of {', '.join(table)}")
        return cls(**table[name])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint's JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TokenizerConfig:
        """Inverse of ``to_dict`` (lists become tuples)."""
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**plain)


class _Residual(nn.Module):
    """Two 3x3 convolutions without normalisation; starts as the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.silu(self.conv1(F.silu(x))))


def _up(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, 4 * outside, 1), nn.PixelShuffle(2))


class ImageTokenizer(nn.Module):
    """Images (B, 3, H, W) in [-1, 1] <-> tokens (B, H/8, W/8, C) of int64."""

    top: Tensor

    def __init__(self, config: TokenizerConfig | None = None, **options: Any) -> None:
        super().__init__()
        c = self.config = config or TokenizerConfig.from_dict(options)
        two, four, eight = c.widths
        channels = len(c.levels)
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, four, 3, padding=1),
            _Residual(four),
            nn.Conv2d(four, eight, 3, stride=2, padding=1),
            *[_Residual(eight) for _ in range(c.encoder_blocks)],
            nn.SiLU(),
            nn.Conv2d(eight, channels, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(channels, eight, 3, padding=1),
            *[_Residual(eight) for _ in range(c.decoder_blocks)],
            _up(eight, four),
            _Residual(four),
            _Residual(four),
            _up(four, two),
            _Residual(two),
            nn.SiLU(),
            nn.Conv2d(two, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )
        self.register_buffer("top", torch.tensor(c.levels, dtype=torch.float32) - 1, persistent=False)

    @property
    def levels(self) -> tuple[int, ...]:
        """FSQ levels of each channel."""
        return self.config.levels

    # -- quantisation -----------------------------------------------------------------------

    def latent(self, images: Tensor) -> Tensor:
        """Images -> values before rounding, in units of levels: (B, h, w, C) in [0, level - 1]."""
        if images.shape[-2] % PATCH or images.shape[-1] % PATCH or not images.numel():
            h, w = images.shape[-2:]
            raise InputError(f"image of {w} x {h} pixels: both sides must be multiples of {PATCH}")
        z = self.encoder(images).float().permute(0, 2, 3, 1)
        return torch.sigmoid(1.6 * z) * self.top

    def values(self, tokens: Tensor) -> Tensor:
        """Tokens (or values in units of levels) (..., C) -> numbers in [-1, 1]."""
        return tokens.float() / self.top * 2 - 1

    def encode(self, images: Tensor) -> Tensor:
        """Images (B, 3, H, W) in [-1, 1] -> tokens (B, H/8, W/8, C) int64."""
        return self.latent(images).round().long()

    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens (B, h, w, C) -> images (B, 3, 8h, 8w) in [-1, 1]."""
        return self.paint(self.values(tokens)).clamp(-1, 1)

    def paint(self, values: Tensor) -> Tensor:
        """Token values (B, h, w, C) in [-1, 1] -> images, not clamped; differentiable."""
        return self.decoder(values.permute(0, 3, 1, 2)).float()

    def palette(self, colours: Tensor) -> Tensor:
        """Colours (K, 3) in [-1, 1] -> what the tokenizer writes for a flat patch, (K, C) in [-1, 1]."""
        flat = colours[:, :, None, None].expand(-1, -1, 3 * PATCH, 3 * PATCH)
        return self.values(self.latent(flat)[:, 1, 1])

    # -- training ---------------------------------------------------------------------------

    def forward(self, images: Tensor) -> Tensor:
        """Round trip with straight-through rounding: (B, 3, H, W) -> (B, 3, H, W)."""
        u = self.latent(images)
        u = u + (u.round() - u).detach()
        return self.paint(self.values(u))

    def loss(self, batch: dict[str, Any]) -> tuple[Tensor, dict[str, float]]:
        """Reconstruction of photos and maps, and the decoded class of label maps.

        L1 in colour; for maps with a legend also the cross-entropy of the nearest-colour decode,
        since a label map is only as good as the labels read from it.
        """
        images = batch["target"] if batch.get("photo_blank") is None else _with_photos(batch)
        painted = self(images)
        l1 = (painted - images).abs().mean()
        total, logs = l1, {"l1": float(l1.detach())}
        legend = _legend_loss(painted[: len(batch["prompts"])], batch)
        if legend is not None:
            total = total + 0.25 * legend
            logs["legend_ce"] = float(legend.detach())
        return total, logs


def _with_photos(batch: dict[str, Any]) -> Tensor:
    """Targets, and behind them a quarter as many photos: maps want fidelity more than photos do."""
    photos = batch["photo"][~batch["photo_blank"]]
    return torch.cat([batch["target"], photos[: max(1, len(batch["target"]) // 4)]])


def _legend_loss(painted: Tensor, batch: dict[str, Any], temperature: float = 0.02) -> Tensor | None:
    """Cross-entropy of softmax(-|colour - legend|^2 / temperature), colours in [0, 1]."""
    losses = []
    for i, prompt in enumerate(batch["prompts"]):
        if prompt.legend is None:
            continue
        colours = to_unit(torch.tensor(prompt.legend.colours, device=painted.device))
        labels = batch["labels"][i].flatten().long()
        there = labels < len(colours)
        pixels = painted[i].flatten(1).T[there]
        if not len(pixels):
            continue
        logits = -torch.cdist(pixels, colours.to(pixels)).square() / 4 / temperature
        losses.append(F.cross_entropy(logits, labels[there]))
    return torch.stack(losses).mean() if losses else None
