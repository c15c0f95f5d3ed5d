"""Which scores of a benchmark the card shows, and what is to be known about them. No figures here."""

from __future__ import annotations

#: benchmark -> the scores shown; of others the one that decides.
SCORES: dict[str, tuple[str, ...]] = {
    "world-depth": ("AbsRel", "delta1"),
    "world-instance": ("AP", "MBO"),
    "world-salient": ("MAE", "maxF"),
    "world-matting": ("SAD", "MSE"),
    "painted-wall": ("AbsRel/wall", "AbsRel/wall/blank", "leak", "leak/blank"),
    "painted-wall-normals": ("angle", "angle/blank"),
    "painted-wall-classes": ("found", "found/blank", "as_road", "as_road/blank"),
    "ecssd": ("MAE", "maxF"),
    "bsds500": ("ODS", "AP"),
    "pbr-mix": ("relit_rmse", "normal_mean", "base_rmse", "base_bias"),
    "depth-mix": ("AbsRel", "AbsRel@lsq_log"),
    "matting-alpha": ("MSE",),
    "coco128-agnostic": ("AP", "MBO"),
}
#: benchmark -> what a reader must know beside its name.
NOTES: dict[str, str] = {
    "ecssd": "0601-0700",
    "matting-alpha": "GT15-GT18",
    "pbr-mix": "held-out sets under three lights",
    "depth-mix": "real and rendered frames",
    "painted-wall": "pairs of walls",
    "painted-wall-normals": "the same pairs",
    "painted-wall-classes": "the same pairs",
    "coco128-agnostic": "without classes",
    "world-referring": "the specialist reads no phrase",
}
#: score -> how it is called, where its name does not say it.
LABELS: dict[str, str] = {
    "mIoU_d2": "mIoU (classes present)",
    "mean": "mean degrees",
    "MBO": "mean best overlap",
    "maxF": "max F",
    "relit_rmse": "relit RMSE",
    "base_rmse": "base colour RMSE",
    "base_bias": "level of base colour, RMSE",
    "normal_mean": "normals, degrees",
    "AbsRel@lsq_log": "AbsRel, least squares in log depth",
    "AbsRel@lsq_disparity": "AbsRel, least squares in disparity",
    "AbsRel/wall": "AbsRel of painted walls",
    "AbsRel/wall/blank": "AbsRel of blank walls",
    "leak": "share of a painted wall read more than 1.25 times too far",
    "leak/blank": "the same, blank wall",
    "angle": "normals of painted walls, degrees",
    "angle/blank": "the same, blank walls",
    "found": "share of painted walls found as a wall",
    "found/blank": "the same, blank walls",
    "as_road": "share of a painted wall called road",
    "as_road/blank": "the same, blank wall",
}
#: rows of a result in the order of the columns, before and after the model's own.
LEFT, RIGHT = ("blind", "specialist", "draft"), ("mirrored", "synonyms", "prefix", "ceiling")
#: what the model's column and the sign of equal or better rows are compared with.
RIVALS = ("blind", "specialist")
#: order of the benchmarks in each table; others follow by name.
ORDER = (
    "camvid11", "ecssd", "matting-alpha", "bsds500", "pbr-mix", "depth-mix", "stereo-mix", "normals-mix",
    "coco128", "coco128-agnostic", "panoptic-samples",
    "world-semantic", "world-instance", "world-panoptic", "world-referring", "world-depth", "world-normals",
    "world-basecolor", "world-orm", "world-edges", "world-salient", "world-matting", "painted-wall",
    "painted-wall-normals", "painted-wall-classes",
)  # fmt: skip
