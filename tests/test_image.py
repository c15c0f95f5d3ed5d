from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mini_files import exchanged_profile, srgb_profile
from PIL import Image

from visiongen import image as im
from visiongen import resize
from visiongen.errors import InputError, MissingDataError, UsageError
from visiongen.geometry import Geometry
from visiongen.image import list_inputs, read_image

SIZES = st.integers(8, 70)


def save(path: Path, array: np.ndarray, **options: object) -> Path:
    Image.fromarray(array).save(path, **options)
    return path


def test_a_damaged_pil_photo_is_told_like_a_damaged_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    whole = save(tmp_path / "a.jpg", noise).read_bytes()
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cut: damaged or truncated"):
        im.as_photo(Image.open(cut), "cut")
    with pytest.raises(InputError, match="longer than"):
        im.as_photo(Image.new("RGB", (800, 8)), "long")
    odd = Image.open(save(tmp_path / "odd.jpg", noise, exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff"))
    assert im.as_photo(odd).shape == (64, 64, 3)


def test_colours_of_a_profile_become_srgb(tmp_path: Path, photo: np.ndarray) -> None:
    srgb = srgb_profile()
    path = save(tmp_path / "odd.png", photo, icc_profile=exchanged_profile())
    assert np.abs(read_image(path).astype(int) - photo[..., ::-1]).max() <= 2
    assert np.array_equal(read_image(path, stored=True), photo)
    assert np.array_equal(read_image(save(tmp_path / "srgb.png", photo, icc_profile=srgb)), photo)
    assert np.array_equal(read_image(save(tmp_path / "bad.png", photo, icc_profile=b"none")), photo)


def test_a_profile_leaves_what_is_transparent_so(tmp_path: Path) -> None:
    """A transparent colour or palette entry is found by its stored numbers, which the profile changes."""
    array = np.zeros((16, 24, 3), np.uint8)
    array[:8], array[8:] = (10, 20, 30), (200, 40, 60)
    opaque, odd = np.repeat([[0], [255]], 8, 0).repeat(24, 1).astype(np.uint8), exchanged_profile()
    files = {name: tmp_path / f"{name}.png" for name in ("colour", "alpha", "palette", "entry")}
    save(files["colour"], array, icc_profile=odd, transparency=(10, 20, 30))
    save(files["alpha"], np.dstack([array, opaque]), icc_profile=odd)
    entries = Image.fromarray(array).quantize(2)
    entries.save(files["palette"], icc_profile=odd)
    entries.save(files["entry"], icc_profile=odd, transparency=entries.getpixel((0, 0)))
    for name, path in files.items():
        top = (30, 20, 10) if name == "palette" else (255, 255, 255)
        found = read_image(path)
        assert np.abs(found[:8].astype(int) - top).max() <= 2, name
        assert np.abs(found[8:].astype(int) - (60, 40, 200)).max() <= 2, name


def test_reading_in_threads_leaves_warnings_as_they_are(tmp_path: Path, photo: np.ndarray) -> None:
    import warnings
    from concurrent.futures import ThreadPoolExecutor

    path, before = save(tmp_path / "a.png", photo), list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read_image, [path] * 200))
    assert warnings.filters == before


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)


def test_png_is_read_as_it_is(tmp_path: Path, photo: np.ndarray) -> None:
    assert np.array_equal(read_image(save(tmp_path / "a.png", photo)), photo)


def test_gray_and_palette(tmp_path: Path) -> None:
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(read_image(save(tmp_path / "g.png", gray)), np.repeat(gray[..., None], 3, 2))
    picture = Image.fromarray(gray).convert("P")
    picture.putpalette([v for i in range(256) for v in (i, 255 - i, 7)])
    picture.save(tmp_path / "p.png")
    read = read_image(tmp_path / "p.png")
    assert np.array_equal(read[..., 1], 255 - gray) and (read[..., 2] == 7).all()


def test_one_bit_and_cmyk(tmp_path: Path) -> None:
    Image.fromarray(np.eye(16, dtype=bool)).save(tmp_path / "b.png")
    assert np.array_equal(read_image(tmp_path / "b.png")[..., 0], np.eye(16) * 255)
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / "c.jpg")
    red = read_image(tmp_path / "c.jpg")
    assert red[8, 8, 0] > 200 and red[8, 8, 1] < 60


