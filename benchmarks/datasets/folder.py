"""A folder of one's own as a benchmark: images/, labels/ and a dataset.toml (docs/own-data.md).

Photos are found below ``images`` and named by their path there without suffix; the label of ``a/b`` is
``labels/a/b`` with the ending of its format. A split is everything, a list file or a folder in ``images``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from visiongen.benchmarks.datasets.files import FilesBenchmark, Sample, digest_files, read_list, require
from visiongen.benchmarks.datasets.folder_keys import ALL
from visiongen.benchmarks.datasets.folder_phrases import read_phrases
from visiongen.benchmarks.datasets.folder_spec import FILE, check_primary, load_spec
from visiongen.benchmarks.datasets.folder_texts import texts
from visiongen.benchmarks.datasets.folder_truths import READERS, same_size
from visiongen.benchmarks.datasets.listed import DenseFiles
from visiongen.benchmarks.datasets.parallel import by_number
from visiongen.errors import InputError, MissingDataError, UsageError
from visiongen.image import SUFFIXES, orientation, read_image
from visiongen.prompt import Legend
from visiongen.tasks.referring import Referring

ENDS = {"npy": ".npy", "mat": ".mat"}  # of labels, by format; all others are PNG


def open_folder(path: str | Path) -> FolderBenchmark:
    """The benchmark that a TOML file (or the dataset.toml of a folder) describes.

    MissingDataError: no such file, or no image in a split. UsageError: a key or value that cannot be.
    InputError: photos or phrases that contradict each other.
    """
    path = Path(path).expanduser().resolve()
    return FolderBenchmark(path / FILE if path.is_dir() else path)


class FolderBenchmark(DenseFiles):
    """See the module. The number of images of each split is counted when it is opened."""

    folders = ()
    marker = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spec, table = load_spec(path)
        self.name, self.task, self.version = self.spec.name, self.spec.task, self.spec.version
        self.photos = path.parent / self.spec.images
        self.truths = path.parent / self.spec.labels
        self.protocol = table | texts(self.spec, self.blind_split) | {"files": self.spec.splits}
        self.protocol |= {"default_split": self.spec.chosen_split(), "blind_split": self.blind_split}
        if self.task == "matting" and not self.trimaps.is_dir():
            self.protocol["trimaps"] = "none"
        check_primary(path, self.protocol)
        self.protocol["splits"] = {split: len(self.listed(split)) for split in self.spec.splits}

    @property
    def source(self) -> str:
        """The absolute path of the file."""
        return str(self.path)

    @property
    def blind_split(self) -> str:
        """The split that the blind guess is made from: "train", or else the scored one."""
        return self.spec.blind_split or ("train" if "train" in self.spec.splits else self.spec.chosen_split())

    @property
    def trimaps(self) -> Path:
        """Where trimaps may lie."""
        return self.path.parent / str(getattr(self.spec, "trimaps", ""))

    def root(self, data: str | Path | None) -> Path:
        """The file's folder; ``data`` is not needed."""
        for folder in (self.photos, self.truths):
            if not folder.is_dir():
                raise MissingDataError(f"{folder}: no such folder; make it, or correct {self.path.name}")
        return self.path.parent

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """In the list's order, else by name (numbers by value)."""
        source = self.spec.splits[split]
        self._check_orphans(source)
        return require(self.listed(split), self.path)

    def listed(self, split: str) -> list[Sample]:
        """As ``samples``, but the files of a list need not be there."""
        found = self.names(split)
        if not found:
            raise MissingDataError(f"{self.photos}: no image of split {split!r} there; see {self.path.name}")
        if self.task == "referring":
            return self._phrased(found)
        return [self._sample(name, photo) for name, photo in found.items()]

    def names(self, split: str) -> dict[str, Path]:
        """Name -> photo of a split."""
        self.root(None)
        source = self.spec.splits[split]
        if not source.endswith(".txt"):
            start = "" if source == ALL else source.strip("/") + "/"
            return {name: path for name, path in self.index.items() if name.startswith(start)}
        lines = [self._bare(line) for line in read_list(self.path.parent / source)]
        twice = [line for line, count in Counter(lines).items() if count > 1]
        if twice:
            raise InputError(f"{self.path.parent / source}: {twice[0]!r} is listed twice; list it once")
        return {line: self.index.get(line, self.photos / f"{line}{self._image_end}") for line in lines}

    @cached_property
    def index(self) -> dict[str, Path]:
        """Name -> photo of every picture below ``images``."""
        found: dict[str, Path] = {}
        for path in self.photos.rglob("*"):
            end = self.spec.image_end or path.suffix
            hidden = path.name.startswith(".") or path.suffix.lower() not in SUFFIXES
            if hidden or not path.name.endswith(end):
                continue
            name = path.relative_to(self.photos).as_posix()[: -len(end)]
            if name in found:
                raise InputError(f"{path}: {found[name].name} has the same name; keep one, or set image_end")
            found[name] = path
        return {name: found[name] for name in sorted(found, key=by_number)}

    @property
    def _image_end(self) -> str:
        return self.spec.image_end or ".png"

    def _bare(self, line: str) -> str:
        """A line of a list without the photo's ending."""
        ends = (self.spec.image_end,) if self.spec.image_end else SUFFIXES
        end = next((end for end in ends if line.lower().endswith(end.lower())), "")
        return line.removeprefix(self.spec.images.rstrip("/") + "/")[: -len(end) or None]

    @property
    def label_end(self) -> str:
        """The ending of labels."""
        return self.spec.label_end or ENDS.get(str(getattr(self.spec, "format", "")), ".png")

    def _sample(self, name: str, photo: Path) -> Sample:
        cluster = name.rpartition("/")[0] if self.spec.cluster == "folder" else ""
        return Sample(name, photo, tuple(self._files(name)), options=self.options, cluster=cluster)

    def _files(self, name: str) -> list[Path]:
        """The label's files."""
        if getattr(self.spec, "format", "") == "people":
            folder = self.truths / name
            return sorted(folder.glob(f"*{self.label_end}")) or [folder / f"1{self.label_end}"]
        files = [self.truths / f"{name}{self.label_end}"]
        if self.task == "matting" and self.trimaps.is_dir():
            files.append(self.trimaps / f"{name}{self.label_end}")
        return files

    def _check_orphans(self, source: str) -> None:
        """MissingDataError: a label without a photo, where no list says what is wanted."""
        if source.endswith(".txt") or self.task == "referring":
            return
        below = self.truths if source == ALL else self.truths / source
        for path in below.rglob(f"*{self.label_end}"):
            whole = path.parent if getattr(self.spec, "format", "") == "people" else path
            name = whole.relative_to(self.truths).as_posix().removesuffix(self.label_end)
            if name not in self.index and not path.name.startswith("."):
                raise MissingDataError(
                    f"{path}: has no photo {self.photos / name}; add it, or remove the label"
                )

    @cached_property
    def options(self) -> Mapping[str, Any]:
        """What every image is asked beside the task."""
        if self.task != "panoptic":
            return {}
        return {"legend": Legend.parse(self.protocol["legend"]), "things": tuple(self.protocol["things"])}

    def _phrased(self, photos: Mapping[str, Path]) -> list[Sample]:
        """A sample a phrase, in the order of the file; ids are NAME-1, NAME-2, ..."""
        path = self.path.parent / str(getattr(self.spec, "phrases"))  # noqa: B009
        count: dict[str, int] = {}
        samples = []
        for number, row in enumerate(read_phrases(path), 1):
            name, where = self._bare(row["image"]), f"row {number} of {path.name}"
            if name not in self.index:
                raise InputError(
                    f"{path}: row {number}: no image {row['image']!r} in {self.photos}; correct it"
                )
            if name not in photos:
                continue
            try:
                phrase = Referring(phrase=row["phrase"]).phrase
            except UsageError as error:
                raise InputError(f"{path}: row {number}: {error}") from None
            count[name] = count.get(name, 0) + 1
            note = {"value": row["value"], "row": where}
            samples.append(
                Sample(
                    f"{name}-{count[name]}",
                    photos[name],
                    (self.truths / row["label"],),
                    note,
                    {"phrase": phrase},
                    name,
                )
            )
        if not samples:
            raise MissingDataError(f"{path}: no phrase for any image of the split; add one")
        return samples

    def read_photo(self, sample: Sample) -> np.ndarray:
        """As ``predict`` reads it: there is no official code that takes a profile's numbers as they are."""
        return read_image(sample.photo)

    def digest(self, sample: Sample) -> str:
        """As the base class, and that a profile was looked at, which older versions did not."""
        note = [sample.note, "managed"] if _has_profile(sample.photo) else sample.note
        return digest_files([sample.photo, *sample.truth], note)

    def read_truth(self, sample: Sample) -> np.ndarray:
        """See folder_truths.py; InputError also where it has not the size of a photo that can be read."""
        truth = READERS[self.task](self.protocol, sample)
        try:
            size = photo_size(sample.photo)
        except InputError:
            return truth  # the photo itself fails, and costs no more than its image
        same_size(truth.shape, size, sample.truth[0])
        return truth

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """The scorer's prior from truths of the blind split; lines are not shrunk before."""
        return FilesBenchmark.blind(self, data) if self.task == "edges" else super().blind(data)


def photo_size(path: Path) -> tuple[int, int]:
    """(H, W) of a photo as it is read, turned as its EXIF says; InputError: no picture."""
    with _header(path) as image:
        if image.format == "TIFF" and orientation(image) > 4:
            image.load()  # turns it: before that Pillow's versions differ in what its size means
        wide, high = image.size
        return (wide, high) if orientation(image) > 4 else (high, wide)


def _has_profile(path: Path) -> bool:
    """Whether a photo has an ICC profile; one that cannot be read fails where it is read."""
    try:
        with _header(path) as image:
            return bool(image.info.get("icc_profile"))
    except InputError:
        return False


@contextmanager
def _header(path: Path) -> Iterator[Any]:
    """A picture that is not decoded yet; InputError: none, or one of far too many pixels."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: damaged picture ({error}); write it again") from error
