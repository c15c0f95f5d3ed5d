"""What every registered codec promises; a codec added to the registry must add a sampler here."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from visiongen.errors import CodecError, InputError
from visiongen.prompt import Legend
from visiongen.registry import CODECS
from visiongen.tasks.codecs import Codec, codec_from_spec, read_map_png, write_map_png
from visiongen.tasks.codecs.legend import random_legend_colours

ALL = pytest.mark.parametrize("name", list(CODECS))
SEEDS = st.integers(0, 2**32 - 1)
KINDS = ("legend", "instance", "depth", "normals", "material", "alpha", "edges", "image", "panoptic")
# Painted or found by what the whole picture holds: quantiles, instances that a crop may cut in two.
WHOLE = (
    "depth/disparity@1", "depth/graylog@1", "depth/marigold@1", "depth/painter@1", "instance/distinct@1",
    "instance/centre@1", "panoptic/border@1",
)  # fmt: skip
QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def legend_of(rng: np.random.Generator, k: int = 0) -> Legend:
    k = k or int(rng.integers(1, 40))
    colours = random_legend_colours(k, rng)
    return Legend(tuple(f"c{i}" for i in range(k)), tuple(map(tuple, colours.tolist())))


MATERIALS = "occlusion, roughness, metallic"


def takes_legend(name: str) -> bool:
    return any(field.name == "legend" for field in dataclasses.fields(CODECS.get(name)))


def make(name: str, rng: np.random.Generator) -> Codec:
    if name.startswith("panoptic/"):
        return panoptic_of(legend_of(rng))
    return CODECS.get(name)(legend_of(rng)) if takes_legend(name) else CODECS.get(name)()


def panoptic_of(legend: Legend) -> Codec:
    """Every second class counted; the last entry is the border, if there is more than one."""
    names = (*legend.names[:-1], "border") if len(legend) > 1 else legend.names
    things = names[1:-1:2]
    return CODECS.get("panoptic/border@1")(Legend(names, legend.colours), things=things)


def labels_for(codec: Codec, rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    if codec.name.startswith("legend/"):
        return rng.integers(0, len(codec.legend), size)  # type: ignore[attr-defined]
    if codec.name.startswith("instance/"):
        return blocks(rng, size)
    if codec.name.startswith("panoptic/"):
        counted = np.array([name in codec.things for name in codec.legend.names])  # type: ignore[attr-defined]
        ids = strips(rng, size, side=14)
        classes = np.where(ids > 0, ids % max(1, len(counted) - 1), 0)
        return classes * 1000 + np.where(counted[classes], ids, 0)
    if codec.name.startswith("image/"):
        return rng.integers(0, 256, (*size, 3), np.uint8)
    if codec.name.startswith(("alpha/", "edges/")):
        return rng.uniform(0, 1, size).astype(np.float32)
    if codec.name.startswith("depth/"):
        far = min(getattr(codec, "far", 200), 200) - 0.001
        return np.exp(rng.uniform(np.log(0.05), np.log(far), size)).astype(np.float32)
    if codec.name.startswith("material/"):
        values = rng.random((*size, 3), np.float32)
        if codec.unit == MATERIALS:  # imported packings hold no occlusion
            values[..., 0] = 1
        return values[..., 0] if codec.unit == "roughness or metallic" else values
    normals = rng.normal(size=(*size, 3))
    return (normals / np.linalg.norm(normals, axis=2, keepdims=True)).astype(np.float32)


def blocks(rng: np.random.Generator, size: tuple[int, int], side: int = 5) -> np.ndarray:
    """Instance ids in squares of side x side, each id once, about a third of them none; the last of a row or
    column reach the end: a strip of none would be smaller than what codecs keep.
    """
    shape = (size[0] // side, size[1] // side)
    ids = rng.permutation(124)[: shape[0] * shape[1]].reshape(shape) + 1
    ids[rng.random(shape) < 0.3] = 0
    if not ids.size:
        return np.zeros(size, np.int64)
    labels = ids.repeat(side, 0).repeat(side, 1)
    rest = [(0, n - done) for n, done in zip(size, labels.shape, strict=True)]
    return np.pad(labels, rest, mode="edge")


def strips(rng: np.random.Generator, size: tuple[int, int], side: int) -> np.ndarray:
    """``blocks`` in one row or one column: they touch along straight edges, never at corners alone."""
    if rng.random() < 0.5:
        return strips_down(rng, size, side)
    return strips_down(rng, (size[1], size[0]), side).T


def strips_down(rng: np.random.Generator, size: tuple[int, int], side: int) -> np.ndarray:
    one = blocks(rng, (size[0], min(size[1], 2 * side - 1)), side)
    return np.pad(one, ((0, 0), (0, size[1] - one.shape[1])), mode="edge")


def same_partition(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether two id maps agree up to the ids' numbers; 0 means the same in both."""
    pairs = np.unique(np.stack([one.ravel(), two.ravel()], 1), axis=0)
    alone = all(len(np.unique(pairs[:, c])) == len(pairs) for c in (0, 1))
    return alone and np.array_equal(one == 0, two == 0)


