"""The specialist: reads training batches, learns, survives saving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from visiongen import checkpoint
from visiongen.benchmarks.heads_painted import by_name
from visiongen.benchmarks.specialist import (
    CAMVID11,
    IGNORE,
    Specialist,
    SpecialistConfig,
    load_specialist,
)
from visiongen.errors import UsageError, WeightsError
from visiongen.prompt import Legend, Prompt

SMALL: dict[str, Any] = {
    "encoder": "resnet10t",
    "channels": [8, 8, 16, 16],
    "decoder": [16, 8, 8, 8],
}


def small(task: str) -> Specialist:
    torch.manual_seed(0)
    return Specialist(task=task, **SMALL)


def save(path: Path, model: torch.nn.Module, **options: Any) -> None:
    """As the training loop saves a run."""
    part = {"target": f"{type(model).__module__}:{type(model).__name__}", "options": options}
    checkpoint.save(path, {"model": model}, {"kind": "training", "recipe": {"model": part}})


def batch(task: str, size: int = 32) -> dict[str, Any]:
    """Two photos, the second left half dark; a third that is blank; targets follow the photo."""
    torch.manual_seed(1)
    photo = torch.zeros(3, 3, size, size)
    photo[:2, :, :, size // 2 :] = 0.8
    photo[1] += 0.1
    bright = photo[:, 0] > 0.5
    legend = Legend(("car", "Sign Symbol", "other"), ((255, 0, 0), (0, 255, 0), (0, 0, 255)))
    prompt = Prompt(task, "x", legend if task == "semantic" else None)
    labels = bright.to(torch.uint8)[[0, 1, 1]].clone()
    labels[:, 0] = 2  # "other" is none of the canonical classes
    labels[:, 1] = IGNORE
    depth = torch.where(bright, 2.0, 20.0)
    depth[:, 0], depth[:, 1] = torch.inf, torch.nan
    normals = torch.zeros(3, size, size, 3)
    normals[..., 2] = 1.0
    normals[bright] = torch.tensor([0.6, 0.0, 0.8])
    normals[:, 0] = torch.nan
    return {
        "photo": photo,
        "photo_blank": torch.tensor([False, False, True]),
        "photo_index": torch.tensor([0, 1, 2, 1]),
        "prompts": [prompt, prompt, Prompt("photo", "photo"), prompt],
        "labels": torch.cat([labels[:2], labels[:1], labels[2:]]),
        "depth": depth,
        "normals": normals,
    }


@pytest.mark.parametrize("task", ["semantic", "depth", "normals"])
def test_it_learns_from_a_training_batch(task: str) -> None:
    model, data = small(task), batch(task)
    optimiser = torch.optim.AdamW(model.parameters(), 1e-2)
    losses = []
    for _ in range(25):
        loss, numbers = model.loss(data)
        assert torch.isfinite(loss) and all(np.isfinite(v) for v in numbers.values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.4 * losses[0]
    model.eval()
    answer = model.predict(((data["photo"][0].permute(1, 2, 0).numpy() + 1) * 127.5).astype(np.uint8))
    assert answer.shape[:2] == (32, 32)
    if task == "semantic":
        answer = answer.argmax(axis=2)
    if task == "semantic":  # car is 8, sign is 6 in the canonical order, wherever the legend has them
        assert np.mean(answer[4:, 20:] == 6) > 0.8 and np.mean(answer[4:, :12] == 8) > 0.8
    if task == "normals":
        assert np.linalg.norm(answer, axis=-1) == pytest.approx(1, abs=1e-4)


def test_labels_are_mapped_by_name_not_by_position() -> None:
    legend = Legend(("road", "my own thing", "SKY"), ((1, 1, 1), (2, 2, 2), (3, 3, 3)))
    labels = torch.tensor([[0, 1, 2, IGNORE]], dtype=torch.uint8)
    assert by_name(labels, legend, CAMVID11).tolist() == [[3, IGNORE, 0, IGNORE]]


def test_rows_of_other_tasks_and_blank_photos_cost_nothing() -> None:
    model, data = small("depth"), batch("semantic")
    loss, numbers = model.loss(data)
    assert loss.item() == 0 and numbers == {"rows": 0.0}
    loss.backward()
    blank = batch("depth") | {"photo_blank": torch.ones(3, dtype=torch.bool)}
    assert model.loss(blank)[0].item() == 0


def test_ignored_pixels_do_not_change_the_loss() -> None:
    model, data = small("depth").eval(), batch("depth")
    before = model.loss(data)[0].item()
    data["depth"][:, 2] = torch.nan
    changed = model.loss(data)[0].item()
    data["depth"][:, 2] = torch.inf
    assert model.loss(data)[0].item() == changed != before


def test_size_stays_below_ten_megabytes_and_saving_keeps_the_answers(tmp_path: Path) -> None:
    model = Specialist("semantic").eval()
    path = tmp_path / "s.safetensors"
    save(path, model, task="semantic")
    assert path.stat().st_size < 10_000_000
    again = load_specialist(path)
    assert again.config == model.config and not again.training
    photo = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    assert np.mean(again.predict(photo) == model.predict(photo)) > 0.99


def test_unusable_files_and_tasks(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="choose one of"):
        SpecialistConfig(task="poetry")
    path = tmp_path / "s.safetensors"
    with pytest.raises(WeightsError, match="no such file"):
        load_specialist(path)
    save(path, small("depth"), **SMALL, task="depth")
    assert load_specialist(path).config.task == "depth"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="truncated or altered"):
        load_specialist(path)
