"""The weights that ship: they beat a blind guess, every greedy mode agrees, and they paint photos."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from visiongen.backbones.base import Backbone, Sampler
from visiongen.benchmarks.metrics.depth import DepthMetric
from visiongen.benchmarks.metrics.normals import NormalsMetric
from visiongen.prompt import PHOTO, Legend, Prompt
from visiongen.registry import TASKS
from visiongen.tasks import predict_many

SEEDS = [1_000_201, 1_000_202]  # training uses seeds below a million
LEGEND = Legend.parse("road=#c02040,sky=#20e0c0,building=#f0d020,car=#2030d0,tree=#a0f080")


@pytest.fixture(scope="module")
def backbone(shipped: str) -> Backbone:
    from visiongen.backbones.embedded import EmbeddedBackbone

    return EmbeddedBackbone.load(shipped)


@pytest.fixture(scope="module")
def streets() -> Any:
    from visiongen.world import render

    return render("street", SEEDS, 120, 160)


@pytest.mark.slow
def test_depth_and_normals_beat_a_constant(backbone: Backbone, streets: Any) -> None:
    """The constants are the best of their kind: they know each frame's true median and mean."""
    ours, constant = DepthMetric((0.1, 80.0)), DepthMetric((0.1, 80.0))
    our_normals, constant_normals = NormalsMetric(), NormalsMetric()
    for i in range(len(SEEDS)):
        photo, known = streets.photo[i].numpy(), streets.valid[i].numpy()
        depth = np.where(known, streets.depth[i].numpy(), np.nan)
        normals = np.where(known[..., None], streets.normals[i].numpy(), np.nan)
        found = predict_many(["depth", "normals"], photo, backbone=backbone, mode="draft")
        ours.update(depth, found[0].labels)
        our_normals.update(normals, found[1].labels)
        constant.update(depth, np.full_like(depth, np.nanmedian(depth)))
        constant_normals.update(normals, np.broadcast_to(np.nanmean(normals, (0, 1)), normals.shape))
    assert ours.compute()["delta1"] > constant.compute()["delta1"]
    assert our_normals.compute()["mean"] < constant_normals.compute()["mean"]


@pytest.mark.slow
def test_verified_is_sequential(backbone: Backbone, streets: Any) -> None:
    prompts = [
        TASKS.get("semantic")().prompt(LEGEND),
        *(TASKS.get(n)().prompt() for n in ("depth", "normals")),
    ]
    photo = streets.photo[0].numpy()[24:88, 32:128]
    reference = backbone.scene(photo).paint(prompts, Sampler(mode="sequential"))
    checked = backbone.scene(photo).paint(prompts, Sampler(mode="verified"))
    for expected, got in zip(reference, checked, strict=True):
        np.testing.assert_array_equal(expected.tokens, got.tokens)
        assert got.stats.passes < expected.stats.passes
    alone = backbone.scene(photo).paint(prompts[1:2], Sampler(mode="verified"))[0]
    np.testing.assert_array_equal(alone.tokens, checked[1].tokens)


@pytest.mark.slow
def test_the_painted_legend_is_the_one_asked_for(backbone: Backbone, streets: Any) -> None:
    """Colours of the prompt, never of the weights: most pixels lie near one of the five colours."""
    found = predict_many(
        ["semantic"], streets.photo[0].numpy(), legend=LEGEND, backbone=backbone, mode="draft"
    )
    distance = np.abs(found[0].map[:, :, None].astype(int) - LEGEND.array()).max(-1).min(-1)
    assert (distance < 48).mean() > 0.7


def explained(photo: np.ndarray, painted: np.ndarray) -> float:
    """The share of a photo's variance that lies between the colours of a map, these in steps of 64."""
    steps = (painted // 64).reshape(-1, 3)
    _, region = np.unique(steps, axis=0, return_inverse=True)
    region, colours = region.ravel(), photo.reshape(-1, 3).astype(float)
    count = np.bincount(region)
    means = np.stack([np.bincount(region, channel) / count for channel in colours.T], 1)
    return 1 - float(((colours - means[region]) ** 2).sum() / ((colours - colours.mean(0)) ** 2).sum())


@pytest.mark.slow
def test_photos_from_nothing_and_from_a_map(backbone: Backbone, streets: Any) -> None:
    sampler = Sampler(mode="sample", seed=1)
    first, second = backbone.scene(None, (32, 48)).paint([Prompt(PHOTO, "photo")] * 2, sampler)
    assert not np.array_equal(first.image, second.image)
    again = backbone.scene(None, (32, 48)).paint([Prompt(PHOTO, "photo")] * 2, sampler)[0]
    np.testing.assert_array_equal(first.image, again.image)
    task = TASKS.get("normals")()
    known = np.nan_to_num(streets.normals[0].numpy())[:64, :96]
    painted = task.codec().encode(known)
    photo = backbone.scene(painted).paint([task.reverse_prompt()], sampler)[0].image
    assert photo.std() > 8 and not np.array_equal(photo, painted)
    # The regions of the map are seen in the photo, and there; of random weights they explain 0.005.
    ours, elsewhere = explained(photo, painted), explained(photo, np.roll(painted, (32, 48), (0, 1)))
    assert ours > 0.3 and ours > 1.5 * elsewhere
