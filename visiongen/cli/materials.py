"""``visiongen materials``: PBR sets from photos of surfaces or scenes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from visiongen.cli import common
from visiongen.errors import UsageError


def materials(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Image files, folders or globs.")],
    out: common.Out = Path("out"),
    scene: Annotated[
        bool, typer.Option("--scene", help="Photos of scenes: normals in camera axes, no height.")
    ] = False,
    tileable: Annotated[
        bool, typer.Option("--tileable", help="Repair the seams, so that the set repeats.")
    ] = False,
    size: Annotated[
        int, typer.Option("--size", metavar="PIXELS", help="Longer side of the maps, at most.")
    ] = 1024,
    mode: common.ModeName = "verified",
    seed: common.Seed = 0,
    long_side: common.LongSide = None,
    tile: common.Tile = False,
    mirror: common.Mirror = False,
    weights: common.WeightsName = "tiny",
    json_target: common.JsonTarget = None,
) -> None:
    """Paint base colour, normal, occlusion, roughness and metallic; write PNG, .glb, .mtlx and a preview."""
    common.check_mode(mode)
    if scene and tileable:
        raise UsageError("--tileable: a scene does not repeat; leave out --scene or --tileable")
    options: dict[str, Any] = {"kind": "scene" if scene else "surface", "tileable": tileable, "size": size}
    options |= {"mode": mode, "seed": seed, "long_side": long_side, "tile": tile, "mirror": mirror}
    from visiongen.image import list_inputs

    paths = list_inputs(inputs)
    options["backbone"] = backbone = common.load_backbone(weights)
    common.report_inputs(
        paths,
        "painting",
        lambda path, stem: _one(path, stem, out, options, json_target),
        json_target,
        "visiongen.materials-run/1",
        backbone,
    )


def _one(
    path: Path, stem: str, out: Path, options: dict[str, Any], json_target: str | None
) -> list[dict[str, Any]]:
    """Paint and save one photo's set; its row of the report."""
    from visiongen.tasks.material_set import predict_materials

    found = predict_materials(path, **options)
    files = found.save(out, stem)
    report = json.loads(files[-1].read_text(encoding="utf-8"))
    text = f"{path}: {len(files)} files -> {out / stem}.*, re-rendered RMSE {report['rerender']['rmse']:.3f}"
    if found.tileable:
        before, after = (found.seams[k] for k in ("before", "after"))
        text += f", seam x {before['x']} -> {after['x']}, y {before['y']} -> {after['y']}"
    common.say(text, json_target)
    return [report | {"input": str(path), "files": [str(file) for file in files]}]
