"""The loop: it learns, resumes bit for bit after kill -9, and fails loudly."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from toy import ToyModel, ToySource

from visiongen import checkpoint as weight_files
from visiongen.errors import SaveError, UsageError, VisiongenError, WeightsError
from visiongen.locks import held
from visiongen.training.checkpoint import CURRENT, PREVIOUS, load_checkpoint, save_checkpoint
from visiongen.training.log import read_log
from visiongen.training.loop import LOCK, RunOptions, Trainer
from visiongen.training.mixture import Mixture
from visiongen.training.optim import Optim, make_optimiser
from visiongen.training.recipe import load_recipe
from visiongen.training.run import build_trainer
from visiongen.training.schedule import Schedule

RECIPE = """
[model]
target = "toy:ToyModel"
options = {{ delay = {delay} }}

[[data]]
source = "shapes"
options = {{ size = [16, 16], batch = 2 }}

[schedule]
steps = 24
warmup = 4

[run]
workers = {workers}
threads = 1
checkpoint_steps = 3
log_every = 4
accumulate = 2
"""

SCRIPT = """
import sys
from visiongen.training.recipe import load_recipe
from visiongen.training.run import build_trainer
build_trainer(load_recipe(sys.argv[1]), sys.argv[2]).fit()
"""


def trainer(out: Path, steps: int = 12, bad: tuple[int, ...] = (), **options: object) -> Trainer:
    torch.manual_seed(0)
    run = RunOptions(workers=0, log_every=4, **options)  # type: ignore[arg-type]
    stream = Mixture([ToySource(bad)])
    return Trainer(ToyModel(), stream, Schedule(steps=steps, warmup=2), out, run=run)


def start(recipe: Path, out: Path) -> subprocess.Popen[bytes]:
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, "-c", SCRIPT, str(recipe), str(out)]
    return subprocess.Popen(arguments, env=env, start_new_session=True)


def weights_sha(out: Path) -> str:
    return json.loads((out / "weights.json").read_text())["sha256"]


def test_kill_and_resume_gives_the_same_weights(tmp_path: Path) -> None:
    """kill -9 in the middle; the resumed run ends with the weights of an unbroken one."""
    recipe = tmp_path / "toy.toml"
    recipe.write_text(RECIPE.format(delay=0.02, workers=1))
    process = start(recipe, tmp_path / "killed")
    build_trainer(load_recipe(recipe), tmp_path / "whole").fit()
    while not (tmp_path / "killed" / PREVIOUS).exists() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=30) == -signal.SIGKILL
    assert not (tmp_path / "killed" / "weights.json").exists()
    assert 0 < load_checkpoint(tmp_path / "killed")["state"]["step"] < 24
    torch.manual_seed(99)  # whatever this process did in between must not matter
    build_trainer(load_recipe(recipe), tmp_path / "killed").fit(resume=True)
    assert weights_sha(tmp_path / "killed") == weights_sha(tmp_path / "whole")
    tensors = [weight_files.load(tmp_path / n / "weights.safetensors").tensors for n in ("whole", "killed")]
    assert all(torch.equal(tensors[0][k], tensors[1][k]) for k in tensors[0])
    rows = {name: read_log(tmp_path / name / "log.jsonl") for name in ("killed", "whole")}
    assert [row["step"] for row in rows["killed"]] == [4, 8, 12, 16, 20, 24]
    for ours, theirs in zip(rows["killed"], rows["whole"], strict=True):
        assert ours["loss"] == theirs["loss"], "also of a window that the kill fell into"


def test_a_signal_to_the_whole_group_saves(tmp_path: Path) -> None:
    """As `timeout` or a service manager stops a run: the data worker gets the signal too."""
    recipe = tmp_path / "toy.toml"
    recipe.write_text(RECIPE.format(delay=0.02, workers=1))
    process = start(recipe, tmp_path / "run")
    while not (tmp_path / "run" / CURRENT).exists() and process.poll() is None:
        time.sleep(0.01)
    before = load_checkpoint(tmp_path / "run")["state"]["step"]
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=60)
    assert before <= load_checkpoint(tmp_path / "run")["state"]["step"] < 24
    build_trainer(load_recipe(recipe), tmp_path / "run").fit(resume=True)
    assert json.loads((tmp_path / "run" / "weights.json").read_text())["steps"] == 24


def test_learns_and_writes_everything(tmp_path: Path) -> None:
    seen: list[dict] = []
    t = trainer(tmp_path, 40)
    t.optim.lr = 0.02
    t.on_log = seen.append
    facts = t.fit()
    rows = read_log(tmp_path / "log.jsonl")
    assert len(rows) == len(seen) == 10 and rows[-1]["step"] == 40
    assert rows[-1]["mse"] < 0.5 * rows[0]["mse"]
    assert rows[-1]["lr"] < 0.1 * max(r["lr"] for r in rows)
    assert facts["steps"] == 40 and facts["samples"] == 80 and facts["skipped_steps"] == 0
    assert (tmp_path / "loss.svg").read_text().startswith("<svg")
    saved = weight_files.load(tmp_path / "weights.safetensors").part("model")
    assert set(saved) == set(t.model.state_dict())
    assert all(torch.equal(saved[k].float(), v.float()) for k, v in t.ema.shadow.items())


def test_interrupt_saves_and_resumes(tmp_path: Path) -> None:
    """Ctrl-C ends the run after the step, with a checkpoint that goes on to the same weights."""
    trainer(tmp_path / "whole", 12).fit()
    t = trainer(tmp_path / "cut", 12)
    t.on_log = lambda row: os.kill(os.getpid(), signal.SIGINT) if row["step"] == 4 else None
    with pytest.raises(KeyboardInterrupt):
        t.fit()
    assert t.state.step == 4 and not (tmp_path / "cut" / "weights.json").exists()
    trainer(tmp_path / "cut", 12).fit(resume=True)
    assert weights_sha(tmp_path / "cut") == weights_sha(tmp_path / "whole")


def test_full_disk_keeps_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    t = trainer(tmp_path, 12)
    t.checkpoint()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SaveError, match="No space left"):
        t.checkpoint()
    assert load_checkpoint(tmp_path)["state"]["step"] == 0
    assert [p.name for p in tmp_path.iterdir() if "checkpoint" in p.name] == [CURRENT]


def test_not_finite_steps_are_skipped_and_counted(tmp_path: Path) -> None:
    t = trainer(tmp_path, 12, bad=(3, 7))
    before = {k: v.clone() for k, v in t.ema.shadow.items()}
    assert t.fit()["skipped_steps"] == 2
    parameters = dict(t.model.named_parameters())
    assert all(torch.isfinite(p).all() for p in parameters.values())
    assert any(not torch.equal(before[k], t.ema.shadow[k]) for k in parameters)
    assert all(math.isfinite(r["loss"]) for r in read_log(tmp_path / "log.jsonl"))


def test_stops_when_nothing_is_finite(tmp_path: Path) -> None:
    t = trainer(tmp_path, 50, bad=tuple(range(5, 50)), max_bad_steps=4)
    with pytest.raises(VisiongenError, match=r"not finite for 4 steps in a row \(step 9\)"):
        t.fit()


def test_minutes_fit_the_schedule(tmp_path: Path) -> None:
    """A run told its minutes ends on time, with the rate at its floor."""
    model = ToyModel(delay=0.01)
    schedule = Schedule(minutes=1.5 / 60, warmup=2)
    options = RunOptions(workers=0, log_every=1)
    t = Trainer(model, Mixture([ToySource()]), schedule, tmp_path, run=options)
    begin = time.perf_counter()
    t.fit()
    assert 1.3 < t.state.seconds < 2.5 and time.perf_counter() - begin < 6
    assert read_log(tmp_path / "log.jsonl")[-1]["lr"] < 0.1 * t.optim.lr


def test_two_trainings_do_not_share_a_folder(tmp_path: Path) -> None:
    first, second = trainer(tmp_path, 6), trainer(tmp_path, 6)
    with held(tmp_path / LOCK), pytest.raises(UsageError, match=rf"another run \(pid {os.getpid()}\) writes"):
        first.fit()
    second.fit()
    with held(tmp_path / LOCK), pytest.raises(UsageError, match="another run"):
        trainer(tmp_path, 12).fit(resume=True)
    assert second.state.step == 6


def test_budget_continues_after_resume(tmp_path: Path) -> None:
    first = trainer(tmp_path, 6)
    first.fit()
    second = trainer(tmp_path, 12)
    second.restore()
    assert second.state.step == 6 and second.state.position == 6
    assert second.state.seconds == pytest.approx(first.state.seconds, abs=0.5)
    assert second.ema.updates == 6


@pytest.mark.parametrize("name", ["adamw", "nmuon"])
def test_the_recipe_s_rates_count_after_a_resume(tmp_path: Path, name: str) -> None:
    def made(**optim: object) -> Trainer:
        options = RunOptions(workers=0, log_every=1)
        schedule = Schedule(steps=4, warmup=1)
        return Trainer(
            ToyModel(),
            Mixture([ToySource()]),
            schedule,
            tmp_path,
            run=options,
            optim=Optim(name=name, **optim),
        )

    first = next(iter(dict(ToyModel().named_parameters())))
    made(lr_scale={first: 0.5}).fit()
    again = made(lr_scale={first: 0.1}, weight_decay=0.2, lr=1e-5)
    wanted = [(g["lr_scale"], g["weight_decay"]) for g in again.optimiser.param_groups]
    again.restore()
    assert [(g["lr_scale"], g["weight_decay"]) for g in again.optimiser.param_groups] == wanted
    assert {scale for scale, _ in wanted} == {0.1, 1.0} or {scale for scale, _ in wanted} == {0.1}
    assert again.optimiser.state, "its state is the checkpoint's"


def test_resume_without_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no checkpoint to resume from"):
        trainer(tmp_path / "typo").fit(resume=True)
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("damage", ["cut", "flip", "garbage"])
def test_damaged_checkpoint(tmp_path: Path, damage: str) -> None:
    save_checkpoint(tmp_path, {"step": 1, "w": torch.arange(1000)})
    save_checkpoint(tmp_path, {"step": 2, "w": torch.arange(1000)})
    path = tmp_path / CURRENT
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[: len(data) // 2]
    elif damage == "flip":
        data[len(data) // 2] ^= 1
    else:
        data = bytearray(b"\0" * 100)
    path.write_bytes(data)
    with pytest.raises(WeightsError) as caught:
        load_checkpoint(tmp_path)
    message = str(caught.value)
    assert str(path) in message and "--previous" in message and "\n" not in message
    assert load_checkpoint(tmp_path, previous=True)["step"] == 1


def test_the_remedy_for_a_damaged_only_checkpoint_works(tmp_path: Path) -> None:
    """Without --resume a folder that has a run is refused, whatever state its checkpoint is in."""
    trainer(tmp_path, 2).fit()
    (tmp_path / PREVIOUS).unlink(missing_ok=True)
    with pytest.raises(WeightsError, match="leave out --previous"):
        trainer(tmp_path, 2).fit(resume=True, previous=True)
    (tmp_path / CURRENT).write_bytes(b"damaged")
    with pytest.raises(WeightsError, match=f"another --out, or without --resume once {CURRENT} is deleted"):
        trainer(tmp_path, 2).fit(resume=True)
    with pytest.raises(UsageError, match="a run is there"):
        trainer(tmp_path, 2).fit()
    (tmp_path / CURRENT).unlink()
    trainer(tmp_path, 2).fit()


def test_checkpoint_of_another_model(tmp_path: Path) -> None:
    trainer(tmp_path, 2).fit()
    other = Trainer(ToyModel(width=9), Mixture([ToySource()]), Schedule(steps=4), tmp_path)
    with pytest.raises(WeightsError, match="another model"):
        other.restore()
    mine = trainer(tmp_path, 4)
    mine.described = {"run": {"seed": 5}}
    with pytest.raises(UsageError, match=r"run\.seed"):
        mine.restore()


def test_accumulation_equals_one_large_batch(tmp_path: Path) -> None:
    """Two halves accumulated give the gradient of the whole (model without batch norm, dropout)."""

    class Plain(ToyModel):
        def __init__(self) -> None:
            super().__init__()
            self.net = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 3, padding=1))

    class Double(ToySource):
        def batch(self, index: int, seed: int) -> dict:
            parts = [super(Double, self).batch(2 * index + k, seed) for k in (0, 1)]
            return {k: torch.cat([p[k] for p in parts]) for k in ("photo", "target")}

    results = []
    for source, accumulate in ((ToySource(), 2), (Double(), 1)):
        torch.manual_seed(0)
        options = RunOptions(workers=0, accumulate=accumulate)
        t = Trainer(Plain(), Mixture([source]), Schedule(steps=3), tmp_path / str(accumulate), run=options)
        t.fit()
        results.append(torch.cat([p.flatten() for p in t.model.parameters()]))
    assert torch.allclose(*results, atol=1e-6)


def test_parameter_groups() -> None:
    model = torch.nn.ModuleDict(
        {"embed": torch.nn.Embedding(4, 4), "norm": torch.nn.LayerNorm(4), "out": torch.nn.Linear(4, 4)}
    )
    optimiser = make_optimiser(model, Optim(weight_decay=0.1, lr_scale={"out.": 0.5}))
    decays = {
        name: (group["weight_decay"], group["lr_scale"])
        for group in optimiser.param_groups
        for name, p in model.named_parameters()
        if any(p is q for q in group["params"])
    }
    assert decays["embed.weight"] == (0.0, 1.0)
    assert decays["norm.weight"] == (0.0, 1.0)
    assert decays["out.weight"] == (0.1, 0.5)
    assert decays["out.bias"] == (0.0, 0.5)
    with pytest.raises(UsageError, match="no parameter starts with 'head'"):
        make_optimiser(model, Optim(lr_scale={"head": 0.0}))


def test_schedule() -> None:
    s = Schedule(steps=100, warmup=10, floor=0.01)
    assert s.factor(0, 0) == pytest.approx(0.1, rel=0.01)
    assert s.factor(10, 0) == pytest.approx(0.976, abs=0.01)
    assert s.factor(100, 0) == pytest.approx(0.01)
    assert s.finished(100, 0) and not s.finished(99, 1e9)
    m = Schedule(minutes=1, warmup=0)
    assert m.factor(5, 30) == pytest.approx(0.505)
    assert m.finished(5, 59.9, 0.5) and not m.finished(5, 59, 0.5)
    with pytest.raises(UsageError, match="neither steps nor minutes"):
        Schedule()
    with pytest.raises(UsageError, match="minutes = -1"):
        Schedule(minutes=-1)


def test_a_damaged_checkpoint_is_not_kept_as_the_one_before(tmp_path: Path) -> None:
    trainer(tmp_path, 2).fit()
    trainer(tmp_path, 4).fit(resume=True)
    (tmp_path / CURRENT).write_bytes(b"damaged")
    again = trainer(tmp_path, 6)
    again.restore(previous=True)
    assert load_checkpoint(tmp_path)["state"] == load_checkpoint(tmp_path, previous=True)["state"]
    again.checkpoint()
    assert load_checkpoint(tmp_path, previous=True)["state"]["step"] > 0, "both can be read"


def test_a_run_is_not_overwritten(tmp_path: Path) -> None:
    trainer(tmp_path, steps=2).fit()
    before = weights_sha(tmp_path)
    with pytest.raises(UsageError, match="a run is there"):
        trainer(tmp_path, steps=4).fit()
    assert weights_sha(tmp_path) == before and read_log(tmp_path / "log.jsonl")
    trainer(tmp_path, steps=4).fit(resume=True)
    assert weights_sha(tmp_path) != before


def test_state_of_the_optimiser_is_not_given_to_other_parameters(tmp_path: Path) -> None:
    def made(**optim: object) -> Trainer:
        torch.manual_seed(0)
        stream, schedule = Mixture([ToySource()]), Schedule(steps=2, warmup=1)
        run = RunOptions(workers=0)
        described = {"optim": {"name": optim.get("name", "adamw")}}
        chosen = Optim(**optim)  # type: ignore[arg-type]
        return Trainer(ToyModel(), stream, schedule, tmp_path, optim=chosen, run=run, described=described)

    made(lr_scale={"net.0": 0.5}).fit()
    made(lr_scale={"net.0": 0.25}).restore()  # another rate for the same parameters
    for other in ({"net.4": 0.5}, {}):
        with pytest.raises(UsageError, match="groups parameters otherwise"):
            made(lr_scale=other).restore()
    with pytest.raises(UsageError, match=r"optim\.name = 'adamw'"):
        made(name="lion", lr_scale={"net.0": 0.5}).restore()