def error_within_bound(codec: Codec, labels: np.ndarray, decoded: np.ndarray) -> bool:
    """Whether decode(encode(labels)) is as near to labels as the codec states."""
    if codec.name.startswith(("legend/", "image/")):
        return np.array_equal(labels, decoded)
    if codec.name.startswith("instance/"):
        return same_partition(labels, decoded)
    if codec.name.startswith("panoptic/"):
        return same_partition(labels, decoded) and np.array_equal(labels // 1000, decoded // 1000)
    if codec.name.startswith(("alpha/", "edges/", "material/")):
        return bool(abs(labels - decoded).max() <= (0.0044 if "albedo" in codec.name else 1.001 / 510))
    if hasattr(codec, "tolerance"):
        return bool((abs(decoded - labels) <= codec.tolerance(labels)).all())
    if hasattr(codec, "relative"):
        return bool(abs(codec.relative(labels) - decoded).max() <= 1.001 / 510)
    angle = np.degrees(2 * np.arcsin(np.linalg.norm(labels - decoded, axis=2) / 2))
    return bool(angle.max() <= 0.40)


def test_a_sampler_exists_for_every_codec() -> None:
    assert all(name.split("/")[0] in KINDS for name in CODECS)


@ALL
@QUICK
@given(seed=SEEDS, height=st.integers(1, 40), width=st.integers(1, 40))
def test_round_trip(name: str, seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    codec = make(name, rng)
    labels = labels_for(codec, rng, (height, width))
    painted = codec.encode(labels)
    assert painted.dtype == np.uint8 and painted.shape == (height, width, 3)
    decoded, confidence = codec.decode(painted)
    assert error_within_bound(codec, labels, decoded)
    assert confidence.dtype == np.float32 and confidence.shape == (height, width)
    assert (confidence > 0.2).all() and (confidence <= 1).all()


@ALL
@QUICK
@given(seed=SEEDS)
def test_any_picture_decodes(name: str, seed: int) -> None:
    """A generator may paint anything: labels stay legal and confidence falls."""
    rng = np.random.default_rng(seed)
    codec = make(name, rng)
    noise = rng.integers(0, 256, (16, 24, 3), np.uint8)
    labels, confidence = codec.decode(noise)
    assert labels.shape[:2] == (16, 24) and not np.isnan(labels.astype(float)).any()
    assert ((confidence >= 0) & (confidence <= 1)).all()
    again, _ = codec.decode(noise.copy())
    assert np.array_equal(labels, again)


@ALL
@QUICK
@given(seed=SEEDS)
def test_noise_lowers_confidence(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codec = CODECS.get(name)(legend_of(rng, 12)) if takes_legend(name) else make(name, rng)
    painted = codec.encode(labels_for(codec, rng, (32, 32)))
    noisy = np.clip(painted + rng.normal(0, 40, painted.shape), 0, 255).astype(np.uint8)
    if codec.redundant:
        assert codec.decode(noisy)[1].mean() < codec.decode(painted)[1].mean()
    else:
        assert (codec.decode(noisy)[1] == 1).all()


@ALL
def test_spec_round_trip(name: str) -> None:
    codec = make(name, np.random.default_rng(1))
    spec = json.loads(json.dumps(codec.spec()))
    assert spec["name"] == name == codec.name
    assert codec_from_spec(spec) == codec and codec_from_spec(spec).spec() == spec


@ALL
def test_wrong_spec_is_refused(name: str) -> None:
    spec = make(name, np.random.default_rng(1)).spec()
    key = next((k for k in spec if k != "name"), "surprise")
    bad = [
        None,
        [],
        {},
        {"name": 3},
        spec | {"name": name.split("@")[0] + "@99"},
        spec | {"surprise": 1},
        {k: v for k, v in spec.items() if k != (key if key in spec else "name")},
        spec | {key: "nonsense"},
        spec | {key: -1},
    ]
    for value in bad:
        with pytest.raises(CodecError) as caught:
            codec_from_spec(value)
        assert "\n" not in str(caught.value)


@ALL
def test_png_carries_the_spec(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    codec = make(name, rng)
    painted = codec.encode(labels_for(codec, rng, (9, 11)))
    path = write_map_png(tmp_path / "m.png", painted, codec)
    read, found = read_map_png(path, expect=codec)
    assert np.array_equal(read, painted) and found == codec
    assert "visiongen.codec" in Image.open(path).text


@ALL
def test_png_without_or_with_another_spec_is_refused(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    codec = make(name, rng)
    painted = codec.encode(labels_for(codec, rng, (9, 11)))
    Image.fromarray(painted).save(tmp_path / "bare.png")
    with pytest.raises(CodecError, match=r"bare\.png: no 'visiongen\.codec' chunk"):
        read_map_png(tmp_path / "bare.png")
    path = write_map_png(tmp_path / "m.png", painted, codec)
    for other in CODECS:
        if other != name:
            with pytest.raises(CodecError, match=f"expected {other}"):
                read_map_png(path, expect=make(other, rng))
    spec = codec.spec()
    key = "temperature" if "temperature" in spec else next((k for k in spec if k != "name"), None)
    if key is None:
        return
    changed = codec_from_spec(spec | {key: spec[key] * 1.01})
    with pytest.raises(CodecError, match=f"of other {key}"):
        read_map_png(path, expect=changed)


def test_unreadable_png(tmp_path: Path) -> None:
    for data in (b"", b"not a picture"):
        (tmp_path / "m.png").write_bytes(data)
        with pytest.raises(InputError, match=r"m\.png"):
            read_map_png(tmp_path / "m.png")


@ALL
@QUICK
@given(seed=SEEDS)
def test_flips_and_crops_commute(name: str, seed: int) -> None:
    """Painting the mirrored labels is mirroring the painting (normals also negate x).

    Those of WHOLE are relative to their picture, so only the flip of those commutes. Decoding with
    neighbours (cubewalk@2) commutes here without a margin because the map is clean; for other maps
    see test_edge_safe_depth.
    """
    rng = np.random.default_rng(seed)
    codec = make(name, rng)
    labels = labels_for(codec, rng, (12, 17))
    painted = codec.encode(labels)
    flipped = codec.encode(codec.flip(labels))
    mirrored = painted[:, ::-1].astype(int)
    if name.startswith("normals/"):
        # 255 - R up to the one level that rounding at .5 can move
        assert abs(flipped[..., 0] - (255 - mirrored[..., 0])).max() <= 1
        assert np.array_equal(flipped[..., 1:], mirrored[..., 1:])
        assert np.array_equal(codec.flip(labels)[..., 0], -labels[:, ::-1, 0])
    elif name == "instance/centre@1":  # red is the centre's x
        there = mirrored[..., 2] > 0
        assert np.array_equal(there, flipped[..., 2] > 0)
        assert abs(flipped[there, 0] - (255 - mirrored[there, 0])).max() <= 1
        assert np.array_equal(flipped[..., 1:], mirrored[..., 1:])
    else:
        assert np.array_equal(flipped, mirrored)
    if name not in WHOLE:
        assert np.array_equal(codec.encode(labels[3:9, 2:11]), painted[3:9, 2:11])
        whole, _ = codec.decode(painted)
        part, _ = codec.decode(np.ascontiguousarray(painted[3:9, 2:11]))
        assert np.array_equal(part, whole[3:9, 2:11])


@ALL
def test_colours_are_never_interpolated(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A map and a codec never reach an interpolating resize; labels decode at the map's size."""

    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("a codec resized colours")

    for function in ("resize", "warpAffine", "remap", "GaussianBlur", "blur", "pyrUp", "pyrDown"):
        monkeypatch.setattr(cv2, function, forbidden)
    rng = np.random.default_rng(4)
    codec = make(name, rng)
    labels = labels_for(codec, rng, (10, 13))
    assert codec.decode(codec.encode(labels))[0].shape == labels.shape


@ALL
@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((4, 4, 4), np.uint8)]
)
def test_only_pictures_are_decoded(name: str, bad: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"uint8 \(H, W, 3\)"):
        make(name, np.random.default_rng(0)).decode(bad)


@ALL
def test_labels_of_another_shape_are_refused(name: str) -> None:
    codec: Callable = make(name, np.random.default_rng(0)).encode
    with pytest.raises(InputError):
        codec(np.zeros((4, 4, 2)))


def others(codec: Codec, key: str) -> list[Codec]:
    """The codec with other values of one parameter."""
    value = getattr(codec, key)
    chosen: list[object] = {
        "palette": ["coco"],
        "lam": [-5.0],
        "window": [5],
        "snap": [0.1],
        "things": [()],
    }.get(key, [])
    if not chosen:
        scaled = [20.0] if value is None else [value * factor for factor in (0.25, 0.5, 2, 4)]
        chosen = [max(1, round(v)) for v in scaled] if isinstance(value, int) else scaled
    return [dataclasses.replace(codec, **{key: v}) for v in chosen if key != "high" or v <= 1]


def painted_and_spoiled(codec: Codec, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Labels and maps of them: as painted, noisy, blurred, nothing like it; things in parts, or touching."""
    fine, coarse = (
        labels_for(codec, rng, (40, 56)),
        labels_for(codec, rng, (10, 14)).repeat(8, 0).repeat(8, 1),
    )
    clean = codec.encode(coarse).astype(np.float32)
    found = [(fine, codec.encode(fine)), (fine, rng.integers(0, 256, (40, 56, 3), np.uint8))]
    for sigma, noise in ((0.0, 6), (1.2, 3), (2.5, 0)):
        soft = cv2.GaussianBlur(clean, (0, 0), sigma) if sigma else clean
        found.append(
            (coarse, np.clip(soft + rng.normal(0, noise, soft.shape), 0, 255).round().astype(np.uint8))
        )
    if codec.name.startswith("instance/"):
        parts = np.zeros((40, 56), np.int64)
        parts[10:20, 4:14] = parts[10:20, 34:44] = 1
        found.append((parts, codec.encode(parts)))
    if codec.name.startswith("panoptic/"):
        kind = codec.legend.names.index(codec.things[0])  # type: ignore[attr-defined]
        touching = np.full((40, 56), 1000 * kind + 1)
        touching[:, 28:] += 1
        found.append((touching, codec.encode(touching)))
    return found


@ALL
def test_every_parameter_counts(name: str) -> None:
    """Another value changes what is painted, or what is read of some map: none is taken and forgotten."""
    rng = np.random.default_rng(7)
    if name.startswith("panoptic/"):
        codec = panoptic_of(legend_of(rng, 12))
    else:
        codec = CODECS.get(name)(legend_of(rng, 12)) if takes_legend(name) else make(name, rng)
    maps = painted_and_spoiled(codec, rng)
    for field in dataclasses.fields(codec):
        if field.name != "legend":
            assert any(differs(codec, other, maps) for other in others(codec, field.name)), field.name


def differs(codec: Codec, other: Codec, maps: list[tuple[np.ndarray, np.ndarray]]) -> bool:
    for labels, painted in maps:
        for one, two in zip(codec.decode(painted), other.decode(painted), strict=True):
            if not np.array_equal(one, two, equal_nan=one.dtype.kind == "f"):
                return True
        try:
            if not np.array_equal(codec.encode(labels), other.encode(labels)):
                return True
        except InputError:  # labels that the other codec has not
            return True
    return False
