"""The field's own result files as answers: each function gives a callable image id -> answer.

The id is an item's; only its last part counts ("frankfurt/frankfurt_000000_000294"), and where the file has
numbers it is read as one. KeyError: the file has nothing for that image and should have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from visiongen.benchmarks.datasets.coco_json import to_runs
from visiongen.benchmarks.datasets.label_images import read_index
from visiongen.benchmarks.metrics.coco import Found, encode
from visiongen.benchmarks.metrics.panoptic import labels_of
from visiongen.benchmarks.metrics.semantic import IGNORE
from visiongen.errors import InputError, MissingDataError
from visiongen.tasks.coco_panoptic import read_ids

CITY_FRAME = re.compile(r"[^_]+_\d{6}_\d{6}(?!\d)")
PANOPTIC_KEYS = ("image_id", "file_name", "segments_info")
DETECTION_KEYS = ("image_id", "category_id", "segmentation", "score")


class CocoResults:
    """COCO's or LVIS' results: a list of {image_id, category_id, segmentation (RLE), score}.

    ``places``: category id -> position in the protocol's classes. A ``bbox`` is not looked at: areas come
    from the masks (pycocotools would take the box's, which moves instances between small, medium and
    large). An image without an entry has no detections. InputError: no such file, no list, or an entry
    that lacks a key, has no mask or an unknown category; the message has its place in the list.
    """

    def __init__(self, path: str | Path, places: Mapping[int, int]) -> None:
        self.path, self.places = Path(path), places
        self.images: dict[int | str, list[dict[str, Any]]] = {}
        for place, row in enumerate(read_list(self.path)):
            self._check_row(place, row)
            self.images.setdefault(row["image_id"], []).append({**row, "place": place})

    def _check_row(self, place: int, row: dict[str, Any]) -> None:
        where = f"{self.path}: entry {place}"
        missing = [key for key in DETECTION_KEYS if key not in row]
        if missing:
            raise InputError(f"{where} has no {missing[0]!r}; results need {DETECTION_KEYS}")
        if row["category_id"] not in self.places:
            raise InputError(
                f"{where} has category_id {row['category_id']}, which the benchmark has not; "
                "write the official ids, not positions"
            )
        mask = row["segmentation"]
        if not isinstance(mask, dict) or not {"size", "counts"} <= set(mask):
            what = "lacks size or counts" if isinstance(mask, dict) else "is a polygon"
            raise InputError(f"{where} {what}; write masks as RLE (size and counts)")

    def __call__(self, name: str) -> Found:
        """The detections of one image."""
        rows = self.images.get(key_of(name, self.images), [])
        if not rows:
            return Found((0, 0), np.zeros(0, np.int64), [], np.zeros(0))
        height, width = (int(side) for side in rows[0]["segmentation"]["size"])
        size = (height, width)
        return Found(
            size,
            np.array([self.places[row["category_id"]] for row in rows], np.int64),
            [to_runs(r["segmentation"], size, f"{self.path}: entry {r['place']}") for r in rows],
            np.array([row["score"] for row in rows], np.float64),
        )

    def check(self, names: Sequence[str]) -> None:
        """InputError when entries there are, but none is of these images: of another split, or other ids."""
        if self.images and not any(key_of(name, self.images) in self.images for name in names):
            raise InputError(
                f"{self.path}: none of its {len(self.images)} images is of this split (its first is "
                f"{next(iter(self.images))!r}, the split's {names[0]!r}); "
                "give results of this split, official ids"
            )


def read_list(path: Path) -> list[dict[str, Any]]:
    """A JSON file that is a list of objects; InputError: it is not."""
    content = read_json(path)
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise InputError(f"{path}: a results file is a list of objects; this is none")
    return content


def read_json(path: Path) -> Any:
    """Any JSON; InputError: damaged. MissingDataError: not there."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise MissingDataError(f"{path}: missing; give the results file") from error
    except ValueError as error:
        raise InputError(f"{path}: no JSON ({error}); write it again") from error


def panoptic_results(
    path: str | Path, places: Mapping[int, int], folder: str | Path | None = None
) -> Callable[[str], np.ndarray]:
    """COCO's panoptic format -> labels int32 (H, W), class * 1000 + number, -1 void.

    ``folder`` holds the PNGs, by default the JSON's name without ".json" beside it. InputError, as
    panopticapi stops too: a segment of the PNG is not in the JSON or the other way round, or its category is
    unknown. KeyError: no annotation for the image.
    """
    path = Path(path)
    pictures = Path(folder) if folder is not None else path.with_suffix("")
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("annotations"), list):
        raise InputError(f"{path}: no list 'annotations' there; give results in COCO's panoptic format")
    rows: dict[int | str, dict[str, Any]] = {}
    for place, row in enumerate(content["annotations"]):
        missing = [key for key in PANOPTIC_KEYS if key not in row]
        if missing:
            raise InputError(f"{path}: annotation {place} has no {missing[0]!r}; it needs {PANOPTIC_KEYS}")
        rows[row["image_id"]] = row

    def answer(name: str) -> np.ndarray:
        row = rows[key_of(name, rows)]
        picture = pictures / str(row["file_name"])
        segments = []
        for one in row["segments_info"]:
            if one["category_id"] not in places:
                raise InputError(
                    f"{picture}: segment {one['id']} has the unknown category {one['category_id']}; "
                    "write the official ids"
                )
            segments.append((int(one["id"]), places[one["category_id"]]))
        return labels_of(read_ids(read_picture(picture, "RGB")), segments, str(picture))

    return answer


