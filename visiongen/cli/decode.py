"""``visiongen decode``: labels with units from maps that any image model painted."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visiongen.cli import common
from visiongen.errors import InputError, MissingDataError

if TYPE_CHECKING:
    from visiongen.prompt import Legend
    from visiongen.tasks.codecs.base import Codec


def decode(
    codec: Annotated[
        str,
        typer.Argument(
            metavar="CODEC", help="Name of the codec, such as depth/cubewalk@1; auto reads it in the PNG."
        ),
    ],
    inputs: Annotated[list[str], typer.Argument(metavar="MAP...", help="Map files, folders or globs.")],
    photo: Annotated[
        Path | None,
        typer.Option(
            "--photo", metavar="FILE|FOLDER", help="Lay the maps on this photo, or on those of equal name."
        ),
    ] = None,
    out: common.Out = Path("out"),
    legend: common.LegendText = None,
    json_target: common.JsonTarget = None,
) -> None:
    """Read MAPs into labels, as predict saves them; one bad file does not stop the others (exit code 1)."""
    from visiongen.image import list_inputs
    from visiongen.prompt import Legend

    asked = None if legend is None else Legend.parse(legend)
    chosen = _codec(codec, asked)
    if photo is not None and not photo.exists():
        raise MissingDataError(f"--photo {photo}: no such file or folder; check the path")
    paths = list_inputs(inputs)
    numbers = dict(zip(paths, common.image_numbers([_of_photo(path) for path in paths]), strict=True))
    common.report_inputs(
        paths,
        "decoding",
        lambda path, stem: [_decode_one(path, stem, numbers[path], chosen, asked, photo, out, json_target)],
        json_target,
        "visiongen.decode/1",
    )


def _of_photo(path: Path) -> Path:
    """What a map's photo is called: 139.panoptic.map.png and 139.returned.png are of 139.

    In a name that ``save`` wrote the photo's may have points itself: frame.0007.panoptic.map.png.
    """
    saved = re.fullmatch(r"(.+)\.[a-z]+\.map", path.stem)
    return Path(f"{saved[1]}{path.suffix}" if saved else path.name.split(".")[0])


def _codec(name: str, legend: Legend | None) -> Codec | None:
    """The named codec, None for auto; UsageError for an unknown one or a legend out of place."""
    from visiongen.errors import UsageError
    from visiongen.tasks.returned import codec_named

    if name == "auto":
        if legend is not None:
            raise UsageError("--legend: auto reads it in the map; leave it out or name the codec")
        return None
    return codec_named(name, **({"legend": legend} if legend is not None else {}))


def _decode_one(
    path: Path,
    stem: str,
    number: int,
    codec: Codec | None,
    legend: Legend | None,
    photo: Path | None,
    out: Path,
    json_target: str | None,
) -> dict[str, Any]:
    """Read, register, check and save one map; return its row of the report."""
    from visiongen.image import read_image
    from visiongen.tasks.returned import decode_returned, read_returned

    painted, found = read_returned(path, codec, legend)
    file = _photo_of(path, photo)
    picture = read_image(file) if file is not None else None
    result = decode_returned(painted, found, picture, file.name if file is not None else None)
    result.image_id = number
    files = [str(name) for name in result.save(out, stem)]
    common.say(f"{path}: {found.name} -> {files[0]}", json_target)
    for line in _remarks(result.stats):
        common.say(f"{path}: {line}", json_target)
    report = {key: value for key, value in result.as_dict().items() if key != "schema"}
    return {"input": str(path), "files": files} | report


def _photo_of(path: Path, photo: Path | None) -> Path | None:
    """The photo itself, or the one in a folder whose name the map's begins with, the longest such name."""
    if photo is None or not photo.is_dir():
        return photo
    from visiongen.image import list_inputs

    alike = [
        file
        for file in list_inputs([photo])
        if f"{common.stem_of(path)}.".startswith(f"{common.stem_of(file)}.")
        and file.resolve() != path.resolve()
    ]
    if not alike:
        raise InputError(f"{path}: its name begins with that of no photo in {photo}; give the file itself")
    return max(alike, key=lambda file: len(file.stem))


def _remarks(stats: dict[str, Any]) -> list[str]:
    """What a person should know, in words."""
    lines = []
    if stats["registration"]:
        found = stats["registration"]
        how = f"{found['framing']}, drift {found['drift_px']} px" if found["refined"] else found["framing"]
        lines.append(f"laid on the photo: {how}; agreement {found['agreement']}; sure: {found['sure']}")
    for check in stats["checks"]:
        if check["wrong"]:
            lines.append(
                f"{check['what']} looks wrong: {check['reading']} (probability {check['probability']})"
            )
    return lines