@pytest.mark.parametrize("value", [0, 128, 257, 40000, 65535])
def test_sixteen_bit(tmp_path: Path, value: int) -> None:
    expect = round(value / 257)
    cv2.imwrite(str(tmp_path / "g.png"), np.full((8, 9), value, np.uint16))
    assert (read_image(tmp_path / "g.png") == expect).all()
    cv2.imwrite(str(tmp_path / "c.png"), np.full((8, 9, 3), value, np.uint16))
    assert abs(read_image(tmp_path / "c.png").astype(int) - expect).max() <= 1


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    rgba = np.zeros((8, 8, 4), np.uint8)
    rgba[:, 4:, 3] = 255
    rgba[:, :2, 3] = 128
    read = read_image(save(tmp_path / "a.png", rgba))
    assert (read[:, 2:4] == 255).all() and (read[:, 4:] == 0).all()
    assert abs(read[:, :2].astype(int) - 127).max() <= 1


@pytest.mark.parametrize("value", range(1, 9))
def test_exif_orientation(tmp_path: Path, photo: np.ndarray, value: int) -> None:
    exif = Image.Exif()
    exif[274] = value
    path = save(tmp_path / "e.png", photo, exif=exif)
    turn = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, 1),
    }[value]
    assert np.array_equal(read_image(path), turn(photo))
    assert np.array_equal(read_image(path, stored=True), photo), "as the truth beside it is stored"


@pytest.mark.parametrize("options", [{"progressive": False}, {"progressive": True}])
def test_truncated_jpeg_is_never_a_picture(tmp_path: Path, photo: np.ndarray, options: dict) -> None:
    whole = save(tmp_path / "w.jpg", photo, quality=90, **options).read_bytes()
    path = tmp_path / "t.jpg"
    for cut in [*range(1, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match=r"t\.jpg"):
            read_image(path)


def test_truncated_png(tmp_path: Path, photo: np.ndarray) -> None:
    whole = save(tmp_path / "w.png", photo).read_bytes()
    path = tmp_path / "t.png"
    for cut in (20, 60, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:cut])
        with pytest.raises(InputError, match=r"t\.png"):
            read_image(path)


def test_a_file_that_is_not_there_is_missing_data(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"nothing\.jpg: no such file"):
        read_image(tmp_path / "nothing.jpg")


def test_unusable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "zero.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("hello")
    save(tmp_path / "dot.png", np.zeros((1, 1, 3), np.uint8))
    save(tmp_path / "long.png", np.zeros((10, 20000, 3), np.uint8))
    Image.fromarray(np.zeros((9, 9), np.float32)).save(tmp_path / "float.tif")
    cases = [
        ("zero.jpg", "0 bytes"),
        ("text.jpg", "not an image"),
        ("dot.png", "1x1"),
        ("long.png", "20000x10"),
        ("float.tif", "floating"),
        (".", "not a file"),
    ]
    for name, words in cases:
        with pytest.raises(InputError, match=words) as caught:
            read_image(tmp_path / name)
        assert "\n" not in str(caught.value) and ";" in str(caught.value)


def test_a_name_that_no_file_can_have_is_missing(tmp_path: Path) -> None:
    """As of many names that the shell gave as one word."""
    name = tmp_path / "\n".join(f"photo{i}.jpg" for i in range(99))
    with pytest.raises(MissingDataError, match="no such file"):
        read_image(name)
    with pytest.raises(MissingDataError, match="no image there"):
        list_inputs([name])


def test_what_may_not_be_read(tmp_path: Path, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's refusals are made up: tests may run as root, whom it refuses nothing."""
    path = save(tmp_path / "mine.png", photo)

    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    for method, work in (
        ("open", lambda: read_image(path)),
        ("stat", lambda: read_image(path)),
        ("stat", lambda: list_inputs([path])),
        ("iterdir", lambda: list_inputs([tmp_path])),
    ):
        with monkeypatch.context() as patch, pytest.raises(InputError, match="may not be read") as caught:
            patch.setattr(Path, method, refuse)
            work()
        assert str(tmp_path) in str(caught.value) and "allow it" in str(caught.value)


def test_too_many_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: np.ndarray) -> None:
    monkeypatch.setattr(im, "MAX_PIXELS", 900)
    with pytest.raises(InputError, match="40x24 is over 900"):
        read_image(save(tmp_path / "big.png", photo))


