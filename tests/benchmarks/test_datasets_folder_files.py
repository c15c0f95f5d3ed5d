"""Folders of one's own, the files: splits, endings, what is missing or too many, faults of dataset.toml."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from own_folders import BLOCKS, PHOTO, SEMANTIC, H, W, folder, save
from PIL import Image

from visiongen.benchmarks.datasets.folder import open_folder
from visiongen.benchmarks.runner import get_benchmark
from visiongen.errors import InputError, MissingDataError, UsageError

# --- splits and files ---------------------------------------------------------------------------


def test_splits_by_list_folder_and_all(tmp_path: Path) -> None:
    toml = SEMANTIC + '\ncluster = "folder"\nsplits = { train = "fit", val = "val.txt", every = "all" }'
    root = folder(tmp_path, toml, {n: BLOCKS for n in ("fit/2", "fit/10", "other/1", "other/2")})
    (root / "val.txt").write_text("other/2\nimages/other/1.png\n\n")
    benchmark = open_folder(root)
    assert benchmark.protocol["splits"] == {"train": 2, "val": 2, "every": 4}
    assert benchmark.protocol["default_split"] == "val" and benchmark.protocol["blind_split"] == "train"
    ids = {s: [item.id for item in benchmark.items(None, s)] for s in ("train", "val", "every")}
    assert ids["val"] == ["other/2", "other/1"] and ids["train"] == ["fit/2", "fit/10"]
    assert ids["every"] == ["fit/2", "fit/10", "other/1", "other/2"]
    assert benchmark.items(None, "val")[0].cluster == "other"
    assert benchmark.present(None) == root and benchmark.source == str(root / "dataset.toml")
    with pytest.raises(UsageError, match="has train, val, every"):
        benchmark.split("test")


def test_endings_of_ones_own(tmp_path: Path) -> None:
    toml = SEMANTIC + '\nimages = "leftImg8bit"\nlabels = "gtFine"\nimage_end = "_leftImg8bit.png"\n'
    root = folder(tmp_path, toml + 'label_end = "_labelIds.png"\nsplits = ["val"]', {})
    save(root / "leftImg8bit/val/x/f_1_leftImg8bit.png", PHOTO)
    save(root / "gtFine/val/x/f_1_labelIds.png", BLOCKS)
    (item,) = open_folder(root).items(None, "val")
    assert item.id == "val/x/f_1" and np.array_equal(item.truth(), BLOCKS)


def test_files_that_are_missing_or_too_many(tmp_path: Path) -> None:
    root = folder(tmp_path, SEMANTIC, {"a": BLOCKS, "b": BLOCKS})
    (root / "labels/b.png").rename(root / "labels/c.png")
    with pytest.raises(MissingDataError, match=r"labels/c\.png: has no photo"):
        open_folder(root).items(None, "all")
    (root / "labels/c.png").unlink()
    with pytest.raises(MissingDataError, match=r"labels/b\.png: listed .* missing \(1 of 4"):
        open_folder(root).items(None, "all")
    save(root / "images/a.jpg", PHOTO)
    with pytest.raises(InputError, match="has the same name"):
        open_folder(root)


@pytest.mark.parametrize("end", ["jpg", "tif"])
def test_a_label_of_another_size_than_the_photo_as_it_is_turned(end: str, tmp_path: Path) -> None:
    root = folder(tmp_path, SEMANTIC, {"a": BLOCKS})
    (root / "images/a.png").unlink()
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(PHOTO).save(root / f"images/a.{end}", exif=exif)
    with pytest.raises(InputError, match="labels of 64x48, but the photo is 48x64"):
        open_folder(root).items(None, "all")[0].truth()
    save(root / "labels/a.png", np.ascontiguousarray(np.rot90(BLOCKS, -1)))
    item = open_folder(root).items(None, "all")[0]
    assert item.truth().shape == item.photo().shape[:2] == (W, H)


def test_photos_are_seen_as_predict_sees_them(tmp_path: Path) -> None:
    """A profile says what the numbers mean; a map painted of the bare numbers is not taken for this one's."""
    from PIL import ImageCms

    from visiongen.benchmarks.datasets.files import digest_files
    from visiongen.image import read_image

    wide = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    for at in range(132, 132 + 12 * int.from_bytes(wide[128:132], "big"), 12):  # red and blue exchanged
        if wide[at : at + 4] in (b"rXYZ", b"bXYZ"):
            wide[at : at + 1] = b"b" if wide[at : at + 1] == b"r" else b"r"
    root = folder(tmp_path, SEMANTIC, {"a": BLOCKS, "b": BLOCKS})
    path, profile = root / "images/a.png", bytes(wide).replace(b"s\0R\0G\0B", b"o\0d\0d\0o")
    Image.fromarray(PHOTO).save(path, icc_profile=profile)
    marked, plain = open_folder(root).items(None, "all")
    assert np.array_equal(marked.photo(), read_image(path)) and not np.array_equal(marked.photo(), PHOTO)
    assert marked.digest != digest_files([path, root / "labels/a.png"])
    assert plain.digest == digest_files([root / "images/b.png", root / "labels/b.png"]), "as ever"


