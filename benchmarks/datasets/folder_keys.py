"""The keys of a folder dataset's ``dataset.toml``, task by task; docs/own-data.md explains them.

A key that is left out has a default, which stands in the protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from visiongen.prompt import BORDER, OTHER, Legend, parse_colour
from visiongen.registry import BENCHMARKS

ALL = "all"
Label = Annotated[int, Field(ge=0, le=255)]
Text = Annotated[str, Field(min_length=1)]


class FolderSpec(BaseModel):
    """The keys of every task. ``splits``: name -> "all", a list file (.txt) or a folder in ``images``."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+-]*$")
    version: Text
    task: str
    data: Text = "a folder of one's own"
    url: Text | None = None
    licence: Text | None = None
    images: Text = "images"
    labels: Text = "labels"
    image_end: Text | None = None
    label_end: Text | None = None
    splits: dict[Text, Text] = Field({ALL: ALL}, min_length=1)
    default_split: Text | None = None
    long_side: int | None = Field(None, ge=16, le=4096)
    primary: Text
    cluster: Literal["folder", "none"] = "none"
    blind_split: Text | None = None
    blind_images: int = Field(200, ge=1)

    @field_validator("splits", mode="before")
    @classmethod
    def _names(cls, value: Any) -> Any:
        """A list of folders is a table of folders."""
        return {one: one for one in value} if isinstance(value, list) else value

    @model_validator(mode="after")
    def _fitting(self) -> FolderSpec:
        if self.name in BENCHMARKS:
            raise ValueError(f"name = {self.name!r}: a benchmark that ships is called so; choose another")
        for key in ("default_split", "blind_split"):
            value = getattr(self, key)
            if value is not None and value not in self.splits:
                raise ValueError(f"{key} = {value!r}: no such split; choose from {', '.join(self.splits)}")
        return self

    def chosen_split(self) -> str:
        """The default split: the one named so, the only one, "val", "test", or the first."""
        if self.default_split is not None:
            return self.default_split
        return next((name for name in ("val", "test") if name in self.splits), next(iter(self.splits)))

    def own(self) -> dict[str, Any]:
        """Keys that the protocol has beside those of the file, or instead of them."""
        return {}


def legend_of(classes: list[str] | None, legend: str | None) -> Legend:
    """The legend in the order of ``classes``; without one, in colours far apart."""
    if classes is None and legend is None:
        raise ValueError("classes: missing; give a list of names, or a legend")
    if legend is not None:
        found = Legend.parse(legend)
        names = list(found.names) if classes is None else classes
        odd = sorted(set(names) ^ set(found.names))
        if odd:
            raise ValueError(f"legend: {odd[0]!r} stands in only one of classes and legend; name it in both")
        by_name = dict(zip(found.names, found.colours, strict=True))
        return Legend.of([(name, by_name[name]) for name in names])
    assert classes is not None
    odd = [name for name in classes if "," in name or "=" in name]
    if odd:
        raise ValueError(f"classes: {odd[0]!r} has a comma or an equals sign; call it something else")
    from visiongen.tasks.codecs.legend import choose_legend_colours

    drawn = choose_legend_colours(max(1, len(classes)), np.random.default_rng(0))
    return Legend.of(list(zip(classes, drawn.tolist(), strict=False)))


def stored_ids(ids: list[int] | None, ignore: Sequence[Any], classes: int) -> list[int]:
    """The stored value of each class; ValueError: too few, twice, or ignored as well."""
    ids = list(range(classes)) if ids is None else ids
    if len(ids) != classes:
        raise ValueError(f"label_ids: {len(ids)} numbers for {classes} classes; give one a class")
    twice = [one for place, one in enumerate(ids) if one in ids[:place] or one in ignore]
    if twice:
        raise ValueError(
            f"label_ids: {twice[0]} is used twice, or ignored as well; each value means one thing"
        )
    return ids


class SemanticSpec(FolderSpec):
    """Label pictures of ids ("png", "npy") or of exact colours ("rgb").

    ``label_colours`` are read and never painted: they may lie a level apart.
    """

    primary: Text = "mIoU"
    format: Literal["png", "rgb", "npy"] = "png"
    classes: list[Text] | None = Field(None, min_length=1, max_length=255)
    legend: Text | None = None
    label_ids: list[Label] | None = None
    label_colours: list[Text] | None = None
    ignore: list[Label] | list[Text] | None = None
    absent_class: Literal["csail", "mmseg", "d2"] = "mmseg"
    boundary: bool = False
    categories: dict[Text, list[Text]] = {}

    def own(self) -> dict[str, Any]:
        """Legend, classes, and what is stored for each of them and for what is not scored."""
        coloured = self.format == "rgb"
        for key in ("label_ids", "label_colours"):
            if getattr(self, key) is not None and coloured == (key == "label_ids"):
                raise ValueError(f"{key}: format = {self.format!r} stores none; remove it or change format")
        ignore = self.ignore if self.ignore is not None else ([] if coloured else [255])
        if any(isinstance(one, str) != coloured for one in ignore):
            kind = "colours, as #000000" if coloured else "stored numbers"
            raise ValueError(f"ignore = {ignore}: format = {self.format!r} has {kind}")
        if coloured and self.label_colours is None and self.legend is None:
            raise ValueError("label_colours: missing; format = 'rgb' needs the colour of each class")
        legend = legend_of(self.classes, self.legend)
        if self.label_colours is not None and len(self.label_colours) != len(legend):
            raise ValueError(
                f"label_colours: {len(self.label_colours)} for {len(legend)} classes; one a class"
            )
        found: dict[str, Any] = {"classes": list(legend.names), "legend": str(legend), "ignore": ignore}
        odd = [one for group in self.categories.values() for one in group if one not in legend.names]
        if odd:
            raise ValueError(f"categories: {odd[0]!r} is no class; choose from classes")
        if not coloured:
            ids = stored_ids(self.label_ids, ignore, len(legend))
            return found | {"label_ids": ids, "void_ids": ignore}
        stored = self.label_colours or str(legend).replace("=", ",").split(",")[1::2]
        colours = [parse_colour(one, "label_colours") for one in [*stored, *ignore]]
        if len(set(colours)) < len(colours):
            raise ValueError("label_colours: one colour is used twice, or ignored as well")
        return found | {"label_colours": stored, "void_colours": ignore}


