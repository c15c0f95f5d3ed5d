"""Photos to paint whose noise lies over the picture half as large."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from visiongen import scales
from visiongen.errors import UsageError
from visiongen.noisy import to_values
from visiongen.prompt import Prompt
from visiongen.tokenizer import ImageTokenizer, TokenizerConfig
from visiongen.training.noising import half_as_large
from visiongen.training.painting import Painting


def batch(task: str, target: torch.Tensor) -> dict:
    count, _, height, width = target.shape
    return {
        "photo": torch.zeros(1, 3, height, width),
        "photo_blank": torch.tensor([True]),
        "photo_index": torch.zeros(count, dtype=torch.int64),
        "prompts": [Prompt(task, task)] * count,
        "target": target,
        "valid": torch.ones(count, height, width, dtype=torch.bool),
        "labels": torch.full((count, height, width), 255, dtype=torch.uint8),
    }


def smooth(count: int, size: tuple[int, int]) -> torch.Tensor:
    return functional.interpolate(torch.rand(count, 3, 2, 2) * 2 - 1, size, mode="bilinear")


def test_the_small_picture_is_a_painted_one() -> None:
    torch.manual_seed(0)
    tokenizer, target = ImageTokenizer(TokenizerConfig.preset("nano")), smooth(3, (48, 64))
    found = half_as_large(tokenizer, target)
    # through the tokenizer, a level off here and there: near what the small picture itself would show
    with torch.no_grad():
        clean = scales.enlarged(tokenizer, tokenizer(scales.shrunk(target, (24, 32))), (48, 64))
    off = (found - clean).abs()
    assert found.shape == (3, 48, len(tokenizer.levels)) and 0 < off.mean() < 0.25
    assert half_as_large(tokenizer, target[..., :24, :32]) is None  # nothing is smaller


def test_a_share_of_the_noisy_photos_starts_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = Painting(preset="nano", causal=0, noised=1.0, scaled=0.5)
    seen, condition = [], model.painter.condition
    monkeypatch.setattr(model.painter, "condition", lambda *a: seen.append(a[4]) or condition(*a))
    monkeypatch.setattr("visiongen.training.painting.draw_times", lambda n: torch.full((n,), 0.9))
    near = far = 0
    for _ in range(8):
        model.loss(batch("image", smooth(4, (48, 48))))[0].backward()
        time = seen[-1].time[:, 0]
        assert (seen[-1].time == time[:, None]).all()
        near, far = near + int((time < scales.START).sum()), far + int((time == 0.9).sum())
    assert near + far == 32 and 8 < near < 24
    model.loss(batch("depth", smooth(4, (48, 48))))
    assert seen[-1] is None
    model.loss(batch("image", smooth(4, (24, 24))))  # nothing is smaller: as every noisy photo
    assert (seen[-1].time == 0.9).all()


def test_what_shows_is_on_the_way_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = Painting(preset="nano", causal=0, noised=1.0, scaled=1.0)
    seen, condition = [], model.painter.condition
    monkeypatch.setattr(model.painter, "condition", lambda *a: seen.append(a[4]) or condition(*a))
    monkeypatch.setattr("torch.randn_like", torch.zeros_like)
    monkeypatch.setattr("visiongen.training.noising.WRONG", 0.0)
    target = smooth(2, (48, 64))
    model.loss(batch("image", target))
    values = to_values(model.tokenizer.encode(target).flatten(1, 2), model.painter.levels)
    small, t = half_as_large(model.tokenizer, target), seen[-1].time[..., None]
    expected = (1 - t) * values + t / scales.START * (1 - scales.START) * (small - values)
    torch.testing.assert_close(seen[-1].values, expected)


def test_what_could_not_be_learned_is_refused() -> None:
    for options in ({"scaled": 1.5, "noised": 0.5}, {"scaled": 0.5}, {"scaled": 0.5, "noised": 0}):
        with pytest.raises(UsageError, match="painting: scaled"):
            Painting(preset="nano", **options)
