"""A map through a backbone's tokenizer and back: what no painting of that backbone can beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.errors import InputError
from visiongen.units import to_levels, to_unit

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone


def tokenizer_of(backbone: Backbone) -> Any:
    """The backbone's image tokenizer; InputError for a backbone without one."""
    tokenizer = getattr(backbone, "tokenizer", None)
    if tokenizer is None:
        raise InputError(f"backbone {backbone.name!r}: it has no tokenizer, so no ceiling")
    return tokenizer


def through_tokenizer(tokenizer: Any, painted: np.ndarray) -> np.ndarray:
    """A map uint8 (h, w, 3), sides multiples of 8, encoded to tokens and decoded again."""
    import torch

    device = next(tokenizer.parameters()).device
    image = torch.from_numpy(np.ascontiguousarray(painted)).to(device).permute(2, 0, 1)[None]
    with torch.inference_mode():
        decoded = tokenizer.decode(tokenizer.encode(to_unit(image.float())))[0]
    return to_levels(decoded).permute(1, 2, 0).cpu().numpy()
