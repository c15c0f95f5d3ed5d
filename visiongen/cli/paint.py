"""``visiongen paint`` and ``visiongen inpaint``: photos from maps, and holes in photos filled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visiongen.cli import common
from visiongen.errors import UsageError

if TYPE_CHECKING:
    from visiongen.tasks import Prediction

Count = Annotated[int, typer.Option("--count", metavar="N", help="Pictures, seeds SEED, SEED+1, ...")]


def paint(
    maps: Annotated[list[str], typer.Argument(metavar="MAP...", help="Painted maps, folders or globs.")],
    out: common.Out = Path("out"),
    source: Annotated[
        str | None,
        typer.Option("--source", help="What the map shows, if it does not say."),
    ] = None,
    legend: common.LegendText = None,
    mode: common.ModeName = "verified",
    seed: common.Seed = 0,
    count: Count = 1,
    long_side: common.LongSide = None,
    weights: common.WeightsName = "tiny",
    json_target: common.JsonTarget = None,
) -> None:
    """Paint a photo from every map. Maps that visiongen wrote name their task and legend themselves."""
    from visiongen.image import list_inputs
    from visiongen.tasks import predict
    from visiongen.tasks.image import Image

    Image(source)  # refuses an unknown source
    options: dict[str, Any] = {"mode": mode, "long_side": long_side, "legend": legend, "source": source}
    _check(mode, count)
    paths = list_inputs(maps)
    backbone = common.load_backbone(weights)

    bare = [Path(f"{path.stem.removesuffix('.map')}{path.suffix}") for path in paths]
    ends = [_numbered("", seed + i) for i in range(count if count > 1 else 0)]
    stems = dict(zip(paths, common.unique_stems(bare, ends), strict=True))

    def work(path: Path, _: str) -> Iterator[dict[str, Any]]:
        seeds = range(seed, seed + count)
        found = (predict("image", path, backbone=backbone, **options, seed=s) for s in seeds)
        return _save(found, count, out, stems[path], path, json_target)

    common.report_inputs(paths, "painting", work, json_target, "visiongen.paint/1", backbone)


def inpaint(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="One image file.")],
    mask: Annotated[
        Path, typer.Option("--mask", metavar="MASK", help="Picture of the photo's size, white in the hole.")
    ],
    out: common.Out = Path("out"),
    mode: common.ModeName = "verified",
    seed: common.Seed = 0,
    count: Count = 1,
    long_side: common.LongSide = None,
    weights: common.WeightsName = "tiny",
    json_target: common.JsonTarget = None,
) -> None:
    """Fill the hole that MASK shows; every pixel outside it stays exactly as it is."""
    from visiongen.tasks import inpaint as fill

    _check(mode, count)
    backbone = common.load_backbone(weights)

    def work(path: Path, stem: str) -> Iterator[dict[str, Any]]:
        seeds = range(seed, seed + count)
        asked: dict[str, Any] = {"mode": mode, "backbone": backbone, "long_side": long_side}
        found = (fill(path, mask, seed=s, **asked) for s in seeds)
        return _save(found, count, out, f"{stem}.filled", path, json_target)

    common.report_inputs([photo], "filling", work, json_target, "visiongen.inpaint/1", backbone)


def _check(mode: str, count: int) -> None:
    """Refuse what would paint one picture several times (UsageError)."""
    common.check_mode(mode)
    from visiongen.backbones.sampler import SEEDED

    if count < 1 or (count > 1 and mode not in SEEDED):
        modes = f"{', '.join(SEEDED[:-1])} or {SEEDED[-1]}"
        raise UsageError(f"--count {count}: at least 1; more than 1 goes with --mode {modes}")


def _numbered(stem: str, seed: int) -> str:
    return f"{stem}.seed{seed}"


def _save(
    found: Iterable[Prediction], count: int, out: Path, stem: str, source: Path, json_target: str | None
) -> Iterator[dict[str, Any]]:
    """Save ``count`` pictures under one name, numbered by seed when there are several; rows of the report.

    Each is saved as soon as it is painted: what ends the command in the middle leaves those before it.
    """
    for prediction in found:
        name = stem if count == 1 else _numbered(stem, prediction.sample["seed"])
        files = [str(file) for file in prediction.save(out, name)]
        common.say(f"{source}: image -> {files[0]}", json_target)
        yield {"input": str(source), "files": files} | prediction.as_dict()
