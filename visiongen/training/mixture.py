"""A weighted mixture of sources, and the worker that makes its batches ahead."""

from __future__ import annotations

import signal
from collections.abc import Generator, Iterator, Sequence
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from visiongen.errors import UsageError, VisiongenError
from visiongen.training.batches import Batch


class BatchSource(Protocol):
    """What a mixture needs of a source."""

    name: str

    def prepare(self) -> None:
        """Load or render what batches need."""

    def batch(self, index: int, seed: int) -> Batch:
        """Batch ``index`` of the run with ``seed``."""


class Mixture:
    """Batch ``index`` comes whole from one source, drawn by weight: pure in (seed, index)."""

    def __init__(
        self, sources: Sequence[BatchSource], weights: Sequence[float] | None = None, seed: int = 0
    ) -> None:
        if not sources:
            raise UsageError("mixture: no source given; add a [[data]] entry")
        weights = [1.0] * len(sources) if weights is None else list(weights)
        if len(weights) != len(sources) or min(weights) < 0 or sum(weights) <= 0:
            raise UsageError(f"mixture: weights {weights} must be one a source, >= 0, not all zero")
        self.sources, self.seed = list(sources), seed
        self._edges = np.cumsum(np.asarray(weights, float) / sum(weights))

    @property
    def words(self) -> set[str]:
        """What the sources' legends may call classes."""
        return {word for source in self.sources for word in getattr(source, "words", ())}

    def prepare(self) -> None:
        """Prepare every source, once, before workers start."""
        for source in self.sources:
            source.prepare()

    def pick(self, index: int) -> int:
        """Which source makes batch ``index``."""
        draw = np.random.default_rng([self.seed, index, 17]).uniform()
        return min(int(np.searchsorted(self._edges, draw, side="right")), len(self.sources) - 1)

    def batch(self, index: int) -> Batch:
        """Batch ``index``; its key ``source`` names where it came from."""
        source = self.sources[self.pick(index)]
        batch = source.batch(index, self.seed)
        batch["source"] = source.name
        return batch


class _Ahead(Dataset):
    """Batches by index; deliberate errors travel as values so that they stay one line."""

    def __init__(self, mixture: Mixture) -> None:
        self.mixture = mixture

    def __getitem__(self, index: int) -> Any:
        try:
            return self.mixture.batch(index)
        except VisiongenError as error:
            return error


class _From:
    """Sampler: start, start + 1, ... without end."""

    def __init__(self, start: int) -> None:
        self.start = start

    def __iter__(self) -> Iterator[int]:
        index = self.start
        while True:
            yield index
            index += 1


def _start_worker(_: int) -> None:
    torch.set_num_threads(1)
    # A signal to the whole process group is for the trainer, which then saves; a worker ends with it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _same(batch: Any) -> Any:
    return batch


def batches(
    mixture: Mixture, start: int, workers: int = 1, ahead: int = 4, pin: bool = False
) -> Generator[Batch, None, None]:
    """Batches ``start``, ``start + 1``, ... in order, made ahead by ``workers`` processes.

    With 0 workers they are made in this process. The global random state is never touched. OpenCV has one
    thread meanwhile: batches are made beside the training, on one core a worker.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(0)  # before workers fork: they could not end the threads of its pool
    try:
        yield from _loaded(mixture, start, workers, ahead, pin)
    finally:
        cv2.setNumThreads(threads)


def _loaded(mixture: Mixture, start: int, workers: int, ahead: int, pin: bool) -> Iterator[Batch]:
    loader: DataLoader = DataLoader(
        _Ahead(mixture),
        batch_size=None,
        sampler=_From(start),
        num_workers=workers,
        prefetch_factor=max(1, ahead // workers) if workers else None,
        collate_fn=_same,
        worker_init_fn=_start_worker,
        pin_memory=pin,
        generator=torch.Generator().manual_seed(start),
    )
    for item in loader:
        if isinstance(item, VisiongenError):
            raise item
        yield item
