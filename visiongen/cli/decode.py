"""``visiongen decode``: labels with units from maps that any image model painted."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visiongen.cli import common
from visiongen.errors import InputError, MissingDataError, UsageError

if TYPE_CHECKING:
    from visiongen.tasks.codecs.base import Codec


MOST = 0.5
"""Share of a map in foreign colours from which it is told of."""
#: what --option may not say
UNSAID = dict.fromkeys(
    ("mode", "seed", "long_side", "tile", "mirror", "backbone", "tasks", "photo_name"),
    "a codec has none; leave it out",
) | {"photo": "use --photo"}


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
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="Any other parameter of CODEC: far=100."),
    ] = None,
    json_target: common.JsonTarget = None,
) -> None:
    """Read MAPs into labels, as predict saves them; one bad file does not stop the others (exit code 1)."""
    from visiongen.image import list_inputs
    from visiongen.prompt import Legend

    given = common.task_options(option or [], **UNSAID)
    if legend is not None:
        given["legend"] = Legend.parse(legend)
    chosen = _codec(codec, given)
    if photo is not None and not photo.exists():
        raise MissingDataError(f"--photo {photo}: no such file or folder; check the path")
    paths = list_inputs(inputs)
    photos = _Photos.of(photo)
    numbers = dict(zip(paths, photos.numbers(paths), strict=True))
    common.report_inputs(
        paths,
        "decoding",
        lambda path, stem: [_decode_one(path, stem, numbers[path], chosen, given, photos, out, json_target)],
        json_target,
        "visiongen.decode/1",
    )


def _of_photo(path: Path) -> Path:
    """What a map's photo is called: 139.panoptic.map.png and 139.returned.png are of 139.

    In a name that ``save`` wrote the photo's may have points itself: frame.0007.panoptic.map.png.
    """
    saved = re.fullmatch(r"(.+)\.[a-z]+\.map", path.stem)
    return path.with_name(f"{saved[1] if saved else path.name.split('.')[0]}.png")


def _codec(name: str, given: dict[str, Any]) -> Codec | None:
    """The named codec, None for auto; UsageError for an unknown one or a parameter out of place."""
    from visiongen.tasks.returned import codec_named

    if name == "auto":
        if given:
            flag = "--legend" if "legend" in given else f"--option {next(iter(given))}"
            raise UsageError(f"{flag}: auto reads it in the map; leave it out or name the codec")
        return None
    return codec_named(name, **given)


def _decode_one(
    path: Path,
    stem: str,
    number: int,
    codec: Codec | None,
    given: Collection[str],
    photos: _Photos,
    out: Path,
    json_target: str | None,
) -> dict[str, Any]:
    """Read, register, check and save one map; return its row of the report."""
    from visiongen.image import read_image
    from visiongen.tasks.returned import decode_returned, read_returned, shown_in

    painted, found = read_returned(path, codec, given)
    file = photos.of_map(path)
    picture = read_image(file) if file is not None else None
    name = file.name if file is not None else None
    result = decode_returned(painted, found, picture, name, shown_in(path))
    result.image_id = number
    files = [str(name) for name in result.save(out, stem)]
    common.say(f"{path}: {found.name} -> {files[0]}", json_target)
    for line in _remarks(result.stats):
        common.say(f"{path}: {line}", json_target)
    report = {key: value for key, value in result.as_dict().items() if key != "schema"}
    return {"input": str(path), "files": files} | report


@dataclass(frozen=True)
class _Photos:
    """The photos that maps are laid on: a file for all of them, a folder's by their names, or none."""

    given: Path | None
    files: Sequence[Path]  # of the folder

    @classmethod
    def of(cls, given: Path | None) -> _Photos:
        from visiongen.image import list_inputs

        return cls(given, list_inputs([given]) if given is not None and given.is_dir() else ())

    def of_map(self, path: Path) -> Path | None:
        """The photo itself, or the one of the folder whose name the map's begins with, the longest such name.

        InputError where there is none.
        """
        if self.given is None or not self.given.is_dir():
            return self.given
        name = f"{common.stem_of(path)}."
        alike = [file for file in self.files if name.startswith(f"{common.stem_of(file)}.")]
        alike = [file for file in alike if file.resolve() != path.resolve()]
        if not alike:
            raise InputError(
                f"{path}: its name begins with that of no photo in {self.given}; give the file itself"
            )
        return max(alike, key=lambda file: len(file.stem))

    def numbers(self, paths: Sequence[Path]) -> list[int]:
        """The number of each map's photo in COCO's files; maps of one photo have one."""
        photos = [self._named(path) for path in paths]
        known = list(dict.fromkeys(photos))
        found = dict(zip(known, common.image_numbers(known), strict=True))
        return [found[photo] for photo in photos]

    def _named(self, path: Path) -> Path:
        """The photo, or what it is called where only the map is there."""
        try:
            return self.of_map(path) or _of_photo(path)
        except InputError:  # told when the map's turn comes
            return _of_photo(path)


def _remarks(stats: dict[str, Any]) -> list[str]:
    """What a person should know, in words."""
    lines = []
    if stats.get("transparent"):
        lines.append(
            f"{stats['transparent']:.1%} of it is transparent and shows nothing; ask for an opaque picture"
        )
    if stats["foreign"] > MOST:
        lines.append(
            f"{stats['foreign']:.0%} of what it shows is in colours that its codec does not paint; is it "
            "another map, or none?"
        )
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