def test_a_photo_of_far_too_many_pixels_costs_its_image_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder(tmp_path, f'{SEMANTIC}\nformat = "npy"', {"a": BLOCKS}, ".npy")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", H * W // 4)
    item = open_folder(root).items(None, "all")[0]
    assert np.array_equal(item.truth(), BLOCKS)
    with pytest.raises(InputError, match="pixels"):
        item.photo()


def test_lists_that_are_empty_or_name_an_image_twice_or_not_at_all(tmp_path: Path) -> None:
    root = folder(tmp_path, SEMANTIC + '\nsplits = { val = "val.txt" }', {"a": BLOCKS})
    with pytest.raises(MissingDataError, match=r"val\.txt: the split's list is missing"):
        open_folder(root)
    (root / "val.txt").write_text("a\na.png\n")
    with pytest.raises(InputError, match="'a' is listed twice"):
        open_folder(root)
    (root / "val.txt").write_text("a\nz\n")
    with pytest.raises(MissingDataError, match=r"images/z\.png: listed"):
        open_folder(root).items(None, "val")


# --- the file -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ('task = "semantics"', "task: 'semantics' is none .* did you mean 'semantic'"),
        ("long_side = 64", "task: missing; choose from semantic"),
        (SEMANTIC + "\nlongside = 64", "longside: no such key; did you mean 'long_side'"),
        (SEMANTIC + "\nscale = 64", "scale: no such key; it belongs to the task depth, this is semantic"),
        (SEMANTIC + '\nlong_side = "big"', "long_side = 'big': .*integer"),
        (SEMANTIC + '\nprimary = "miou"', "primary = 'miou': no such score; did you mean 'mIoU'"),
        (SEMANTIC + '\nformat = "jpg"', "format = 'jpg': .*'png', 'rgb' or 'npy'"),
        (SEMANTIC + "\nlabel_ids = [1, 2]", "label_ids: 2 numbers for 3 classes"),
        (SEMANTIC + "\nlabel_ids = [1, 2, 255]", "label_ids: 255 is used twice, or ignored"),
        (SEMANTIC + '\nlegend = "road=#000000"', "legend: 'car' stands in only one"),
        (SEMANTIC + '\nlegend = "road"', "legend: 'road' has no colour"),
        (SEMANTIC + '\nformat = "rgb"', "label_colours: missing"),
        (SEMANTIC + '\nformat = "rgb"\nlabel_colours = ["#000000"]', "label_colours: 1 for 3 classes"),
        (SEMANTIC + '\nignore = ["#000000"]', "ignore = .*stored numbers"),
        ('task = "semantic"', "classes: missing"),
        ('task = "depth"', "scale: missing; what a metre is"),
        ('task = "depth"\nscale = 0', "scale = 0: .*greater than 0"),
        ('task = "depth"\nscale = 1\nalignments = ["lsq"]', r"alignments \['lsq'\]"),
        ('task = "normals"', "axes: missing; add it"),
        ('task = "normals"\naxes = "maya"', "axes = 'maya'"),
        ('task = "panoptic"\nclasses = ["a"]\nthings = ["b"]', "things: 'b' is no class"),
        (SEMANTIC + '\ndefault_split = "val"', "default_split = 'val': no such split; choose from all"),
        (SEMANTIC + "\nclasses = 3", "not valid TOML"),
    ],
)
def test_faults_of_the_file_name_file_key_value_and_remedy(toml: str, told: str, tmp_path: Path) -> None:
    root = folder(tmp_path, toml, {"a": BLOCKS})
    with pytest.raises(UsageError, match=told) as caught:
        open_folder(root)
    assert str(caught.value).startswith(f"{root / 'dataset.toml'}: ")
    assert "\n" not in str(caught.value)


def test_names_and_versions_are_needed_and_not_taken(tmp_path: Path) -> None:
    root = folder(tmp_path, SEMANTIC, {"a": BLOCKS})
    for text, told in (
        (f'version = "1"\n{SEMANTIC}', "name: missing"),
        (f'name = "mine"\nversion = 1.0\n{SEMANTIC}', "version = 1.0"),
        (f'name = "ade20k"\nversion = "1"\n{SEMANTIC}', "a benchmark that ships is called so"),
        (f'name = "a/b"\nversion = "1"\n{SEMANTIC}', "name = 'a/b'"),
    ):
        (root / "dataset.toml").write_text(text)
        with pytest.raises(UsageError, match=told):
            open_folder(root)
    with pytest.raises(MissingDataError, match="no such file"):
        get_benchmark(str(root / "other.toml"))


def test_legends_keep_the_order_of_classes(tmp_path: Path) -> None:
    toml = SEMANTIC + '\nlegend = "sky=#0000ff,road=#ff0000,car=#00ff00"'
    benchmark = open_folder(folder(tmp_path, toml, {"a": BLOCKS}))
    legend = benchmark.legend()
    assert legend is not None and legend.names == ("road", "car", "sky")
    assert legend.colours[2] == (0, 0, 255)
