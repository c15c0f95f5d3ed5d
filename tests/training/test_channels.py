"""A tokenizer and a painter with more channels a token than the weights that they start from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from test_deeper import Holder

from visiongen import checkpoint
from visiongen.errors import WeightsError
from visiongen.prompt import Legend, Prompt
from visiongen.tokenizer import ImageTokenizer
from visiongen.training.run import load_init

SMALL = {"widths": (8, 16, 24), "encoder_blocks": 1, "decoder_blocks": 1}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def saved(folder: Path, model: torch.nn.Module) -> str:
    """A file with the model's weights, moved away from where they start."""
    with torch.no_grad():
        for value in model.parameters():
            value.add_(torch.randn_like(value) * 0.05)
    checkpoint.save(folder / "weights.safetensors", {"model": model}, {}, dtype=torch.float32)
    return str(folder / "weights.safetensors")


def test_a_grown_tokenizer_draws_what_it_drew(tmp_path: Path) -> None:
    old = ImageTokenizer(levels=(8, 8, 5), **SMALL).eval()
    file = saved(tmp_path, old)
    new = ImageTokenizer(levels=(8, 8, 5, 8, 8, 8), **SMALL).eval()
    load_init(new, file, strict=False)
    photo = torch.rand(2, 3, 32, 48) * 2 - 1
    with torch.no_grad():
        few, many = old.encode(photo), new.encode(photo)
        assert torch.equal(many[..., :3], few)
        assert len(many[..., 3:].unique()) > 1, "new channels look at the picture"
        drawn = [model.decode(tokens) for model, tokens in ((old, few), (new, many))]
    torch.testing.assert_close(*drawn, atol=1e-5, rtol=1e-5)
    with pytest.raises(WeightsError, match="does not fit"):
        load_init(ImageTokenizer(levels=(8,) * 6, **SMALL), file, strict=True)


def test_a_grown_painter_paints_what_it_painted(tmp_path: Path) -> None:
    """The draft's and the causal branch's logits of the channels that were there, legend and all."""
    old = Holder().eval()
    file = saved(tmp_path, old)
    new = Holder(levels=(8,) * 6).eval()
    new.painter.palette = lambda colours: torch.zeros(len(colours), 6)
    load_init(new, file, strict=False)
    photo = torch.rand(1, 3, 32, 48) * 2 - 1
    order = Prompt("semantic", "segment", Legend.parse("a=#ff0000,b=#00ff00"))
    tokens = torch.randint(0, 8, (1, 4, 6, 6))
    logits = []
    for model, mine in ((old, tokens[..., :3]), (new, tokens)):
        with torch.no_grad():
            condition = model.painter.condition(model.painter.encode_photo(photo), [order])
            logits.append((condition.draft_logits, model.painter.teach(condition, mine)))
    for few, many in zip(*logits, strict=True):
        assert few.std() > 0.01
        torch.testing.assert_close(many[..., :3, :], few, atol=1e-4, rtol=1e-4)
