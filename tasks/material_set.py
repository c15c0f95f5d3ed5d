"""A photo's PBR set, painted in one go: base colour, normal, occlusion, roughness, metallic, height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.errors import UsageError
from visiongen.image import Photo, as_photo, named_photo
from visiongen.relight import CAMERA, NINE_LIGHTS, Light, SurfaceMaps, responses
from visiongen.resize import resize_photo
from visiongen.tasks.pbr.fit import Rerender, fit_light
from visiongen.tasks.pbr.height import integrate
from visiongen.tasks.pbr.seams import seam_ratio, tileable
from visiongen.tasks.predicting import predict_many

SCHEMA = "visiongen.materials/1"
KINDS = {"surface": "tangent", "scene": "normals"}
"""What may be photographed, and the task that paints its normals."""
INTEGRATED = "integrated from normals"


@dataclass(frozen=True)
class MaterialSet:
    """Float32 maps of one size (H, W), with where they came from.

    ``maps``: base colour sRGB, roughness, metallic, occlusion (1 = open) in [0, 1]; unit normals, in the
    surface's own frame (kind "surface") or in camera axes ("scene"), zero = none. ``height``: (H, W) in
    patch widths, mean 0, up = toward the viewer, or None; ``height_source`` says how it was made.
    ``photo``: uint8 (H, W, 3), what was read, at the maps' size. ``seams``: ratios before and after a
    repair. ``about``: what painting took, and the weights.
    """

    maps: SurfaceMaps
    height: np.ndarray | None = None
    height_source: str | None = None
    kind: str = "surface"
    photo: np.ndarray | None = None
    name: str = "material"
    seams: dict[str, Any] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def base_colour(self) -> np.ndarray:
        """sRGB (H, W, 3) in [0, 1]."""
        return self.maps.base_colour

    @property
    def normal(self) -> np.ndarray:
        """Unit vectors (H, W, 3), x right, y up, z toward the viewer; zero = none."""
        return self.maps.normal

    @property
    def occlusion(self) -> np.ndarray:
        """(H, W) in [0, 1], 1 = open."""
        return self.maps.occlusion

    @property
    def roughness(self) -> np.ndarray:
        """Perceptual roughness (H, W) in [0, 1]; GGX alpha is its square."""
        return self.maps.roughness

    @property
    def metallic(self) -> np.ndarray:
        """(H, W) in [0, 1], 1 = metal."""
        return self.maps.metallic

    @property
    def tileable(self) -> bool:
        """Whether the seams were repaired."""
        return "after" in self.seams

    def relight(
        self,
        lights: Sequence[Light] = NINE_LIGHTS,
        camera: tuple[float, float, float] | None = CAMERA,
    ) -> np.ndarray:
        """Pictures uint8 (L, H, W, 3), one a light, as visiongen.relight shades them."""
        from visiongen.tasks.pbr.preview import as_picture

        return as_picture(responses(self.maps, lights, camera))

    def rerender_error(self, photo: Photo | None = None) -> Rerender:
        """The set under the light that explains ``photo`` (None: the one that was read) best, and its RMSE.

        ``photo``: a path, a PIL image or uint8 RGB, of any size. UsageError where there is none.
        """
        photo = self.photo if photo is None else as_photo(photo)
        if photo is None:
            raise UsageError("rerender_error: this set has no photo any more; give the one to compare with")
        return fit_light(self.maps, resize_photo(photo, self.maps.size))

    def seam_ratio(self) -> dict[str, float]:
        """Step across the wrap-around border over the mean inner step, all maps together; 1 = seamless."""
        x, y = seam_ratio(self._stack())
        return {"x": round(x, 4), "y": round(y, 4)}

    def make_tileable(self, share: float = 0.125) -> MaterialSet:
        """A set that repeats without a seam, smaller by about ``share`` of each side.

        All maps change over along one path (visiongen.tasks.pbr.seams); normals are unit again; a height
        that was integrated is integrated anew, now periodic. The photo no longer fits and is left out.
        """
        base, normal, orm = tileable(self._stack(), share)
        length = np.linalg.norm(normal, axis=2, keepdims=True)
        normal = np.where(length > 1e-3, normal / np.maximum(length, 1e-3), [0, 0, 1]).astype(np.float32)
        open_, rough, metal = np.moveaxis(np.clip(orm, 0, 1), 2, 0)
        maps = SurfaceMaps(np.clip(base, 0, 1), normal, rough, metal, open_)
        height = None if self.height is None else integrate(normal, periodic=True)
        before = self.seam_ratio()
        result = replace(self, maps=maps, height=height, photo=None)
        return replace(result, seams={"before": before, "after": result.seam_ratio()})

    def _stack(self) -> list[np.ndarray]:
        m = self.maps
        return [m.base_colour, m.normal, np.dstack([m.occlusion, m.roughness, m.metallic])]

    def as_dict(self) -> dict[str, Any]:
        """What the JSON report holds, without files and re-rendering."""
        report: dict[str, Any] = {"schema": SCHEMA, "name": self.name, "kind": self.kind}
        report |= {"size": list(self.maps.size), "axes": "x right, y up, z toward the viewer"}
        report |= {"height_source": self.height_source, "seam_ratio": self.seam_ratio()}
        means = {n: round(float(getattr(self, n).mean()), 4) for n in ("occlusion", "roughness", "metallic")}
        base = [round(float(v), 4) for v in self.base_colour.reshape(-1, 3).mean(axis=0)]
        return report | {"seams": self.seams, "mean": means | {"base_colour": base}} | self.about

    def save(self, folder: str | Path, stem: str) -> list[Path]:
        """Write STEM.basecolor.png, .normal.png, .orm.png, .height.png, .glb, .mtlx, .preview.png, .json.

        The JSON comes last; each file is complete or absent (SaveError when it cannot be written).
        """
        from visiongen.tasks.pbr.export import save

        return save(self, Path(folder), stem)


def predict_materials(
    photo: Photo,
    *,
    kind: str = "surface",
    tileable: bool = False,
    height: str | None = None,
    size: int = 1024,
    photo_name: str | None = None,
    **options: Any,
) -> MaterialSet:
    """Paint a photo's base colour, normals and ORM together: it is read once.

    ``photo``: a path, a PIL image, or uint8 RGB (H, W, 3). ``kind``: "surface" (flat, from the front:
    tangent-space normals) or "scene" (normals in camera axes). ``tileable``: repair the seams (surface only).
    ``height``: "integrate" (default for a surface) or "none" (for a scene). ``size``: longer side of the
    maps at most. ``options``: of :func:`visiongen.tasks.predict_many` (backbone, mode, seed, long_side,
    tile, ...). Bad options raise UsageError, bad photos InputError.
    """
    height = height or ("integrate" if kind == "surface" else "none")
    _check(kind, tileable, height, size)
    photo, photo_name = named_photo(photo, photo_name)
    photo = _reduced(photo, size)
    tasks = ["basecolor", KINDS[kind], "orm"]
    base, normal, orm = predict_many(tasks, photo, photo_name=photo_name, **options)
    open_, rough, metal = (np.ascontiguousarray(orm.labels[..., i]) for i in range(3))
    maps = SurfaceMaps(base.labels, normal.labels, rough, metal, open_)
    about = {
        "photo": photo_name,
        "prompts": {p.task: p.prompt.text for p in (base, normal, orm)},
        "codecs": {p.task: p.codec.spec() for p in (base, normal, orm)},
        "geometry": base.geometry.as_dict(),
        "stats": {p.task: p.stats for p in (base, normal, orm)},
        "sample": base.sample,
        "weights": base.weights,
    }
    relief = integrate(maps.normal) if height == "integrate" else None
    source = INTEGRATED if relief is not None else None
    name = Path(photo_name).stem if photo_name else "material"
    result = MaterialSet(maps, relief, source, kind, photo, name, about=about)
    if not tileable:
        return result
    again = {"rerender": result.rerender_error().as_dict()}  # of the set as painted; a tile has no photo
    return replace(result, about=about | again).make_tileable()


def _check(kind: str, tileable: bool, height: str, size: int) -> None:
    """Raise UsageError for options that make no sense."""
    if kind not in KINDS:
        raise UsageError(f"kind {kind!r}: choose surface or scene")
    if height not in ("integrate", "none"):
        raise UsageError(f"height {height!r}: choose integrate or none")
    if tileable and kind == "scene":
        raise UsageError("tileable: a scene does not repeat; leave it out or choose kind surface")
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 64:
        raise UsageError(f"size={size!r}: give a whole number of pixels, at least 64")


def _reduced(photo: np.ndarray, size: int) -> np.ndarray:
    """The photo with its longer side ``size`` at most."""
    if max(photo.shape[:2]) <= size:
        return photo
    scale = size / max(photo.shape[:2])
    small = (max(8, round(photo.shape[0] * scale)), max(8, round(photo.shape[1] * scale)))
    return resize_photo(photo, small)
