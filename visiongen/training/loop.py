"""One loop for everything that is trained: tokenizer, painter, specialists, fine-tuning.

A model is any ``nn.Module`` with ``loss(batch) -> (scalar tensor, dict of floats)``.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from visiongen.errors import UsageError, VisiongenError
from visiongen.locks import held
from visiongen.training import precision, resume
from visiongen.training.batches import Batch, move
from visiongen.training.checkpoint import CURRENT
from visiongen.training.ema import Ema
from visiongen.training.export import export_weights, frozen_digest
from visiongen.training.log import Log, Window
from visiongen.training.mixture import Mixture, batches
from visiongen.training.optim import Optim, make_optimiser
from visiongen.training.plot import plot_log
from visiongen.training.progress import Progress
from visiongen.training.schedule import Schedule
from visiongen.training.stop import StopRequest

LOCK = "lock"


@dataclass
class RunOptions:
    """How a run is carried out; none of it changes what a CPU fp32 run computes, but ``precision``.

    ``workers`` None: 1 on a CPU, up to 8 on a GPU machine. ``precision``: "fp32", "bf16" or
    "auto" (see visiongen.training.precision).
    """

    accumulate: int = 1
    precision: str = "fp32"
    compile: bool = False
    workers: int | None = None
    ahead: int = 4
    threads: int | None = None
    log_every: int = 20
    checkpoint_minutes: float = 5.0
    checkpoint_steps: int | None = None
    max_bad_steps: int = 20


@dataclass
class State:
    """Where the run stands; everything here goes into a checkpoint."""

    step: int = 0
    position: int = 0
    samples: int = 0
    seconds: float = 0.0
    step_seconds: float = 0.0
    skipped: int = 0
    bad_in_a_row: int = 0
    best_loss: float = math.inf


class Trainer:
    """Trains ``model`` on ``stream`` until ``schedule`` ends, writing everything to ``out_dir``.

    ``described`` (JSON-able; the recipe) goes into checkpoints and the sidecar of the weights.
    Files: checkpoint.pt, checkpoint.previous.pt, log.jsonl, loss.svg, weights.safetensors (the
    averaged weights), weights.json, and lock, which is held meanwhile.
    """

    def __init__(
        self,
        model: nn.Module,
        stream: Mixture,
        schedule: Schedule,
        out_dir: str | Path,
        *,
        optim: Optim | None = None,
        run: RunOptions | None = None,
        device: str | torch.device = "cpu",
        described: dict[str, Any] | None = None,
        on_log: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.stream, self.schedule, self.out = stream, schedule, Path(out_dir)
        self.options, self.optim = run or RunOptions(), optim or Optim()
        self.device = torch.device(device)
        self.precision = precision.resolve(self.options.precision, self.device)
        precision.prepare(self.device)
        self.model = model.to(self.device)
        self.optimiser = make_optimiser(self.model, self.optim)
        self.ema = Ema(self.model, self.optim.ema)
        self.state = State()
        self._buffers = [b for b in self.model.buffers() if b.is_floating_point()]
        self.described = described or {}
        self.frozen = frozen_digest(self.model)  # it never changes; checkpoints need it every time
        self.on_log = on_log
        self._log = Log(self.out)
        self.window = Window()
        self._last_save = 0.0
        if self.options.compile:
            precision.compile_parts(self.model)

    def checkpoint(self) -> Path:
        """Write the whole state, and the curves so far."""
        plot_log(self._log.path, self.out / "loss.svg")
        return resume.save(self)

    def restore(self, previous: bool = False) -> None:
        """Continue from the checkpoint in ``out_dir``; WeightsError if it cannot be used."""
        resume.restore(self, previous)

    # --- the loop ----------------------------------------------------------------------------

    def fit(self, resume: bool = False, previous: bool = False) -> dict[str, Any]:
        """Run to the end; returns the sidecar of the exported weights.

        UsageError where a run is in the folder already, finished, to be resumed or still going.
        """
        if self.options.threads:
            torch.set_num_threads(self.options.threads)
        if resume:  # before the folder is made: a mistyped one leaves nothing behind
            self.restore(previous)
        elif self.state.step == 0 and (self.out / CURRENT).exists():  # nor restored by the caller
            raise UsageError(f"{self.out}: a run is there; go on with --resume, or give another --out")
        with held(self.out / LOCK):
            return self._run()

    def _run(self) -> dict[str, Any]:
        self._log.start(self.state.step)
        self.stream.prepare()
        self.model.train()
        self._last_save = time.monotonic()
        # closing: the workers ignore signals, so they must be told to end
        with (
            contextlib.closing(self._feed()) as feed,
            Progress(self.schedule) as progress,
            StopRequest() as stop,
        ):
            while not self._finished() and not stop.asked:
                progress.update(self.state, self._timed_step(feed))
        self._write_row()
        self.checkpoint()
        if stop.asked:
            raise KeyboardInterrupt
        return export_weights(self)

    def _feed(self) -> Generator[Batch, None, None]:
        workers = self.options.workers
        if workers is None:
            workers = 1 if self.device.type == "cpu" else 8
        pin = self.device.type == "cuda"
        return batches(self.stream, self.state.position, workers, self.options.ahead, pin)

    def _finished(self) -> bool:
        s = self.state
        return self.schedule.finished(s.step, s.seconds, s.step_seconds)

    def _due(self) -> bool:
        every = self.options.checkpoint_steps
        if every and self.state.step % every == 0:
            return True
        return time.monotonic() - self._last_save >= 60 * self.options.checkpoint_minutes

    def _timed_step(self, feed: Iterator[Batch]) -> dict[str, float]:
        """One step, what is due after it, and the time of both."""
        s, start = self.state, time.perf_counter()
        row = self._count(self._step(feed), start)
        if s.step % self.options.log_every == 0:
            self._write_row()
        if self._due():
            start = time.perf_counter()
            self.checkpoint()
            self._last_save = time.monotonic()
            s.seconds += time.perf_counter() - start
        return row

    def _count(self, row: dict[str, float], start: float) -> dict[str, float]:
        s, took = self.state, time.perf_counter() - start
        s.seconds += took
        s.step_seconds = took if s.step <= 1 else 0.9 * s.step_seconds + 0.1 * took
        self.window.seconds += took
        self.window.add(row)
        return row

    def _step(self, feed: Iterator[Batch]) -> dict[str, float]:
        s, count = self.state, self.options.accumulate
        factor = self.schedule.factor(s.step, s.seconds)
        for group in self.optimiser.param_groups:
            group["lr"] = self.optim.lr * factor * group["lr_scale"]
        row: dict[str, float] = {"lr": self.optim.lr * factor}
        buffers = [b.clone() for b in self._buffers]
        totals: list[float] = []
        for _ in range(count):
            asked = time.perf_counter()
            given = next(feed)
            samples = len(given["prompts"]) if "prompts" in given else len(given["target"])
            batch = move(given, self.device)
            self.window.waited += time.perf_counter() - asked
            s.position += 1
            s.samples += samples
            self.window.samples += samples
            with precision.autocast(self.precision, self.device):
                loss, parts = self.model.loss(batch)  # type: ignore[operator]
            (loss / count).backward()
            totals.append(float(loss.detach()))
            self.window.add({k: float(v) for k, v in parts.items()})
            if "source" in batch:
                self.window.add({f"loss/{batch['source']}": totals[-1]})
        row["loss"] = sum(totals) / count
        row["grad_norm"] = self._update(row["loss"], buffers)
        s.step += 1
        return row

    def _update(self, loss: float, buffers: list[Tensor]) -> float:
        """Clip and step; a loss or gradient that is not finite skips the step and is counted.

        A skipped step also takes back what it did to running statistics: ``buffers`` before it.
        """
        limit = self.optim.clip if self.optim.clip > 0 else math.inf
        norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), limit))
        s = self.state
        if math.isfinite(loss) and math.isfinite(norm):
            self.optimiser.step()
            self.ema.update(self.model)
            s.bad_in_a_row = 0
        else:
            s.skipped += 1
            s.bad_in_a_row += 1
            for buffer, before in zip(self._buffers, buffers, strict=True):
                buffer.copy_(before)
        self.optimiser.zero_grad(set_to_none=True)
        if s.bad_in_a_row >= self.options.max_bad_steps:
            raise VisiongenError(
                f"{self.out}: loss is not finite for {s.bad_in_a_row} steps in a row (step "
                f'{s.step + 1}); lower optim.lr or set run.precision = "fp32", then --resume'
            )
        return norm

    def _write_row(self) -> None:
        window, s = self.window, self.state
        if not window.counts:
            return
        row: dict[str, Any] = {"step": s.step, "seconds": s.seconds, "samples": s.samples}
        row.update(window.means())
        row["samples_per_s"] = window.samples / max(window.seconds, 1e-9)
        row["wait"] = window.waited / max(window.seconds, 1e-9)
        row["skipped"] = s.skipped
        s.best_loss = min(s.best_loss, row.get("loss", math.inf))
        self._log.write(row)
        if self.on_log:
            self.on_log(row)
        self.window = Window()
