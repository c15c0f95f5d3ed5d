"""RefCOCO, RefCOCO+ and RefCOCOg (Yu et al. 2016, Mao et al. 2016): a sentence, and the mask of its object.

Official layout (github.com/lichengunc/refer), the data root being its ``data/`` or the folder above:
``{refcoco,refcoco+,refcocog}/instances.json`` and ``refs(unc).p`` (g: ``refs(umd).p``, ``refs(google).p``),
photos in ``images/mscoco/images/train2014/``. One sample is one sentence, not one object; the id is
its ``sent_id``. A mask is the union of its polygons.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from visiongen.benchmarks.datasets.coco_json import by_id, read_json, to_mask, to_runs
from visiongen.benchmarks.datasets.files import BLIND_IMAGES, FilesBenchmark, Sample, require
from visiongen.errors import InputError, MissingDataError
from visiongen.prompt import MAX_PHRASE, OTHER

PHOTOS = ("images/mscoco/images/train2014", "images/train2014", "train2014")


class RefCoco(FilesBenchmark):
    """See the module; the protocols are protocols/{refcoco,refcoco+,refcocog}.toml."""

    folders: ClassVar[tuple[str, ...]] = ("data", "refer/data", "refer_data", "refer_seg")
    marker: ClassVar[str] = "refcoco/instances.json"

    def samples(self, root: Path, split: str) -> Sequence[Sample]:
        """Sentences in the order of the refs file, each with its photo."""
        return require(self.sentences(root, split), root / self.name)

    def sentences(self, root: Path, split: str) -> list[Sample]:
        """As ``samples``, but the photos need not be there."""
        folder = root / self.name
        partition, wanted = _partition(self.name, split)
        content = read_json(folder / "instances.json", ("images", "annotations"))
        images = by_id(content["images"], folder / "instances.json", "image")
        known = by_id(content["annotations"], folder / "instances.json", "annotation")
        photos, path = _photos(root), folder / f"refs({partition}).p"
        samples = []
        for ref in read_refs(path):
            if not _belongs(ref["split"], wanted):
                continue
            if ref["ann_id"] not in known or ref["image_id"] not in images:
                raise InputError(f"{path}: ref {ref['ref_id']} means no annotation; fetch the set again")
            image, segmentation = images[ref["image_id"]], known[ref["ann_id"]]["segmentation"]
            size = [image["height"], image["width"]]
            for sentence in ref["sentences"]:
                note = {"segmentation": segmentation, "size": size, "sentence": sentence["sent"]}
                options = {"phrase": phrase_of(sentence["sent"])}
                photo = photos / image["file_name"]
                samples.append(Sample(str(sentence["sent_id"]), photo, (), note, options, str(image["id"])))
        if len({one.id for one in samples}) < max(1, len(samples)):
            raise InputError(f"{path}: split {wanted!r} is empty or has a sentence twice; fetch it again")
        return samples

    def read_truth(self, sample: Sample) -> np.ndarray:
        """bool (H, W): what the sentence means."""
        note = sample.note
        where = f"{self.name}, sentence {sample.id}"
        return to_mask(to_runs(note["segmentation"], tuple(note["size"]), where))

    def blind(self, data: str | Path | None) -> Callable[[tuple[int, int]], np.ndarray]:
        """The blob that fits masks of sentences spread over the train split best."""
        known = self.sentences(self.root(data), "train")
        step = max(1, len(known) // BLIND_IMAGES)
        return self.scorer.prior([self.read_truth(one) for one in known[::step][:BLIND_IMAGES]])


class RefCocoPlus(RefCoco):
    """Without words of place."""

    marker: ClassVar[str] = "refcoco+/instances.json"


class RefCocoG(RefCoco):
    """Longer sentences; splits of UMD (by image), and of Google (by object), called val_google."""

    marker: ClassVar[str] = "refcocog/instances.json"


def _partition(name: str, split: str) -> tuple[str, str]:
    """(whose partition, its name of the split)."""
    if name != "refcocog":
        return "unc", split
    return ("google", split.removesuffix("_google")) if split.endswith("_google") else ("umd", split)


def _belongs(given: str, wanted: str) -> bool:
    """As ``REFER.getRefIds``: an image may be in testA and testB at once, "testAB"."""
    if wanted in ("testA", "testB"):
        return wanted[-1] in given
    return wanted in given if wanted == "test" else wanted == given


def _photos(root: Path) -> Path:
    for folder in PHOTOS:
        if (root / folder).is_dir():
            return root / folder
    raise MissingDataError(f"{root / PHOTOS[0]}: missing; put COCO's train2014 there")


def phrase_of(sentence: str) -> str:
    """The sentence as the task takes it: at most 60 bytes, cut after the last whole word.

    One that says nothing asks for "the thing"; "other" is a word of the legend: "the other".
    """
    words = " ".join(sentence.split())
    if words in ("", OTHER):
        return "the thing" if not words else f"the {words}"
    if len(words.encode()) <= MAX_PHRASE:
        return words
    cut = words.encode()[: MAX_PHRASE + 1].decode(errors="ignore")
    whole = cut.rpartition(" ")[0]
    return whole or cut.encode()[:MAX_PHRASE].decode(errors="ignore")


class _Plain(pickle.Unpickler):
    """Reads numbers, texts, lists and tables, and nothing that would run code."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it wants {module}.{name}; only plain values are read")


def read_plain(path: Path) -> Any:
    """What a pickle of plain values holds; MissingDataError: not there. InputError: damaged, or not plain."""
    if not path.is_file():
        raise MissingDataError(f"{path}: missing; complete the dataset")
    try:
        return _Plain(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except Exception as error:  # damaged pickles raise all kinds
        raise InputError(
            f"{path}: no readable pickle ({type(error).__name__}: {error}); fetch it again"
        ) from error


def read_refs(path: Path) -> list[dict[str, Any]]:
    """The refs of a pickle made by Python 2; MissingDataError: not there. InputError: not plain."""
    refs = read_plain(path)
    try:
        for ref in refs:
            _ = ref["split"], ref["ann_id"], ref["image_id"], ref["ref_id"]
            _ = [(one["sent"] + "", one["sent_id"]) for one in ref["sentences"]]
    except (KeyError, TypeError, IndexError) as error:
        raise InputError(f"{path}: no readable refs ({type(error).__name__}: {error}); fetch it") from error
    return list(refs)


REFCOCO = RefCoco("refcoco")
REFCOCO_PLUS = RefCocoPlus("refcoco+")
REFCOCOG = RefCocoG("refcocog")
