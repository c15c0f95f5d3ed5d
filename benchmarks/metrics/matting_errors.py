"""Gradient and connectivity errors of a matte, in the two conventions that papers print.

``comp1k``: Composition-1k, the Matlab code of Deep Image Matting (Xu et al. 2017) that GCA and its successors
run: only the trimap's unknown pixels count, both mattes are stretched to [0, 1] first (``mat2gray``), and
both sums are divided by 1000.
``p3m``: P3M-500 and AIM-500 (Li et al.), scipy's Gaussian derivatives, every pixel counts; gradients are
divided by 10, connectivity by 1000.

Gradient: (|grad p| - |grad g|)^2 at sigma 1.4, summed. Connectivity (Rhemann et al. 2009): a pixel is
connected down to the threshold (steps of 0.1) at which it leaves the largest 4-connected component that is
opaque in both mattes; how far its opacity lies above that, if by 0.15 or more, is what is compared. From the
threshold on at which the mattes have nothing in common, everything is lost. P3M's and AIM's code takes the
component of the threshold before as wholly connected there instead (``lenient``): an empty prediction has no
error, and of glass or smoke, opaque nowhere, most is not compared; published figures of their sets are so.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np

CONVENTIONS = ("comp1k", "p3m")
SIGMA = 1.4
SLACK = 0.15
# Matlab's 0:0.1:1 hits what 8-bit opacities hit (153 / 255 >= 0.6); numpy's arange(0, 1.1, 0.1) does not.
STEPS = {"comp1k": np.arange(11) / 10, "p3m": np.arange(0, 1.1, 0.1)}
_KERNEL_ENDS = 1e-2  # Matlab's kernel reaches to where the Gaussian falls to this
Region = np.ndarray | None


def gradient_error(
    prediction: np.ndarray, alpha: np.ndarray, where: Region, convention: str, missing: Region = None
) -> float:
    """Grad of mattes float (H, W) in [0, 1] over the pixels ``where``, bool (H, W) (None: all).

    A ``missing`` pixel, bool (H, W), has the gradient that is farthest from the truth's: the opposite matte
    would not do, its edges are the same.
    """
    if convention == "comp1k":
        prediction, alpha = stretch(prediction), stretch(alpha)
    wanted = gradient(alpha, convention)
    error = gradient(prediction, convention)
    error -= wanted
    if missing is not None and missing.any():
        error[missing] = np.maximum(wanted[missing], steepest(convention) - wanted[missing])
    error *= error
    total = float((error if where is None else error[where]).sum(dtype=np.float64))
    return total / (1000 if convention == "comp1k" else 10)


def steepest(convention: str) -> float:
    """No matte in [0, 1] has a longer gradient."""
    smooth, slope = matlab_kernels() if convention == "comp1k" else scipy_kernels()
    return float(np.sqrt(2) * smooth.sum() * np.abs(slope).sum() / 2)


def stretch(matte: np.ndarray) -> np.ndarray:
    """Matlab's ``mat2gray``: the smallest number becomes 0, the largest 1; a constant is only clipped."""
    low, high = float(matte.min()), float(matte.max())
    return np.clip(matte, 0, 1) if high == low else (matte - low) / (high - low)


@cache
def matlab_kernels() -> tuple[np.ndarray, np.ndarray]:
    """Gaussian and its derivative, float64 (9,), such that their outer product has unit energy."""
    half = int(np.ceil(SIGMA * np.sqrt(-2 * np.log(np.sqrt(2 * np.pi) * SIGMA * _KERNEL_ENDS))))
    x = np.arange(-half, half + 1, dtype=np.float64)
    smooth = np.exp(-(x**2) / (2 * SIGMA**2)) / (SIGMA * np.sqrt(2 * np.pi))
    slope = -x * smooth / SIGMA**2
    return smooth / np.linalg.norm(smooth), slope / np.linalg.norm(slope)


@cache
def scipy_kernels() -> tuple[np.ndarray, np.ndarray]:
    """What ``gaussian_filter`` uses for orders 0 and 1: radius of 4 sigma, weights that sum to 1."""
    half = int(4 * SIGMA + 0.5)
    x = np.arange(-half, half + 1, dtype=np.float64)
    smooth = np.exp(-(x**2) / (2 * SIGMA**2))
    smooth /= smooth.sum()
    return smooth, -x / SIGMA**2 * smooth


def gradient(matte: np.ndarray, convention: str) -> np.ndarray:
    """Length of the gradient, float64 (H, W); the border is replicated (Matlab) or mirrored (scipy)."""
    import cv2

    matlab = convention == "comp1k"
    smooth, slope = matlab_kernels() if matlab else scipy_kernels()
    border = cv2.BORDER_REPLICATE if matlab else cv2.BORDER_REFLECT
    matte = np.ascontiguousarray(matte, np.float64)
    across = cv2.sepFilter2D(matte, -1, slope, smooth, borderType=border)
    down = cv2.sepFilter2D(matte, -1, smooth, slope, borderType=border)
    return np.asarray(cv2.magnitude(across, down))


def connectivity_error(
    prediction: np.ndarray, alpha: np.ndarray, where: Region, convention: str, lenient: bool = False
) -> float:
    """Conn of mattes float (H, W) in [0, 1] over the pixels ``where``, bool (H, W) (None: all).

    ``lenient``: see the module.
    """
    level = connected_down_to(prediction, alpha, convention, lenient)
    error = np.abs(_connected(prediction, level) - _connected(alpha, level))
    return float((error if where is None else error[where]).sum(dtype=np.float64)) / 1000


def _connected(matte: np.ndarray, level: np.ndarray) -> np.ndarray:
    above = matte - level
    return 1 - above * (above >= SLACK)


def connected_down_to(
    prediction: np.ndarray, alpha: np.ndarray, convention: str, lenient: bool = False
) -> np.ndarray:
    """The last threshold at which each pixel is in the largest component opaque in both, float64 (H, W).

    ``lenient``: 1 for what is in it at the last threshold that has one (everything, where none has).
    """
    both = np.minimum(prediction, alpha)
    steps = STEPS[convention]
    level = np.ones(both.shape)
    inside = np.ones(both.shape, bool)
    for before, step in pairwise(steps.tolist()):
        largest = largest_component(both >= step)
        if lenient and not largest.any():
            break  # nor has any higher threshold one
        level[inside & ~largest] = before
        inside &= largest
    return level


def largest_component(mask: np.ndarray) -> np.ndarray:
    """bool (H, W): the largest 4-connected component; all False for an empty mask."""
    import cv2

    _, labels, facts, _ = cv2.connectedComponentsWithStats(
        mask.view(np.uint8), connectivity=4, ltype=cv2.CV_32S
    )
    area = facts[1:, cv2.CC_STAT_AREA]
    if not len(area):
        return np.zeros(mask.shape, bool)
    return np.asarray(labels == 1 + int(area.argmax()))
