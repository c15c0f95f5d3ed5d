"""Small classes count."""

from __future__ import annotations

import pytest
import torch

from visiongen.training.balance import LARGEST, pixel_weights


def _labels(*counts: int) -> torch.Tensor:
    """(1, 1, N): so many pixels of legend position 0, 1, ..."""
    return torch.cat([torch.full((n,), i) for i, n in enumerate(counts)]).to(torch.uint8)[None, None]


@pytest.mark.parametrize(("power", "ratio"), [(0.0, 1.0), (0.5, 3.0), (1.0, 9.0)])
def test_a_pixel_of_a_class_nine_times_smaller_counts_more(power: float, ratio: float) -> None:
    weights = pixel_weights(_labels(90, 10), [("road", "sign")], power)
    assert float(weights[0, 0, -1] / weights[0, 0, 0]) == pytest.approx(ratio)
    assert float(weights.mean()) == pytest.approx(1.0)


def test_classes_are_counted_by_name_over_pictures_with_different_legends() -> None:
    labels = torch.cat([_labels(60, 40), _labels(40, 60)])
    weights = pixel_weights(labels, [("car", "sky"), ("sky", "car")], 1.0)
    car, sky = labels == torch.tensor([0, 1])[:, None, None], labels == torch.tensor([1, 0])[:, None, None]
    assert float(weights[car].sum()) == pytest.approx(float(weights[sky].sum()))
    assert float(weights[car].min()) == float(weights[car].max()) == pytest.approx(100 / 120)


def test_ignored_pixels_weigh_nothing_and_are_not_counted() -> None:
    labels = _labels(90, 10)
    padded = torch.cat([labels, torch.full((1, 1, 500), 255, dtype=torch.uint8)], -1)
    weights = pixel_weights(padded, [("road", "sign")], 0.5)
    assert torch.equal(weights[..., :100], pixel_weights(labels, [("road", "sign")], 0.5))
    assert not weights[..., 100:].any()


def test_a_few_pixels_do_not_rule_the_step() -> None:
    weights = pixel_weights(_labels(1_000_000, 1), [("road", "sign")], 0.5)
    assert float(weights.max()) == LARGEST


def test_orders_without_labels_are_left_alone() -> None:
    labels = torch.cat([_labels(90, 10), torch.full((1, 1, 100), 255, dtype=torch.uint8)])
    weights = pixel_weights(labels, [("road", "sign"), ()], 0.5)
    assert float(weights[0].mean()) == pytest.approx(1.0)
    assert not weights[1].any()
