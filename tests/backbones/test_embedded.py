"""The embedded backbone: saving, loading, refusing what is damaged."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from visiongen import checkpoint, weights
from visiongen.backbones.base import Sampler
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.errors import UsageError, WeightsError
from visiongen.files import sha256
from visiongen.painter_config import PainterConfig
from visiongen.prompt import Example, Prompt
from visiongen.tokenizer import ImageTokenizer, TokenizerConfig
from visiongen.transformer import Painter

DEPTH = Prompt("depth", "depth in metres")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    backbone = EmbeddedBackbone.random("nano", seed=3)
    path = tmp_path_factory.mktemp("weights") / "nano.safetensors"
    digest = backbone.save(path, {"name": "nano", "minutes": 0})
    return backbone, path, digest


def test_round_trip_is_fp16_on_disk_and_fp32_in_memory(saved) -> None:
    backbone, path, digest = saved
    loaded = EmbeddedBackbone.load(path)
    assert loaded.weights is not None and (loaded.weights.name, loaded.weights.sha256) == ("nano", digest)
    assert digest == sha256(path)
    assert (
        path.stat().st_size
        < 2.2 * sum(p.numel() for m in (backbone.tokenizer, backbone.painter) for p in m.parameters())
        + 40_000
    )
    for a, b in zip(backbone.painter.parameters(), loaded.painter.parameters(), strict=True):
        assert b.dtype == torch.float32
        assert torch.equal(a.half().float(), b)
    photo = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    again = EmbeddedBackbone.load(path)
    one, two = (b.scene(photo).paint([DEPTH])[0] for b in (loaded, again))
    assert np.array_equal(one.image, two.image)


def test_bf16_paints_without_settling(saved) -> None:
    backbone = EmbeddedBackbone.load(saved[1], dtype=torch.bfloat16)
    assert backbone.dtype == torch.bfloat16
    photo = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    canvas = backbone.scene(photo).paint([DEPTH], Sampler("verified", window=4))[0]
    assert canvas.tokens.shape == (3, 4, 12) and canvas.stats.settled == 0
    shown = dataclasses.replace(DEPTH, examples=(Example(photo, photo[::-1].copy()),))
    canvas = backbone.scene(photo).paint([shown], Sampler("draft"))[0]
    assert canvas.tokens.shape == (3, 4, 12)


@pytest.mark.parametrize("place", [3, 60, 0.5, 0.99])
def test_one_flipped_byte(saved, tmp_path, place) -> None:
    data = bytearray(saved[1].read_bytes())
    data[int(place * len(data)) if isinstance(place, float) else place] ^= 0x10
    path = tmp_path / "bad.safetensors"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"bad\.safetensors: (truncated or altered|not a)"):
        EmbeddedBackbone.load(path)


@pytest.mark.parametrize("keep", [0, 7, 0.5])
def test_cut_short(saved, tmp_path, keep) -> None:
    data = saved[1].read_bytes()
    path = tmp_path / "half.safetensors"
    path.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(WeightsError, match="truncated or altered") as error:
        EmbeddedBackbone.load(path)
    assert "\n" not in str(error.value)


def test_missing_foreign_and_misfit_files(saved, tmp_path) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        EmbeddedBackbone.load(tmp_path / "none.safetensors")
    other = tmp_path / "other.safetensors"
    checkpoint.save(other, {"unet": torch.nn.Linear(2, 2)}, {"kind": "specialist"})
    with pytest.raises(WeightsError, match="holds a specialist"):
        EmbeddedBackbone.load(other)
    foreign = tmp_path / "foreign.safetensors"
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(2)}, foreign)
    with pytest.raises(WeightsError, match="not a visiongen checkpoint"):
        EmbeddedBackbone.load(foreign)
    misfit = tmp_path / "misfit.safetensors"
    checkpoint.save(misfit, {"tokenizer": saved[0].tokenizer}, checkpoint.load(saved[1]).meta)
    with pytest.raises(WeightsError, match="does not fit"):
        EmbeddedBackbone.load(misfit)


def test_diverged_or_overflowing_weights_are_not_saved(tmp_path) -> None:
    path = tmp_path / "x.safetensors"
    for value, text in ((float("nan"), "NaN"), (1e6, "too large")):
        with pytest.raises(WeightsError, match=text):
            checkpoint.save(path, {"m": {"w": torch.tensor([value])}}, {})
    assert not path.exists()
    assert checkpoint.save(path, {"m": {"w": torch.tensor([1e6])}}, {}, dtype=torch.float32)
    assert checkpoint.load(path).part("m")["w"].item() == 1e6


def test_tokenizer_and_painter_must_share_levels() -> None:
    tokenizer = ImageTokenizer(TokenizerConfig.preset("nano"))
    painter = Painter(PainterConfig.preset("nano", (8,) * 6))
    with pytest.raises(UsageError, match="levels"):
        EmbeddedBackbone(tokenizer, painter)


def manifest(root, entry: weights.Entry) -> None:
    lines = [f"{k} = {json.dumps(v)}" for k, v in dataclasses.asdict(entry).items()]
    (root / "manifest.toml").write_text("[[weights]]\n" + "\n".join(lines) + "\n")


def test_manifest_lists_and_verifies(saved, tmp_path) -> None:
    data = saved[1].read_bytes()
    (tmp_path / "n.safetensors").write_bytes(data)
    entry = weights.Entry("n", "n.safetensors", saved[2], len(data), "Apache-2.0", "us", "noise", 0.0)
    manifest(tmp_path, entry)
    assert weights.list(tmp_path) == (entry,)
    assert weights.verify(tmp_path) == ((entry, ""),)
    assert weights.path("n", tmp_path) == weights.check("n", tmp_path) == tmp_path / "n.safetensors"
    with pytest.raises(WeightsError, match=r"'m'.*there are: n"):
        weights.path("m", tmp_path)
    flipped = bytearray(data)
    flipped[-5] ^= 1
    (tmp_path / "n.safetensors").write_bytes(flipped)
    ((_, fault),) = weights.verify(tmp_path)
    assert f"expected sha256 {saved[2]}, got" in fault and "copy or pack them there" in fault
    (tmp_path / "n.safetensors").write_bytes(data[:-1])
    with pytest.raises(WeightsError, match=f"expected {len(data)} bytes, got {len(data) - 1}"):
        weights.check("n", tmp_path)
    (tmp_path / "n.safetensors").unlink()
    with pytest.raises(WeightsError, match="missing"):
        weights.check("n", tmp_path)


def test_unreadable_manifests(tmp_path) -> None:
    with pytest.raises(WeightsError, match="missing"):
        weights.list(tmp_path)
    for text, why in (
        ("[[weights]", "not TOML"),
        ('[[weights]]\nnom = "x"', "nom"),
        ('[[weights]]\nname = "x"', "x"),
    ):
        (tmp_path / "manifest.toml").write_text(text)
        with pytest.raises(WeightsError, match=why):
            weights.list(tmp_path)


def test_shipped_weights_are_whole(shipped) -> None:
    assert [fault for _, fault in weights.verify() if fault] == []
    assert EmbeddedBackbone.load(shipped).weights is not None


def test_what_weights_may_be_used_for_is_their_own() -> None:
    from visiongen import weights

    tiny = EmbeddedBackbone.load("tiny")
    assert tiny.capabilities.licence == weights.entry("tiny").licence != "unknown"
    assert tiny.capabilities.in_context is tiny.painter.config.context is True
    assert EmbeddedBackbone.random("nano").capabilities.licence == "unknown"


def test_a_copy_keeps_the_licence(tmp_path: Path) -> None:
    bare = EmbeddedBackbone.random("nano")
    bare.save(tmp_path / "bare.safetensors")
    assert EmbeddedBackbone.load(tmp_path / "bare.safetensors").capabilities.licence == "unknown"
    EmbeddedBackbone(bare.tokenizer, bare.painter, licence="CC-BY-NC-4.0").save(tmp_path / "nc.safetensors")
    copy = EmbeddedBackbone.load(tmp_path / "nc.safetensors")
    assert copy.capabilities.licence == "CC-BY-NC-4.0"
    copy.save(tmp_path / "again.safetensors", {"licence": "CC0-1.0"})
    assert EmbeddedBackbone.load(tmp_path / "again.safetensors").capabilities.licence == "CC0-1.0"


def test_loading_leaves_random_numbers_alone(saved) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    EmbeddedBackbone.load(saved[1])
    assert torch.equal(torch.rand(3), expected)


def test_pixels_do_not_depend_on_the_batch(saved, monkeypatch) -> None:
    """In a batch the decoder may round otherwise, so every picture is made alone."""
    backbone, sizes = saved[0], []
    decode = backbone.tokenizer.decode

    def counted(tokens: torch.Tensor) -> torch.Tensor:
        sizes.append(len(tokens))
        return decode(tokens)

    monkeypatch.setattr(backbone.tokenizer, "decode", counted)
    scene = backbone.scene(np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8))
    normals = Prompt("normals", "surface normals")
    both = scene.paint([DEPTH, normals])
    for prompt, canvas in zip([DEPTH, normals], both, strict=True):
        assert np.array_equal(scene.paint([prompt])[0].image, canvas.image)
    assert sizes == [1] * 4


def test_moving_keeps_the_type_and_scenes_follow(saved) -> None:
    backbone = EmbeddedBackbone.load(saved[1], dtype=torch.bfloat16)
    scene = backbone.scene(np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8))
    before = scene.paint([DEPTH])[0]
    assert backbone.to("cpu").dtype == torch.bfloat16
    assert np.array_equal(scene.paint([DEPTH])[0].tokens, before.tokens)
    assert backbone.to("cpu", torch.float32).dtype == torch.float32
    assert scene.prefix().features.dtype == torch.float32, "the photo is read again"
    assert scene.prefix() is scene.prefix()
    fresh = backbone.scene(scene.photo).paint([DEPTH])[0]
    assert np.array_equal(scene.paint([DEPTH])[0].image, fresh.image)


@pytest.mark.parametrize("device", ["gpu", "cuda:99"])
def test_a_device_that_is_not_here(saved, device: str) -> None:
    with pytest.raises(UsageError, match=f"device '{device}': not available here .*use 'cpu'"):
        EmbeddedBackbone.load(saved[1], device=device)


@pytest.mark.parametrize("dtype", ["float16", torch.int8])
def test_a_dtype_that_is_none(saved, dtype: object) -> None:
    with pytest.raises(UsageError, match=r"dtype .*: give torch\.float32"):
        EmbeddedBackbone.load(saved[1], dtype=dtype)  # type: ignore[arg-type]


def test_a_scene_has_its_own_photo(saved) -> None:
    buffer = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    expected = saved[0].scene(buffer.copy()).paint([DEPTH])[0]
    scene = saved[0].scene(buffer)
    buffer[:] = 0  # the next frame
    assert np.array_equal(scene.paint([DEPTH])[0].tokens, expected.tokens)