def test_list_inputs(tmp_path: Path, photo: np.ndarray) -> None:
    for name in ("b.png", "a.JPG", "notes.txt", ".hidden.png"):
        (tmp_path / name).write_bytes(b"x")
    a, b = tmp_path / "a.JPG", tmp_path / "b.png"
    assert list_inputs([tmp_path]) == [a, b]
    assert list_inputs([str(tmp_path / "*.png"), str(tmp_path)]) == [b, a]
    (tmp_path / "x[1].png").write_bytes(b"x")
    assert list_inputs([str(tmp_path / "x[1].png")]) == [tmp_path / "x[1].png"]
    (tmp_path / "empty").mkdir()
    for bad in ("empty", "none.png", "*.gif"):
        with pytest.raises(MissingDataError, match="no image there"):
            list_inputs([str(tmp_path / bad)])
        assert list_inputs([b, tmp_path / bad, a]) == [b, tmp_path / bad, a], "it fails alone, when read"


@settings(deadline=None)
@given(SIZES, SIZES, st.integers(8, 200))
def test_fit_keeps_the_aspect(height: int, width: int, side: int) -> None:
    geometry = Geometry.fit((height, width), side)
    work = geometry.work_size
    assert all(s % 8 == 0 and s >= 8 for s in work)
    for new, old in zip(work, (height, width), strict=True):
        assert abs(new - max(8, old * side / max(height, width))) <= 4
    assert geometry.apply(np.zeros((height, width, 3), np.uint8)).shape == (*work, 3)


@settings(max_examples=200, deadline=None)
@given(st.integers(100, 3000), st.integers(100, 3000), st.integers(8, 600))
def test_a_maps_shape_tells_how_it_was_fitted(height: int, width: int, side: int) -> None:
    """Whatever the long side was, a multiple of 8 or not."""
    fitted = Geometry.fit((height, width), side)
    assert Geometry.painted((height, width), (*fitted.work_size, 3)) == fitted


def test_no_photo_is_painted_in_another_shape() -> None:
    with pytest.raises(InputError, match="map: 240x240 is not the shape of a photo of 640x480"):
        Geometry.painted((480, 640), (240, 240, 3))


def test_fit_refuses_and_apply_checks() -> None:
    with pytest.raises(UsageError, match="long_side=3"):
        Geometry.fit((10, 10), 3)
    geometry = Geometry.fit((100, 50), 64)
    with pytest.raises(InputError):
        geometry.apply(np.zeros((50, 100, 3), np.uint8))
    with pytest.raises(InputError):
        geometry.undo_labels(np.zeros((1, 2), np.uint8))


@settings(max_examples=30, deadline=None)
@given(SIZES, SIZES, st.integers(0, 99))
def test_nearest_takes_the_pixel_under_the_centre(new: int, old: int, seed: int) -> None:
    index = resize.nearest_index(new, old)
    centre = (np.arange(new) + 0.5) * old / new
    assert (index <= centre + 1e-9).all() and (centre <= index + 1 + 1e-9).all()
    labels = np.random.default_rng(seed).integers(0, 9, (old, 8))
    assert np.array_equal(resize.resize_nearest(labels, (new, 8)), labels[index])


@settings(max_examples=30, deadline=None)
@given(SIZES, SIZES, st.integers(0, 10_000))
def test_labels_are_voted(height: int, width: int, seed: int) -> None:
    """The same as enlarging every class's mask linearly and taking the largest."""
    labels = np.random.default_rng(seed).integers(0, 4, (16, 24)).astype(np.uint8)
    labels[labels == 3] = 255
    out = Geometry((height, width), (16, 24)).undo_labels(labels)
    masks = [
        cv2.resize((labels == k).astype("f4"), (width, height), interpolation=cv2.INTER_LINEAR)
        for k in (0, 1, 2, 255)
    ]
    won = np.choose(np.searchsorted([0, 1, 2, 255], out), masks)
    assert out.dtype == np.uint8 and (won >= np.max(masks, axis=0) - 1e-5).all()


