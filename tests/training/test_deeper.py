"""A trained painter made deeper, and the optimiser that trains its matrices."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from visiongen import checkpoint
from visiongen.painter_config import PainterConfig
from visiongen.prompt import Prompt
from visiongen.training.optim import Optim, make_optimiser
from visiongen.training.run import load_init
from visiongen.transformer import Painter

NANO = PainterConfig.preset("nano", (8, 8, 8)).to_dict()


class Holder(nn.Module):
    """A model with a painter, as recipes name its tensors."""

    def __init__(self, **changed: object) -> None:
        super().__init__()
        self.painter = Painter(PainterConfig.from_dict({**NANO, **changed}))
        self.painter.palette = lambda colours: torch.zeros(len(colours), 3)


def test_blocks_that_the_weights_lack_change_nothing_at_first(tmp_path: Path) -> None:
    torch.manual_seed(0)
    small = Holder().eval()
    file = tmp_path / "weights.safetensors"
    checkpoint.save(file, {"model": small}, {}, dtype=torch.float32)
    deep = Holder(photo_blocks=3, draft_blocks=2, trunk_extra=(1, 2, 1, 1)).eval()
    load_init(deep, str(file), strict=False)
    photo = torch.rand(1, 3, 32, 48) * 2 - 1
    for step in range(2):
        logits = []
        for model in (small, deep):
            with torch.no_grad():
                prefix = model.painter.encode_photo(photo)
                logits.append(model.painter.condition(prefix, [Prompt("depth", "metres")]).draft_logits)
        assert torch.equal(*logits) == (step == 0)
        with torch.no_grad():  # the new blocks are there: moving them moves the picture
            deep.painter.trunk.blocks[2].out.weight.normal_()


@pytest.mark.parametrize("decay", [0.05, 0.0])
def test_muon_leaves_tables_to_adam(decay: float) -> None:
    pytest.importorskip("timm.optim.muon")
    torch.manual_seed(0)
    model = Holder()
    optimiser = make_optimiser(model, Optim(name="muon", lr=1e-3, weight_decay=decay))
    before = {name: value.clone() for name, value in model.named_parameters()}
    for value in model.parameters():
        value.grad = torch.randn_like(value)
    optimiser.step()
    matrix = "painter.trunk.blocks.0.qkv.weight"
    moved = (model.painter.trunk.blocks[0].qkv.weight - before[matrix]).detach()
    spectrum = torch.linalg.svdvals(moved)
    assert spectrum.max() / spectrum.min() < 2, "an orthogonal step has a flat spectrum"
    table = model.painter.prompt.text.embed.weight
    step = (table - before["painter.prompt.text.embed.weight"]).detach().abs()
    assert torch.allclose(step, torch.full_like(step, 1e-3), rtol=1e-2), "AdamW's first step has one size"
