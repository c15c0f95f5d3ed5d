"""The tokenizer alone: what is left of a photo, and of each task's true maps, after a round trip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from visiongen.benchmarks.generation.frames import Frame
from visiongen.benchmarks.generation.maps import mean_row
from visiongen.benchmarks.metrics.image_quality import psnr, ssim
from visiongen.benchmarks.roundtrip import through_tokenizer


def rebuilt_photos(tokenizer: Any, photos: Sequence[np.ndarray]) -> tuple[list[np.ndarray], dict[str, Any]]:
    """The photos uint8 (H, W, 3) after a round trip; mean ``psnr`` (dB) and ``ssim`` with intervals."""
    back = [through_tokenizer(tokenizer, photo) for photo in photos]
    pairs = list(zip(photos, back, strict=True))
    return back, {
        "psnr": mean_row([psnr(a, b, 255) for a, b in pairs]),
        "ssim": mean_row([ssim(a, b, 255) for a, b in pairs]),
        "photos": len(pairs),
    }


def rebuilt_maps(tokenizer: Any, shown: Sequence[Frame]) -> dict[str, dict[str, Any]]:
    """Task -> mean absolute ``error`` of a true map's channels in levels of 255, and how many maps."""
    errors: dict[str, list[float]] = {}
    for frame in shown:
        for task, true in frame.maps.items():
            back = through_tokenizer(tokenizer, true).astype(np.float64)
            errors.setdefault(task, []).append(float(np.abs(back - true).mean()))
    return {task: {"error": mean_row(found), "maps": len(found)} for task, found in sorted(errors.items())}
