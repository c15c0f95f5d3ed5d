"""Pictures against pictures: PSNR, SSIM, and LPIPS where its library is installed.

``data_range`` is always said: the same error is another number on another range.
"""

from __future__ import annotations

import numpy as np

from visiongen.errors import InputError

HIGHEST_PSNR = 100.0  # dB; equal pictures have no PSNR, so it stops here
WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03


def psnr(
    truth: np.ndarray, prediction: np.ndarray, data_range: float, mask: np.ndarray | None = None
) -> float:
    """Peak signal-to-noise ratio in dB, at most ``HIGHEST_PSNR``, over all values (of pixels in ``mask``).

    Arrays of one shape (H, W[, C]). A NaN in the prediction is off by ``data_range``. Average it over images:
    that is not the PSNR of the mean error. InputError: shapes, range, no pixels.
    """
    truth, prediction = checked(truth, prediction, data_range)
    error = np.where(np.isfinite(prediction), prediction, truth + data_range) - truth
    error = error if mask is None else error[mask]
    if not error.size:
        raise InputError("PSNR: no pixel to compare; skip the image")
    mse = float((error**2).mean()) / data_range**2
    return HIGHEST_PSNR if mse <= 10 ** (-HIGHEST_PSNR / 10) else float(-10 * np.log10(mse))


def ssim(truth: np.ndarray, prediction: np.ndarray, data_range: float, whole: bool = False) -> float:
    """Mean structural similarity (Wang et al. 2004) of arrays (H, W[, C]), channels averaged.

    Gaussian window of 11 pixels, sigma 1.5, k1 = .01, k2 = .03. By default without the 5 pixels at the
    border, where the window leaves the picture, as its authors and scikit-image have it
    (``gaussian_weights``, population covariance); ``whole``: with them, the picture mirrored around it, as
    torchmetrics 1.9 has it. A NaN counts as the end of [0, data_range] that is farther from the truth.
    InputError: shapes, range, under 11 pixels.
    """
    found = ssim_map(truth, prediction, data_range)
    edge = 0 if whole else WINDOW // 2
    return float(found[edge : len(found) - edge, edge : found.shape[1] - edge].mean())


def ssim_map(truth: np.ndarray, prediction: np.ndarray, data_range: float) -> np.ndarray:
    """Structural similarity float64 (H, W[, C]) at each pixel; see :func:`ssim`."""
    import cv2

    one, two = checked(truth, prediction, data_range)
    if min(one.shape[:2]) < WINDOW:
        raise InputError(f"SSIM: {one.shape[:2]} is smaller than its window of {WINDOW} pixels; enlarge it")
    two = np.where(np.isfinite(two), two, np.where(one < data_range / 2, data_range, 0))

    def blur(values: np.ndarray) -> np.ndarray:
        soft = cv2.GaussianBlur(values, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_REFLECT_101)
        return np.asarray(soft).reshape(values.shape)

    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    x, y = blur(one), blur(two)
    xx, yy, xy = blur(one * one) - x * x, blur(two * two) - y * y, blur(one * two) - x * y
    found: np.ndarray = (2 * x * y + c1) * (2 * xy + c2) / ((x * x + y * y + c1) * (xx + yy + c2))
    return found


def dssim(truth: np.ndarray, prediction: np.ndarray, data_range: float) -> float:
    """(1 - SSIM) / 2."""
    return (1 - ssim(truth, prediction, data_range)) / 2


def checked(truth: np.ndarray, prediction: np.ndarray, data_range: float) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 of one shape; InputError."""
    one, two = np.asarray(truth, np.float64), np.asarray(prediction, np.float64)
    if one.shape != two.shape or one.ndim not in (2, 3):
        raise InputError(f"pictures: {two.shape} against {one.shape}; give two (H, W) or (H, W, C)")
    if not data_range > 0:
        raise InputError(f"data_range={data_range}: give the pictures' range, 1 or 255")
    if not np.isfinite(one).all():
        raise InputError("pictures: the truth holds NaN or infinity; zero those pixels in both, or mask them")
    return one, two