@settings(max_examples=30, deadline=None)
@given(SIZES, SIZES, st.integers(0, 10_000))
def test_depth_is_never_invented(height: int, width: int, seed: int) -> None:
    """Every output lies between its four neighbours, and on an edge it is one of them."""
    rng = np.random.default_rng(seed)
    depth = rng.choice([1.0, 10.0, np.inf, np.nan], (16, 24)).astype(np.float32)
    out = Geometry((height, width), (16, 24)).undo_depth(depth)
    assert out.shape == (height, width)
    rest = out[np.isfinite(out)]
    assert np.minimum(abs(rest - 1), abs(rest - 10)).max(initial=0) < 1e-4
    nearest = resize.resize_nearest(depth, (height, width))
    assert np.array_equal(np.isnan(out), np.isnan(nearest))
    assert np.array_equal(np.isinf(out), np.isinf(nearest))


def test_depth_is_linear_on_a_surface() -> None:
    y, x = np.mgrid[0:16, 0:24]
    depth = (5 + 0.01 * x + 0.02 * y).astype(np.float32)
    for size in ((50, 61), (9, 11), (16, 24)):
        expect = cv2.resize(depth, size[::-1], interpolation=cv2.INTER_LINEAR)
        assert np.allclose(resize.resize_depth(depth, size), expect, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(SIZES, SIZES, st.integers(0, 10_000))
def test_normals_stay_unit_or_invalid(height: int, width: int, seed: int) -> None:
    normals = np.random.default_rng(seed).normal(size=(16, 24, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    normals[:4, :4] = np.nan
    out = Geometry((height, width), (16, 24)).undo_normals(normals)
    length = np.linalg.norm(out, axis=2)
    nearest = np.nan_to_num(resize.resize_nearest(normals, (height, width))).any(axis=2)
    assert np.allclose(length, nearest, atol=1e-5)


def test_normals_turn_smoothly() -> None:
    angle = np.linspace(-0.5, 0.5, 32)[None].repeat(16, 0)
    normals = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], 2).astype(np.float32)
    out = resize.resize_normals(normals, (32, 64))
    turned = np.arctan2(out[..., 0], out[..., 2])
    assert (np.diff(turned, axis=1) >= -1e-6).all()
    assert abs(turned[:, 1:-1] - cv2.resize(angle, (64, 32))[:, 1:-1]).max() < 1e-3


@pytest.mark.parametrize("value", [3, 6])
def test_a_gray_tiff_is_turned_once(tmp_path: Path, photo: np.ndarray, value: int) -> None:
    exif = Image.Exif()
    exif[274] = value
    found = read_image(save(tmp_path / "scan.tif", photo[..., 0].copy(), exif=exif))
    assert np.array_equal(found[..., 0], np.rot90(photo[..., 0], -1 if value == 6 else 2))


@pytest.mark.parametrize("value", [0, 9])
def test_broken_exif_costs_nothing(tmp_path: Path, photo: np.ndarray, value: int) -> None:
    exif = Image.Exif()
    exif[274] = value
    assert np.array_equal(read_image(save(tmp_path / "e.png", photo, exif=exif)), photo)


@pytest.mark.parametrize(
    ("tag", "kind", "value"),
    [(0x100, 2, b"abc\0"), (0x102, 5, b"\1\0\0\0\0\0\0\0"), (0x103, 11, b"\0\0\xc0?"), (0x11A, 7, b"abcd")],
)
def test_an_odd_exif_entry_does_not_keep_a_photo_from_being_turned(
    tmp_path: Path, photo: np.ndarray, tag: int, kind: int, value: bytes
) -> None:
    """Entries that cameras and editors write in a type of their own; PIL cannot write them back."""
    import struct

    turn = struct.pack("<HHIHH", 274, 3, 1, 6, 0)
    far = len(value) > 4
    place = struct.pack("<I", 8 + 2 + 24 + 4) if far else value
    entry = struct.pack("<HHI", tag, kind, 1 if kind in (5, 11) else 4) + place
    body = b"\2\0" + b"".join(sorted([turn, entry])) + bytes(4) + (value if far else b"")
    path = save(tmp_path / "e.png", photo, exif=b"Exif\0\0II*\0\x08\0\0\0" + body)
    assert np.array_equal(read_image(path), np.rot90(photo, -1))
    assert np.array_equal(im.as_photo(Image.open(path)), np.rot90(photo, -1))
