"""Normals as others paint them: the OpenGL codec with some axes turned around.

Marigold and diffusers paint OpenGL normals: read them with ``normals/opengl@1``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from visiongen.tasks.codecs.base import check_labels
from visiongen.tasks.codecs.normals import OpenGLNormals, import_normals


@dataclass(frozen=True)
class TurnedNormals(OpenGLNormals):
    """Labels in our axes, colours in those of ``convention`` (a key of ``CONVENTIONS``)."""

    convention: ClassVar[str] = "opengl"

    def encode(self, labels: np.ndarray) -> np.ndarray:
        """Unit normals float (H, W, 3), x right, y up, z toward the camera -> foreign map."""
        # Every convention turns axes by signs alone, so the way back is the way there.
        return super().encode(import_normals(check_labels("normals", labels, 3), self.convention))

    def decode(self, painted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Foreign map -> unit normals float32 (H, W, 3) in our axes, and confidence."""
        vectors, confidence = super().decode(painted)
        return import_normals(vectors, self.convention), confidence


@dataclass(frozen=True)
class VisionBananaNormals(TurnedNormals):
    """Red is left, green up, blue toward the camera.

    Source: arXiv 2604.20329, section 3.2: facing left is pinkish red, up light green, the camera
    light blue (the text calls +x right, its colours say otherwise; the colours are what is painted).
    """

    name: ClassVar[str] = "normals/visionbanana@1"
    convention: ClassVar[str] = "lub"


@dataclass(frozen=True)
class DSINENormals(TurnedNormals):
    """Red is left, green up, blue toward the camera.

    Source: github.com/baegwangbin/DSINE: the README's "right, down, front" with outward normals is,
    for the side that is seen, left, up, toward the camera (its issue 8; dn-splatter, pull request
    17); colours (n + 1) / 2 (utils/visualize.py). StableNormal and Lotus paint the same way.
    """

    name: ClassVar[str] = "normals/dsine@1"
    convention: ClassVar[str] = "lub"


@dataclass(frozen=True)
class DirectXNormals(TurnedNormals):
    """Green points down ("Y-"), as in game engines' tangent-space maps.

    Source: wiki.jmonkeyengine.org, Normal Map Conventions; G' = 255 - G.
    """

    name: ClassVar[str] = "normals/directx@1"
    convention: ClassVar[str] = "directx"


@dataclass(frozen=True)
class OpenCVNormals(TurnedNormals):
    """Camera-facing normals in OpenCV axes: x right, y down, z away (a wall in front is blue = 0)."""

    name: ClassVar[str] = "normals/opencv@1"
    convention: ClassVar[str] = "opencv"
