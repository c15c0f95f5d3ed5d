"""LPIPS, which is a network and so no metric over arrays alone. The library is optional."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics.image_quality import checked
from visiongen.errors import DependencyError, InputError


def lpips(truth: np.ndarray, prediction: np.ndarray, net: str = "alex") -> float:
    """LPIPS v0.1 (Zhang et al. 2018) of float RGB (H, W, 3) in [0, 1]; ``net`` "alex", "vgg" or "squeeze".

    DependencyError without the library ``lpips``; it fetches the network's weights when they are not there.
    """
    import torch

    one, two = checked(truth, prediction, 1.0)
    if one.ndim != 3 or one.shape[2] != 3 or not np.isfinite(two).all():
        raise InputError(f"LPIPS: {one.shape}; give finite RGB (H, W, 3)")
    pair = [torch.from_numpy(a.astype(np.float32)).permute(2, 0, 1)[None] * 2 - 1 for a in (one, two)]
    with torch.inference_mode():
        return float(_perceptual(net)(*pair))


@lru_cache(maxsize=2)
def _perceptual(net: str) -> Any:
    try:
        import lpips as library
    except ImportError as error:
        raise DependencyError("lpips is not installed; pip install visiongen[lpips]") from error
    return library.LPIPS(net=net, verbose=False).eval()
