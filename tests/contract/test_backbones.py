"""Every registered backbone keeps the contract; a new entry is tested for free."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from visiongen.backbones.base import Backbone, Capabilities, Sampler, Scene
from visiongen.errors import InputError, UsageError
from visiongen.prompt import Prompt
from visiongen.registry import BACKBONES

DEPTH = Prompt("depth", "depth in metres")


@pytest.mark.parametrize("name", BACKBONES)
def test_it_declares_what_it_can_do(name) -> None:
    kind = BACKBONES.get(name)
    assert issubclass(kind, Backbone)
    assert isinstance(kind.capabilities, Capabilities)
    assert kind.load().capabilities.licence not in ("", "unknown"), "what its own weights may be used for"
    assert callable(kind.load)


def small(name: str) -> Backbone:
    """An instance that needs no download: backbones with ``random`` give one."""
    kind = BACKBONES.get(name)
    if not hasattr(kind, "random"):
        pytest.skip(f"{name} has no random weights to test with")
    backbone: Backbone = kind.random()
    return backbone


@pytest.mark.parametrize("name", BACKBONES)
def test_it_paints_what_was_asked(name) -> None:
    backbone = small(name)
    photo = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
    before = photo.copy()
    scene = backbone.scene(photo)
    assert isinstance(scene, Scene) and scene.size == (24, 40)
    assert scene.paint([]) == []
    canvases = scene.paint([DEPTH, dataclasses.replace(DEPTH, text="surface normals")])
    assert len(canvases) == 2 and np.array_equal(photo, before)
    for canvas in canvases:
        assert canvas.image.shape == (24, 40, 3) and canvas.image.dtype == np.uint8
        assert canvas.final and canvas.rows_done == 24 and canvas.stats.seconds >= 0
        if canvas.confidence is not None:
            assert canvas.confidence.shape == (24, 40) and canvas.confidence.dtype == np.float32
    if backbone.capabilities.deterministic:
        (again,) = backbone.scene(photo).paint([DEPTH], Sampler())
        assert np.array_equal(again.image, canvases[0].image)
    if backbone.capabilities.streaming:
        stream = list(scene.stream(DEPTH))
        assert [c.final for c in stream] == [False] * (len(stream) - 1) + [True]
        assert np.array_equal(stream[-1].image, canvases[0].image)


@pytest.mark.parametrize("name", BACKBONES)
def test_it_refuses_what_it_cannot_read(name) -> None:
    backbone = small(name)
    with pytest.raises(InputError):
        backbone.scene(np.zeros((20, 40, 3), np.uint8))
    with pytest.raises(UsageError):
        backbone.scene(size=(20, 40))
    with pytest.raises(UsageError):
        backbone.scene()
