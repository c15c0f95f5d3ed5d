"""Pictures of a PBR set under light: as it lies, and round a ball."""

from __future__ import annotations

import numpy as np

from visiongen.pbr import unit
from visiongen.relight import CAMERA, NINE_LIGHTS, Light, SurfaceMaps, encode_srgb, render
from visiongen.resize import resize_linear, resize_nearest, resize_normals

TILE = 256
#: Key, fill and rim of the ball: far lamps, in the ball's axes.
BALL_LIGHTS = (
    Light((-0.6, 0.8, 1.0), (1.1, 1.05, 1.0), True),
    Light((1.0, 0.1, 0.6), (0.25, 0.28, 0.32), True),
    Light((0.4, -0.6, -0.1), (0.3, 0.3, 0.3), True),
)
_BACKGROUND = 40


def as_picture(linear: np.ndarray) -> np.ndarray:
    """Linear radiance (..., 3) -> uint8 sRGB."""
    return (encode_srgb(linear) * 255 + np.float32(0.5)).astype(np.uint8)


def resized(maps: SurfaceMaps, size: tuple[int, int]) -> SurfaceMaps:
    """The set at (H, W)."""
    return SurfaceMaps(
        resize_linear(maps.base_colour, size),
        resize_normals(maps.normal, size),
        *(resize_linear(m, size) for m in (maps.roughness, maps.metallic, maps.occlusion)),
    )


def ball(maps: SurfaceMaps, side: int = TILE, repeat: float = 1.0) -> np.ndarray:
    """uint8 (side, side, 3): the set round a ball, lit by BALL_LIGHTS and a faint surrounding.

    ``repeat``: how often the set goes round the visible half; the middle of a copy is in front.
    """
    y, x = _disc(side)
    z = np.sqrt(np.maximum(1 - x * x - y * y, 0))
    inside = x * x + y * y < 1
    longitude, latitude = np.arctan2(x, z), np.arcsin(np.clip(y, -1, 1))
    height, width = maps.size
    u = longitude / np.pi * repeat + 0.5
    v = -latitude / np.pi * repeat * width / height + 0.5
    columns, rows = (u % 1 * width).astype(int) % width, (v % 1 * height).astype(int) % height
    out = np.stack([x, y, z], axis=-1)
    east = np.stack([np.cos(longitude), 0 * x, -np.sin(longitude)], axis=-1)
    north = np.cross(out, east)
    bent = maps.normal[rows, columns]
    normal = east * bent[..., :1] + north * bent[..., 1:2] + out * bent[..., 2:]
    rest = (m[rows, columns] for m in (maps.base_colour, maps.roughness, maps.metallic, maps.occlusion))
    base, rough, metal, open_ = rest
    round_ = SurfaceMaps(base, unit(normal.astype(np.float32)), rough, metal, open_)
    picture = as_picture(render(round_, BALL_LIGHTS, (0.35, 0.35, 0.35)))
    picture[~inside] = _BACKGROUND
    return picture


def _disc(side: int) -> tuple[np.ndarray, np.ndarray]:
    """y upward and x (side, side) of the pixels' centres; the ball of radius 1 nearly fills them."""
    at = ((np.arange(side) + 0.5) / side * 2 - 1) * 1.03
    y, x = np.meshgrid(-at, at, indexing="ij")
    return y, x


def contact_sheet(maps: SurfaceMaps, extra: dict[str, np.ndarray], repeat: float = 1.0) -> np.ndarray:
    """uint8: first row the pictures of ``extra`` (photo, ...) and the maps, second row the set relit."""
    height, width = maps.size
    scale = TILE / max(height, width)
    size = (max(8, round(height * scale)), max(8, round(width * scale)))
    small = resized(maps, size)
    normal = np.clip(small.normal * 127.5 + 128, 0, 255).astype(np.uint8)
    orm = np.dstack([small.occlusion, small.roughness, small.metallic])
    first = [
        *extra.values(),
        (small.base_colour * 255).astype(np.uint8),
        normal,
        (orm * 255).astype(np.uint8),
    ]
    lamps = [NINE_LIGHTS[0], *NINE_LIGHTS[1::2]]
    faint = (0.05, 0.05, 0.05)
    second = [ball(maps, TILE, repeat)]
    second += [as_picture(render(small, [lamp], faint, CAMERA)) for lamp in lamps]
    return _rows([first, second])


def _rows(rows: list[list[np.ndarray]], gap: int = 4) -> np.ndarray:
    """Pictures in cells of TILE x TILE, centred."""
    columns = max(len(row) for row in rows)
    cell = TILE + gap
    sheet = np.full((len(rows) * cell + gap, columns * cell + gap, 3), _BACKGROUND, np.uint8)
    for r, row in enumerate(rows):
        for c, picture in enumerate(row):
            if max(picture.shape[:2]) > TILE:
                scale = TILE / max(picture.shape[:2])
                picture = resize_nearest(
                    picture, (round(picture.shape[0] * scale), round(picture.shape[1] * scale))
                )
            high, wide = picture.shape[:2]
            top, left = gap + r * cell + (TILE - high) // 2, gap + c * cell + (TILE - wide) // 2
            sheet[top : top + high, left : left + wide] = picture
    return sheet
