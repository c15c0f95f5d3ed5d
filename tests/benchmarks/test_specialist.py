"""The specialist: reads training batches, learns, survives saving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from visiongen import checkpoint
from visiongen.benchmarks.base import Item
from visiongen.benchmarks.head_base import Rows
from visiongen.benchmarks.heads import HEADS
from visiongen.benchmarks.heads_painted import ClassHead, MapHead, by_name, two_ends
from visiongen.benchmarks.reading import read_answer
from visiongen.benchmarks.runner import get_benchmark
from visiongen.benchmarks.specialist import (
    IGNORE,
    Specialist,
    SpecialistConfig,
    load_specialist,
)
from visiongen.benchmarks.specialist_row import SpecialistRow
from visiongen.errors import InputError, UsageError, WeightsError
from visiongen.files import sha256
from visiongen.geometry import Geometry
from visiongen.prompt import Legend, Prompt
from visiongen.registry import SOURCES, TASKS
from visiongen.training.recipe import find_recipe, load_recipe
from visiongen.world.classes import CAMVID_NAMES

SMALL: dict[str, Any] = {
    "encoder": "resnet10t",
    "channels": [8, 8, 16, 16],
    "decoder": [16, 8, 8, 8],
}


CLASSED = [task for task, head in HEADS.items() if head is ClassHead]
PAINTED = [task for task, head in HEADS.items() if head is MapHead]


def small(task: str) -> Specialist:
    torch.manual_seed(0)
    return Specialist(task=task, **SMALL)


def save(path: Path, model: torch.nn.Module, data: Any = (), **options: Any) -> None:
    """As the training loop saves a run."""
    path.parent.mkdir(exist_ok=True)
    part = {"target": f"{type(model).__module__}:{type(model).__name__}", "options": options}
    recipe = {"model": part, "data": list(data)}
    checkpoint.save(path, {"model": model}, {"kind": "training", "recipe": recipe})


def batch(task: str, size: int = 32) -> dict[str, Any]:
    """Two photos, the second left half dark; a third that is blank; targets follow the photo."""
    torch.manual_seed(1)
    photo = torch.zeros(3, 3, size, size)
    photo[:2, :, :, size // 2 :] = 0.8
    photo[1] += 0.1
    bright = photo[:, 0] > 0.5
    legend = Legend(("car", "Sign Symbol", "other"), ((255, 0, 0), (0, 255, 0), (0, 0, 255)))
    prompt = Prompt(task, "x", legend if task in CLASSED else None)
    labels = bright.to(torch.uint8)[[0, 1, 1]].clone()
    labels[:, 0] = 2  # "other" is none of the canonical classes
    labels[:, 1] = IGNORE
    depth = torch.where(bright, 2.0, 20.0)
    depth[:, 0], depth[:, 1] = torch.inf, torch.nan
    normals = torch.zeros(3, size, size, 3)
    normals[..., 2] = 1.0
    normals[bright] = torch.tensor([0.6, 0.0, 0.8])
    normals[:, 0] = torch.nan
    colours = torch.where(bright[..., None], torch.tensor([1.0, 1.0, 1.0]), torch.tensor([-1.0, -1.0, -1.0]))
    if task in PAINTED:
        colours = torch.where(
            bright[..., None], torch.tensor([0.6, -0.2, -1.0]), torch.tensor([-0.6, 0.2, 0.9])
        )
    target = colours.permute(0, 3, 1, 2)[[0, 1, 1, 1]].clone()
    valid = torch.ones(4, size, size, dtype=torch.bool)
    target[:, :, 3] *= -1  # wrong where it does not count
    valid[:, 3] = False
    return {
        "target": target,
        "valid": valid,
        "photo": photo,
        "photo_blank": torch.tensor([False, False, True]),
        "photo_index": torch.tensor([0, 1, 2, 1]),
        "prompts": [prompt, prompt, Prompt("photo", "photo"), prompt],
        "labels": torch.cat([labels[:2], labels[:1], labels[2:]]),
        "depth": depth,
        "normals": normals,
    }


@pytest.mark.parametrize("task", list(HEADS))
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
    assert losses[-1] < 0.5 * losses[0]
    model.eval()
    answer = model.predict(((data["photo"][0].permute(1, 2, 0).numpy() + 1) * 127.5).astype(np.uint8))
    assert answer.shape[:2] == (32, 32)
    left, right = answer[6:, :12], answer[6:, 20:]
    if task in CLASSED:  # car is 8, sign is 6 in the canonical order, wherever the legend has them
        assert np.mean(right.argmax(2) == 6) > 0.8 and np.mean(left.argmax(2) == 8) > 0.8
    elif task == "depth":
        assert abs(np.log(right / 2)).mean() < 0.7 and abs(np.log(left / 20)).mean() < 0.7
    elif task == "normals":
        assert np.linalg.norm(answer, axis=-1) == pytest.approx(1, abs=1e-4)
        assert right[..., 0].mean() > left[..., 0].mean() + 0.3
    elif task in PAINTED:
        assert abs(right - [0.8, 0.4, 0]).mean() < abs(left - [0.8, 0.4, 0]).mean()
    else:
        assert right.mean() > 0.6 and right.mean() > left.mean() + 0.3


@pytest.mark.parametrize("task", list(HEADS))
def test_what_it_says_becomes_a_prediction_of_the_task(task: str) -> None:
    """In the input's size, from a smaller working size, by the same reading as the generator's maps."""
    model = small(task).eval()
    photo = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    geometry = Geometry.fit(photo.shape[:2], 64)
    made = TASKS.get(task)()
    prompt = made.prompt()
    found = model.sheet(photo, made, prompt, 64).prediction(made, prompt, (60, 90))
    assert type(found) is made.prediction and found.labels.shape[:2] == (60, 90)
    if task in ("depth", "normals"):
        expected = made.undo(geometry, model.predict(geometry.apply(photo)))
    else:
        painted = model.says.paint(model.predict(geometry.apply(photo)), model.config.names, made, prompt)
        expected = made.decode(painted, geometry, prompt).labels
    assert np.array_equal(found.labels, expected)


def test_classes_are_chosen_among_those_that_are_asked_for() -> None:
    model = small("semantic").eval()
    answer = np.zeros((1, 2, len(CAMVID_NAMES)), np.float32)
    answer[..., CAMVID_NAMES.index("tree")] = 9  # the likeliest of all is not asked for
    answer[0, 0, CAMVID_NAMES.index("car")], answer[0, 1, CAMVID_NAMES.index("sign")] = 2, 1
    made = TASKS.get("semantic")()
    prompt = made.prompt(Legend.parse("Sign Symbol=#00ff00,unheard of=#000000,car=#ff0000"))
    painted = model.says.paint(answer, CAMVID_NAMES, made, prompt)
    assert painted.tolist() == [[[255, 0, 0], [0, 255, 0]]]
    with pytest.raises(UsageError, match="knows none of"):
        model.says.paint(answer, CAMVID_NAMES, made, made.prompt(Legend.parse("unheard of=#000000")))


def test_a_gray_head_learns_the_share_between_the_prompts_own_colours() -> None:
    """Whatever two colours a prompt has: the same share, painted back in those colours."""
    legend = Legend.parse("thing=#2040c0,other=#e0d010")
    prompt = Prompt("referring", "x", legend)
    assert two_ends(prompt) == ((0x20, 0x40, 0xC0), (0xE0, 0xD0, 0x10))
    assert two_ends(Prompt("edges", "x")) == ((255, 255, 255), (0, 0, 0))
    share = np.array([[0.0, 0.25, 1.0]])
    painted = small("salient").says.paint(share, (), None, prompt)  # type: ignore[arg-type]
    assert painted[0, 0].tolist() == [0xE0, 0xD0, 0x10] and painted[0, 2].tolist() == [0x20, 0x40, 0xC0]
    target = torch.from_numpy(painted).permute(2, 0, 1)[None].float() / 127.5 - 1
    batch = {"prompts": [prompt], "target": target, "valid": torch.ones(1, 1, 3, dtype=torch.bool)}
    rows = Rows(batch, [0], torch.tensor([0]), torch.tensor([0]))
    logits = torch.logit(torch.tensor(share).float(), eps=1e-4)[None, None]
    _, numbers = small("salient").says.loss(logits, rows, (), 0.0)
    assert numbers["abs_error"] < 0.01


BUDGETS = {"specialist-camvid11": 25, "specialist-depth": 11}  # depth has walls and windows to learn, too
RECIPES = [path.stem for path in sorted(find_recipe("tiny").parent.glob("specialist-*.toml"))]


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_whole_and_their_world_batches_train(name: str, tmp_path: Path) -> None:
    """Every recipe that draws from the world makes two steps on a tiny pool; budgets are as told."""
    recipe = load_recipe(name)
    task = recipe.model.options["task"]
    assert task in HEADS and recipe.schedule.minutes == BUDGETS.get(name, 8)
    if recipe.data[0].source != "world":
        return
    options = recipe.data[0].options
    assert options["tasks"] == [task] and options["pool"] >= 2000 and options["pool_size"] == [120, 160]
    small_pool = {"kinds": ["tabletop"], "pool": 6, "pool_size": [48, 64], "size": [48, 64], "batch": 6}
    source = SOURCES.get("world")(**{**options, **small_pool, "cache_dir": str(tmp_path)})
    torch.manual_seed(0)
    model = Specialist(**{**recipe.model.options, **SMALL})
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3)
    rows = 0
    for step in range(2):
        made = source.batch(step, 0)
        rows += sum(prompt.task == task for prompt in made["prompts"])
        loss, numbers = model.loss(made)
        assert torch.isfinite(loss) and all(np.isfinite(v) for v in numbers.values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert rows and float(loss.detach()) > 0


def test_a_run_folder_is_the_specialist_of_its_own_task(tmp_path: Path) -> None:
    for task in ("salient", "orm"):
        save(tmp_path / task / "weights.safetensors", small(task), **SMALL, task=task)
    benchmark = get_benchmark("world-orm")
    row = SpecialistRow.find(benchmark, [tmp_path / "salient", tmp_path / "orm"], None)
    assert row.models["orm"].config.task == "orm"
    assert row.identity["weights"] == sha256(tmp_path / "orm" / "weights.safetensors")
    with pytest.raises(InputError, match=r"train specialist-orm.*--specialist"):
        SpecialistRow.find(benchmark, [tmp_path / "salient"], None)
    # A run called like another benchmark's recipe gives way to one called like this one's.
    runs = [tmp_path / name for name in ("specialist-ecssd", "specialist-salient", "mine")]
    for run in runs:
        mark = len(run.name) / 100
        save(run / "weights.safetensors", small("salient"), **SMALL, task="salient", balance=mark)
    sets = {"world-salient": (runs, runs[:1]), "ecssd": (runs, runs[1:], runs[2:])}
    chosen: dict[str, list[float]] = {}
    for name, several in sets.items():
        rows = [SpecialistRow.find(get_benchmark(name), given, None) for given in several]
        chosen[name] = [row.models["salient"].config.balance * 100 for row in rows]
    sizes = [float(len(run.name)) for run in runs]
    assert chosen["world-salient"] == pytest.approx([sizes[1], sizes[0]])
    assert chosen["ecssd"] == pytest.approx([sizes[0], sizes[2], sizes[2]])
    with pytest.raises(WeightsError, match="nothing"):
        SpecialistRow.find(benchmark, [tmp_path / "nothing"], None)


@pytest.mark.parametrize(("learned", "looks"), [(64, 64), (96, 96), (640, 160), (None, 160)])
def test_a_specialist_looks_at_the_size_that_it_learned(
    learned: int | None, looks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {} if learned is None else {"size": [[48, 64], [learned * 3 // 4, learned]]}
    data = [{"source": "world", "options": sizes}]
    save(tmp_path / "weights.safetensors", small("depth"), data=data, **SMALL, task="depth")
    benchmark = get_benchmark("world-depth")
    monkeypatch.setattr(benchmark, "protocol", benchmark.protocol | {"long_side": 160})
    row = SpecialistRow.find(benchmark, [tmp_path], None)
    assert row.models["depth"].learned_at == learned and row.identity["long_side"] == looks
    photo = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    sheets, _ = row.paint(Item("x", "", lambda: photo, lambda: photo), photo)
    assert sheets["depth"].map.shape[1] == looks
    answer = read_answer(benchmark, Item("x", "", lambda: photo, lambda: photo), None, (240, 320), sheets)
    assert answer.shape[:2] == (240, 320)


@pytest.mark.parametrize("name", ["camvid11", "world-depth", "world-normals"])
def test_shipped_specialists_still_load_and_answer_in_place(name: str, shipped: str) -> None:
    benchmark = get_benchmark(name)
    row = SpecialistRow.find(benchmark, (), benchmark.legend())
    photo = np.random.default_rng(0).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    nothing = Item("x", "", lambda: photo, lambda: photo)
    sheets, _ = row.paint(nothing, photo)
    answer = read_answer(benchmark, nothing, benchmark.legend(), (96, 128), sheets)
    assert answer.shape[:2] == photo.shape[:2]
    geometry = Geometry.fit(photo.shape[:2], row.sides[benchmark.task])
    raw = row.models[benchmark.task].predict(geometry.apply(photo))
    if name == "camvid11":
        raw = raw.argmax(axis=2).astype(np.uint8)
    assert np.array_equal(answer, TASKS.get(benchmark.task)().undo(geometry, raw))


def test_a_set_of_maps_has_a_specialist_for_each(tmp_path: Path) -> None:
    """Each paints its own map at its own size; runs of the surfaces' recipes come before the scenes'."""
    benchmark, runs = get_benchmark("matsynth"), []
    data = [{"source": "surfaces", "options": {"size": [64, 64]}}]
    for part, name in [(p, f"specialist-surfaces-{p}") for p in ("basecolor", "tangent", "orm")] + [
        ("basecolor", "specialist-basecolor")
    ]:
        runs.append(tmp_path / name)
        save(tmp_path / name / "weights.safetensors", small(part), data=data, **SMALL, task=part)
    row = SpecialistRow.find(benchmark, runs[::-1], None)
    files = {part: tmp_path / f"specialist-surfaces-{part}/weights.safetensors" for part in row.models}
    assert row.identity["weights"] == {part: sha256(file) for part, file in files.items()}
    photo = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    sheets, _ = row.paint(Item("x", "", lambda: photo, lambda: photo), photo)
    assert list(sheets) == list(benchmark.protocol["parts"])
    for part, sheet in sheets.items():
        assert sheet.map.shape == (64, 64, 3) and sheet.codec.spec() == TASKS.get(part)().codec().spec()
        seen, task, model = Geometry.fit((96, 96), 64).apply(photo), TASKS.get(part)(), row.models[part]
        painted = model.says.paint(model.predict(seen), model.config.names, task, task.prompt())
        assert np.array_equal(sheet.map, painted)
    with pytest.raises(InputError, match="train specialist-surfaces-orm"):
        SpecialistRow.find(benchmark, runs[:2], None)


def test_labels_are_mapped_by_name_not_by_position() -> None:
    legend = Legend(("road", "my own thing", "SKY"), ((1, 1, 1), (2, 2, 2), (3, 3, 3)))
    labels = torch.tensor([[0, 1, 2, IGNORE]], dtype=torch.uint8)
    assert by_name(labels, legend, CAMVID_NAMES).tolist() == [[3, IGNORE, 0, IGNORE]]


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
    assert again.predict(photo) == pytest.approx(model.predict(photo), abs=0.02)


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
