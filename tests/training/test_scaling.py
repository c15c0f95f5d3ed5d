"""Photos to paint that are shown half as large first."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch

from visiongen import scales
from visiongen.checkpoint import Checkpoint
from visiongen.errors import UsageError
from visiongen.prompt import Prompt
from visiongen.tokenizer import ImageTokenizer, TokenizerConfig
from visiongen.training import start
from visiongen.training.painting import Painting
from visiongen.training.run import _read_as
from visiongen.training.scaling import seen_smaller


def batch(task: str, side: int = 48) -> dict:
    return {
        "photo": torch.zeros(1, 3, side, side),
        "photo_blank": torch.tensor([True]),
        "photo_index": torch.zeros(4, dtype=torch.int64),
        "prompts": [Prompt(task, task)] * 4,
        "target": torch.rand(4, 3, side, side) * 2 - 1,
        "valid": torch.ones(4, side, side, dtype=torch.bool),
        "labels": torch.full((4, side, side), 255, dtype=torch.uint8),
    }


def test_only_the_rows_that_are_meant_show_a_smaller_picture() -> None:
    torch.manual_seed(0)
    tokenizer = ImageTokenizer(TokenizerConfig.preset("nano"))
    target = torch.nn.functional.interpolate(torch.rand(3, 3, 2, 2) * 2 - 1, (48, 64), mode="bilinear")
    before = seen_smaller(tokenizer, target, torch.tensor([True, False, True]))
    assert (before[1] == 0).all()
    torch.testing.assert_close(before[::2].sum(-1), torch.ones(2, 48, len(tokenizer.levels)))
    # through the tokenizer, a level off here and there: near what the small picture itself would show
    clean = scales.as_before(tokenizer, tokenizer(scales.shrunk(target, (24, 32))), (48, 64))
    level = torch.arange(before.shape[-1])
    off = ((before - clean)[::2] * level).sum(-1).abs()
    assert 0 < off.mean() < 0.5
    assert seen_smaller(tokenizer, target, torch.zeros(3, dtype=torch.bool)) is None
    tiny = target[..., :24, :32]  # nothing is smaller
    assert seen_smaller(tokenizer, tiny, torch.ones(3, dtype=torch.bool)) is None


def test_photos_see_it_and_maps_and_noisy_photos_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model = Painting(preset="nano", causal=0, noised=0.5, recycles=1, scaled=1.0)
    seen, condition = [], model.painter.condition
    monkeypatch.setattr(model.painter, "condition", lambda *a: seen.append(a[4:]) or condition(*a))
    for _ in range(6):
        loss, _ = model.loss(batch("image"))
        loss.backward()
    model.loss(batch("depth"))
    for noisy, before in seen[:-1]:
        hidden = torch.zeros(4, dtype=torch.bool) if noisy is None else noisy.rows
        shown = torch.zeros(4, dtype=torch.bool) if before is None else before.flatten(1).any(1)
        assert (shown == ~hidden).all()
    assert 0 < sum(int(n.rows.sum()) for n, _ in seen[:-1] if n is not None) < 24
    assert seen[-1] == (None, None)
    assert model.painter.recycle.weight.grad.any()


def test_a_painter_learns_to_trust_the_smaller_picture() -> None:
    """From nothing it cannot know which of many pictures is meant; with a small one in sight it can."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        model = Painting(preset="nano", tokenizer="tiny", causal=0, recycles=1, scaled=0.8)
        model._times = lambda: 0  # one pass
        optimiser = torch.optim.AdamW(model.parameters(), 2e-3)
        for _ in range(220):
            one = batch("image") | {"target": (torch.rand(4, 3, 1, 1) * 2 - 1).expand(4, 3, 48, 48)}
            loss, _ = model.loss(one)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
        model.eval()
        target = (torch.rand(4, 3, 1, 1) * 2 - 1).expand(4, 3, 48, 48)
        truth = model.tokenizer.encode(target).flatten(1, 2)
        before = seen_smaller(model.tokenizer, target, torch.ones(4, dtype=torch.bool))
        with torch.no_grad():
            photo = model.painter.encode_photo(torch.zeros(1, 3, 48, 48), torch.tensor([True])).expand(4)
            prompts = batch("image")["prompts"]
            found = [
                model.painter.condition(photo, prompts, recycles=0, before=b).draft_logits.argmax(-1)
                for b in (None, before)
            ]
    wrong = [(one - truth).abs().float().mean() for one in found]
    assert wrong[1] < 0.6 * wrong[0]


def test_what_was_learned_of_scales_stays_with_the_weights() -> None:
    assert Painting(preset="nano", recycles=1, scaled=0.3).painter.config.scales
    later = Painting(preset="nano", recycles=1).painter
    assert not later.config.scales
    kept = asdict(Painting(preset="nano", recycles=1, scaled=0.3).painter.config)
    said = start.reading(Checkpoint("a", "", {"kind": "training", "reading": {"scales": kept["scales"]}}, {}))
    _read_as(later, said)
    assert later.config.scales
    fresh = Painting(preset="nano", recycles=1, scaled=0.3).painter
    _read_as(fresh, {"scales": False, "trust": 3.0})  # its own recipe trains it
    assert fresh.config.scales and fresh.config.trust == 3.0


@pytest.mark.parametrize("options", [{"recycles": 0}, {"recycles": 1, "draft": 0}, {"scaled": 1.5}])
def test_what_could_not_be_learned_is_refused(options: dict) -> None:
    with pytest.raises(UsageError, match="painting: "):
        Painting(preset="nano", **({"scaled": 0.5, "recycles": 1} | options))