class PanopticSpec(FolderSpec):
    """Stored: class * 1000 + number, 0 for stuff: 16-bit PNG, NPY, or as R + 256 G + 65536 B."""

    primary: Text = "PQ"
    format: Literal["png", "rgb", "npy"] = "png"
    classes: list[Text] | None = Field(None, min_length=1, max_length=254)
    things: list[Text]
    legend: Text | None = None
    label_ids: list[Annotated[int, Field(ge=0)]] | None = None
    ignore: list[int] = [65535]

    def own(self) -> dict[str, Any]:
        """Legend, classes and ids; a border in the legend is none of the classes."""
        extra = [] if self.legend is None else Legend.parse(self.legend).names
        spare = [name for name in (OTHER, BORDER) if name in extra and name not in (self.classes or [])]
        legend = legend_of(None if self.classes is None else [*self.classes, *spare], self.legend)
        classes = [name for name in legend.names if name not in spare]
        odd = [name for name in self.things if name not in classes]
        if odd:
            raise ValueError(f"things: {odd[0]!r} is no class; choose from {', '.join(classes)}")
        ids = stored_ids(self.label_ids, [], len(classes))
        return {"classes": classes, "legend": str(legend), "label_ids": ids}


class DepthSpec(FolderSpec):
    """Stored: metres * ``scale``, in 16-bit PNG or NPY; ``missing``: stored values that mean nothing."""

    primary: Text = "AbsRel"
    format: Literal["png", "npy"] = "png"
    scale: float | None = Field(None, gt=0, allow_inf_nan=False)
    missing: list[float] = [0]
    min_depth: float = Field(0.001, ge=0, allow_inf_nan=False)
    max_depth: float | None = Field(None, gt=0, allow_inf_nan=False)
    alignments: list[Text] = Field(["none", "median", "lsq_depth", "lsq_disparity", "lsq_log"], min_length=1)

    def own(self) -> dict[str, Any]:
        """The scale: in a PNG it must be said."""
        if self.scale is None and self.format == "png":
            raise ValueError(
                "scale: missing; what a metre is in the PNG: 1000 for millimetres, 256 for KITTI's"
            )
        if self.max_depth is not None and self.max_depth <= self.min_depth:
            raise ValueError(f"max_depth = {self.max_depth}: not above min_depth = {self.min_depth}")
        return {"scale": self.scale or 1.0}


class NormalsSpec(FolderSpec):
    """Stored: (n + 1) / 2 of the full range in 8 or 16 bits, black for none; or unit vectors in NPY."""

    primary: Text = "mean"
    format: Literal["png", "png16", "npy"] = "png"
    axes: Literal["opengl", "lub", "opencv", "directx-green"]


class SalientSpec(FolderSpec):
    """Masks of 0 and 255."""

    primary: Text = "MAE"
    stretch: bool = True


class MattingSpec(FolderSpec):
    """Opacity in 8 bits; ``trimaps``: the folder of trimaps 0, 128, 255, used where it is there."""

    primary: Text = "SAD"
    trimaps: Text = "trimaps"


class EdgesSpec(FolderSpec):
    """Drawn lines: a PNG, a folder of PNGs (one a person), bool NPY (H, W, A), or BSDS500's MAT."""

    primary: Text = "ODS"
    format: Literal["png", "people", "npy", "mat"] = "png"


class ReferringSpec(FolderSpec):
    """``phrases``: JSON or CSV with image, label, phrase and perhaps value (of a label picture of ids)."""

    primary: Text = "gIoU"
    phrases: Text = "phrases.csv"
    empty_union: Literal["lisa", "lavt"] = "lisa"


class InstanceSpec(FolderSpec):
    """Stored: 0 for none, a number (or in "rgb" a colour) an instance."""

    primary: Text = "AP"
    format: Literal["png", "rgb", "npy"] = "png"
    min_area: int = Field(16, ge=0)


SPECS: dict[str, type[FolderSpec]] = {
    "semantic": SemanticSpec,
    "depth": DepthSpec,
    "normals": NormalsSpec,
    "salient": SalientSpec,
    "matting": MattingSpec,
    "edges": EdgesSpec,
    "referring": ReferringSpec,
    "instance": InstanceSpec,
    "panoptic": PanopticSpec,
}
