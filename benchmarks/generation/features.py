"""What a photo looks like, in 91 numbers that no release changes.

No network: pre-trained ones need a download, and random ones mean nothing by themselves. These are
classical statistics, computed in float64 by filters that are written down here, so that the same photo
gives the same numbers on every machine and with every version of torch:

- layout: mean L, a, b (CIE 1976) in a grid of 3 x 4 cells (36)
- contrast: log standard deviation of L, a, b (3)
- texture: a scattering transform of L (Bruna & Mallat 2013, arXiv 1203.1513): log mean modulus of complex
  Gabor filters, 4 octaves x 4 directions (16), and of the moduli filtered again at each coarser octave,
  by the angle between both filters, against the first (24). The second order sees phases: noise of a
  photo's own spectrum has another one
- colour texture: the same first order of a and b, directions averaged (8)
- unevenness: how much the log modulus differs between the cells, by octave (4)

Each number is centred and scaled by constants (:mod:`.scale`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np

from visiongen.benchmarks.generation.scale import CENTRE, SPREAD
from visiongen.errors import InputError

SIZE = (96, 128)  # of every photo that is compared
CELLS = (3, 4)
OCTAVES, ANGLES = 4, 4
FLOOR = 2e-3  # added before the logarithm, in units of L / 100: half a level of 255
GABOR_SIDE, GABOR_SIGMA, GABOR_PERIOD = 9, 1.7, 4.0  # pixels of the octave's own picture


def features(photos: Sequence[np.ndarray]) -> np.ndarray:
    """Photos uint8 (96, 128, 3) -> float64 (N, 91), each about 0 with a spread of 1 over real photos."""
    rows = np.stack([raw_features(photo) for photo in photos])
    return (rows - np.asarray(CENTRE)) / np.asarray(SPREAD)


def raw_features(photo: np.ndarray) -> np.ndarray:
    """One photo -> float64 (91,), before centre and scale. InputError for another size or type."""
    if photo.shape != (*SIZE, 3) or photo.dtype != np.uint8:
        raise InputError(f"photo: {photo.dtype} {photo.shape}; features are of uint8 {(*SIZE, 3)}")
    from skimage.color import rgb2lab

    lab = rgb2lab(photo.astype(np.float64) / 255) / 100
    channels = [np.ascontiguousarray(lab[..., i]) for i in range(3)]
    layout = _cells(lab).ravel()
    contrast = np.log(FLOOR + lab.reshape(-1, 3).std(0))
    moduli = [_moduli(level) for level in _pyramid(channels[0])]
    first = np.array([modulus.mean((1, 2)) for modulus in moduli])  # (octave, angle)
    colour = [
        np.log(FLOOR + _moduli(level).mean()) for channel in channels[1:] for level in _pyramid(channel)
    ]
    uneven = [np.log(FLOOR + _cells(m.mean(0)[..., None])).std() for m in moduli]
    parts = [layout, contrast, np.log(FLOOR + first).ravel(), _second(moduli, first), colour, uneven]
    return np.concatenate(parts)


def _second(moduli: Sequence[np.ndarray], first: np.ndarray) -> np.ndarray:
    """log of the second order against the first: pairs of octaves x angle between the filters (24,)."""
    rows = []
    for fine in range(OCTAVES - 1):
        levels = [_pyramid(modulus, OCTAVES - fine) for modulus in moduli[fine]]
        for step in range(1, OCTAVES - fine):
            again = np.array([_moduli(level[step]).mean((1, 2)) for level in levels])  # (angle, angle)
            turned = np.array([np.roll(row, -angle) for angle, row in enumerate(again)])
            rows.append(np.log((FLOOR + turned.mean(0)) / (FLOOR + first[fine].mean())))
    return np.concatenate(rows)


def _pyramid(picture: np.ndarray, levels: int = OCTAVES) -> list[np.ndarray]:
    """The picture and its halves, blurred before they are thinned out."""
    found = [picture]
    for _ in range(levels - 1):
        found.append(cv2.pyrDown(found[-1]))
    return found


def _moduli(picture: np.ndarray) -> np.ndarray:
    """(H, W) -> modulus of the answer of each complex filter, (ANGLES, H, W)."""
    pairs = [
        [cv2.filter2D(picture, cv2.CV_64F, part, borderType=cv2.BORDER_REFLECT_101) for part in kernel]
        for kernel in _gabors()
    ]
    return np.stack([np.hypot(real, imaginary) for real, imaginary in pairs])


@lru_cache(maxsize=1)
def _gabors() -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Real and imaginary parts, without a mean, of unit L1 norm of the envelope."""
    half = GABOR_SIDE // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float64)
    envelope = np.exp(-(x**2 + y**2) / (2 * GABOR_SIGMA**2))
    envelope /= envelope.sum()
    kernels = []
    for angle in np.arange(ANGLES) * np.pi / ANGLES:
        phase = 2 * np.pi / GABOR_PERIOD * (x * np.cos(angle) + y * np.sin(angle))
        wave = np.exp(1j * phase)
        wave = envelope * (wave - (envelope * wave).sum())
        kernels.append((np.ascontiguousarray(wave.real), np.ascontiguousarray(wave.imag)))
    return tuple(kernels)


def _cells(picture: np.ndarray) -> np.ndarray:
    """Means (3, 4, C) of (H, W, C), whose sides the grid divides."""
    rows, columns = CELLS
    h, w, c = picture.shape
    return picture.reshape(rows, h // rows, columns, w // columns, c).mean((1, 3))