def cityscapes_results(folder: str | Path, labels: Sequence[int]) -> Callable[[str], Found]:
    """Cityscapes' instance results: for each image one CITY_SEQ_FRAME*.txt with "mask.png labelID score".

    ``labels``: the label ids of the classes; lines with others are left out, as the official script does.
    KeyError: no file for the image. InputError: several, a line of another form, or a mask that is missing
    or lies outside ``folder``.
    """
    root = Path(folder).resolve()
    files = sorted(root.rglob("*.txt"))

    def answer(name: str) -> Found:
        stem = "_".join(last_of(name).split("_")[:3])
        mine = [path for path in files if path.name.startswith(stem)]
        if not mine:
            raise KeyError(name)
        if len(mine) > 1:
            raise InputError(f"{mine[1]}: a second file for {stem}, beside {mine[0]}; keep one")
        rows = [row for row in read_lines(mine[0], root) if row[1] in labels]
        if not rows:
            return Found((0, 0), np.zeros(0, np.int64), [], np.zeros(0))
        masks = [read_picture(path, "L") > 0 for path, _, _ in rows]
        odd = [path for (path, _, _), mask in zip(rows, masks, strict=True) if mask.shape != masks[0].shape]
        if odd:
            raise InputError(f"{odd[0]}: not of the size of the other masks, {masks[0].shape}")
        kinds = np.array([list(labels).index(label) for _, label, _ in rows], np.int64)
        height, width = masks[0].shape
        return Found((height, width), kinds, encode(np.array(masks)), np.array([row[2] for row in rows]))

    return answer


def cityscapes_pixels(folder: str | Path, labels: Sequence[int]) -> Callable[[str], np.ndarray] | None:
    """Cityscapes' pixel results: for each image one CITY_SEQ_FRAME*.png of label ids, not train ids.

    ``labels``: the label id of each class; the answer has positions among them, 255 for other ids. None: no
    file has a name that goes on after CITY_SEQ_FRAME; files named so exactly hold positions. KeyError: no
    file for the image. InputError: several, or no index PNG.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(Path(folder).rglob("*.png")):
        if (match := CITY_FRAME.match(path.name)) is not None:
            found.setdefault(match[0], []).append(path)
    if not any(path.stem != frame for frame, paths in found.items() for path in paths):
        return None
    table = np.full(256, IGNORE, np.uint8)
    table[list(labels)] = np.arange(len(labels))

    def answer(name: str) -> np.ndarray:
        mine = found[last_of(name)]
        if len(mine) > 1:
            raise InputError(f"{mine[1]}: a second file for {last_of(name)}, beside {mine[0]}; keep one")
        return table[read_index(mine[0])]

    return answer


def read_lines(path: Path, root: Path) -> Iterator[tuple[Path, int, float]]:
    """Mask file, label id and score of each line; InputError names the line."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        parts = line.strip().split(" ")
        if parts == [""]:
            continue
        try:
            name, label, score = parts
            row = ((path.parent / name).resolve(), int(float(label)), float(score))
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {line!r} is not 'mask.png labelID score'") from error
        if PurePosixPath(name).is_absolute() or not row[0].is_relative_to(root):
            raise InputError(f"{path}, line {number}: {name} lies outside {root}; write a relative path")
        yield row


def read_picture(path: Path, mode: str) -> np.ndarray:
    """A picture in PIL's ``mode``; InputError: damaged. MissingDataError: not there."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return np.asarray(image.convert(mode))
    except FileNotFoundError as error:
        raise MissingDataError(f"{path}: named in the results but missing") from error
    except (OSError, SyntaxError) as error:
        raise InputError(f"{path}: damaged picture ({error}); write it again") from error


def last_of(name: str) -> str:
    """The last part of an item's id."""
    return PurePosixPath(name).name


def key_of(name: str, rows: Mapping[int | str, Any]) -> int | str:
    """The last part as a number, if it is one and a key of ``rows``."""
    last = last_of(name)
    return int(last) if last.isdecimal() and int(last) in rows else last
