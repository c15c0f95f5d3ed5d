"""Intrinsic images of photos: albedo, and roughness + metallic where the truth has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from visiongen.benchmarks import perceptual
from visiongen.benchmarks.metrics import image_quality, intrinsics
from visiongen.benchmarks.metrics.shares import as_shares
from visiongen.benchmarks.scorers.base import Options, Scorer, Scores
from visiongen.benchmarks.scorers.svbrdf import stack_parts, unstack_parts
from visiongen.errors import InputError

if TYPE_CHECKING:
    from visiongen.tasks.base import Prediction

GROUPS = {"albedo": [0, 1, 2], "material": [4, 5]}
MEASURES = ("PSNR", "SSIM", "RMSE", "siMSE", "LMSE", "exact", "LPIPS")


class IntrinsicsScorer(Scorer):
    """Means over images, as in Marigold's protocol (Ke et al. 2025), and scale-invariant errors.

    Truth and answer float32 (H, W, 3): base colour, or (H, W, 6): base colour, occlusion, roughness,
    metallic, all in [0, 1] and in the space in which the protocol compares them (Marigold: base colour sRGB,
    the rest linear); NaN = not scored. Scores: albedo_PSNR, albedo_SSIM, albedo_RMSE, albedo_siMSE,
    albedo_LMSE, with "orm" in the protocol's ``parts`` the same for material (roughness and metallic
    together; PSNR and SSIM as of a picture whose third channel is black in both, which is what Marigold's
    code compares), and albedo_LPIPS where the protocol has ``lpips = true``. PSNR over valid pixels, at most
    100 dB (``exact`` is the share of images there); SSIM over the whole frame with its border (torchmetrics),
    invalid pixels 0 in both. None and NaN: the end of [0, 1] that is farther off, black where a scale is
    fitted; SSIM is -1, its least, where nothing is given.
    """

    @property
    def groups(self) -> dict[str, list[int]]:
        """Channels of each group that is scored: by the protocol's ``parts``."""
        whole = "orm" in self.protocol.get("parts", [])
        return GROUPS if whole else {"albedo": GROUPS["albedo"]}

    def stats(self, truth: np.ndarray, answer: np.ndarray | None) -> dict[str, Any]:
        """{group: [numbers as in ``MEASURES``] or [] where nothing is scored}."""
        truth = as_shares("maps: truth", truth)
        shape = truth.shape if answer is None else np.shape(answer)
        width = 6 if len(self.groups) > 1 else 3
        if truth.ndim != 3 or truth.shape[2] != width or shape != truth.shape:
            raise InputError(f"maps: prediction {shape}, truth {truth.shape}; give one shape (H, W, {width})")
        given = np.full(truth.shape, np.nan) if answer is None else as_shares("maps: prediction", answer)
        given = np.where(np.isfinite(given), np.clip(given, 0, 1), np.nan)
        return {name: self._measure(name, truth[..., c], given[..., c]) for name, c in self.groups.items()}

    def _measure(self, name: str, truth: np.ndarray, given: np.ndarray) -> list[float]:
        mask = np.isfinite(truth).all(axis=2)
        if not mask.any():
            return []
        known = mask[..., None]
        fit = np.where(known, given, 0)  # NaN stays: black where a scale is fitted
        one, two = np.where(known, truth, 0), np.where(known, _worst(truth, given), 0)
        shown, painted = (np.pad(side, ((0, 0), (0, 0), (0, 3 - side.shape[2]))) for side in (one, two))
        ratio = image_quality.psnr(shown, painted, 1.0, mask)
        found = [
            ratio,
            image_quality.ssim(shown, painted, 1.0, whole=True) if np.isfinite(given[mask]).any() else -1.0,
            float(np.sqrt(((one - two)[mask] ** 2).mean())),
            intrinsics.si_mse(one, fit, mask),
            intrinsics.lmse(one, fit, mask),
            float(ratio == image_quality.HIGHEST_PSNR),
        ]
        if self._perceptual(name):
            found.append(perceptual.lpips(one, two))
        return found

    def _perceptual(self, name: str) -> bool:
        return bool(self.protocol.get("lpips")) and name == "albedo"

    def _columns(self) -> list[str]:
        return [
            f"{group}_{measure}"
            for group in self.groups
            for measure in MEASURES
            if measure != "LPIPS" or self._perceptual(group)
        ]

    def vector(self, stats: dict[str, Any]) -> np.ndarray:
        """Each group: 1 and its numbers, or zeros."""
        row: list[float] = []
        for group in self.groups:
            found = stats[group]
            count = len(MEASURES) - (not self._perceptual(group))
            row += [1.0, *found] if found else [0.0] * (1 + count)
        return np.array(row, np.float64)

    def scores(self, sums: np.ndarray) -> Scores:
        """Means over the images that have the group; NaN without any."""
        sums, result, place = np.asarray(sums, np.float64), {}, 0
        for group in self.groups:
            images = np.where(sums[..., place] > 0, sums[..., place], np.nan)
            for name in (n for n in self._columns() if n.startswith(f"{group}_")):
                place += 1
                result[name] = sums[..., place] / images
            place += 1
        return result

    def higher_is_better(self, score: str) -> bool:
        """True for PSNR, SSIM and the share of exact images."""
        return score.endswith(("PSNR", "SSIM", "exact"))

    def labels(self, truth: np.ndarray, options: Options) -> np.ndarray:
        """Pixels that mean nothing are painted black."""
        return np.nan_to_num(np.asarray(truth, np.float32), nan=0.0)

    def answer_parts(self, predictions: Mapping[str, Prediction], options: Options) -> np.ndarray:
        """The parts' labels side by side."""
        return stack_parts(predictions, {"basecolor": 3, "orm": 3})

    def labels_parts(self, truth: np.ndarray, options: Options) -> dict[str, np.ndarray]:
        """What is unknown is painted black, open, half rough and not metallic."""
        return unstack_parts(truth, {"basecolor": 3, "orm": 3})


def _worst(truth: np.ndarray, given: np.ndarray) -> np.ndarray:
    """What is given, and where it is NaN the end of [0, 1] that is farther off."""
    return np.where(np.isnan(given), np.where(truth < 0.5, 1.0, 0.0), given)
