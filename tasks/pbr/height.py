"""Height from tangent-space normals, by least squares over all slopes.

Tiles: spectral, as Frankot & Chellappa (PAMI 1988). Others: Poisson equation with free borders, by the
discrete cosine transform, slopes taken halfway between neighbours (trapezoid rule).
"""

from __future__ import annotations

import numpy as np

_MIN_FACING = 0.05


def slopes(normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """dz/dcolumn and dz/drow (H, W) in pixels a pixel, from unit normals (H, W, 3), +Y up.

    Normals without direction (zero) count as flat; very oblique ones are held at 87 degrees.
    """
    facing = np.where(normals.any(axis=2), np.maximum(normals[..., 2], _MIN_FACING), 1).astype(np.float64)
    return -normals[..., 0] / facing, normals[..., 1] / facing


def integrate(normals: np.ndarray, periodic: bool = False) -> np.ndarray:
    """Height float32 (H, W) in patch widths, mean 0, up = toward the viewer.

    ``periodic``: the surface repeats, so its opposite borders meet. A tilt of the whole patch then has no
    place and is lost.
    """
    across, down = slopes(normals)
    height = _spectral(across, down) if periodic else _poisson(across, down)
    height = height - height.mean()
    return (height / normals.shape[1]).astype(np.float32)


def _spectral(across: np.ndarray, down: np.ndarray) -> np.ndarray:
    import scipy.fft

    rows, columns = across.shape
    u = 2j * np.pi * scipy.fft.rfftfreq(columns)[None]
    v = 2j * np.pi * scipy.fft.fftfreq(rows)[:, None]
    # The highest frequency of an even side has no sign, hence no derivative.
    if columns % 2 == 0:
        u[0, -1] = 0
    if rows % 2 == 0:
        v[rows // 2] = 0
    size = abs(u) ** 2 + abs(v) ** 2
    top = u.conj() * scipy.fft.rfft2(across) + v.conj() * scipy.fft.rfft2(down)
    spectrum = np.divide(top, size, out=np.zeros_like(top), where=size > 0)
    height: np.ndarray = scipy.fft.irfft2(spectrum, s=across.shape)
    return height


def _poisson(across: np.ndarray, down: np.ndarray) -> np.ndarray:
    import scipy.fft

    rows, columns = across.shape
    divergence = np.zeros((rows, columns))
    step = (across[:, 1:] + across[:, :-1]) / 2
    divergence[:, :-1] += step
    divergence[:, 1:] -= step
    step = (down[1:] + down[:-1]) / 2
    divergence[:-1] += step
    divergence[1:] -= step
    x = 2 * np.cos(np.pi * np.arange(columns) / columns) - 2
    y = 2 * np.cos(np.pi * np.arange(rows) / rows) - 2
    size = x[None] + y[:, None]
    size[0, 0] = 1
    spectrum = scipy.fft.dctn(divergence, norm="ortho") / size
    spectrum[0, 0] = 0
    height: np.ndarray = scipy.fft.idctn(spectrum, norm="ortho")
    return height
