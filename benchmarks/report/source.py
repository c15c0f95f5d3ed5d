"""Photos, truths and painted maps of a run's images, for its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from visiongen.benchmarks.base import Benchmark, Item
from visiongen.benchmarks.predictions import PredictionsRow
from visiongen.benchmarks.reading import predictions
from visiongen.benchmarks.report.read import Run
from visiongen.benchmarks.runner import get_benchmark
from visiongen.benchmarks.store import RunFolder
from visiongen.errors import VisiongenError
from visiongen.prompt import Legend
from visiongen.tasks.base import Prediction


class Missing(Exception):
    """Why a picture cannot be shown, as a sentence."""


@dataclass(frozen=True, eq=False)
class Source:
    """Photos, truths and maps of one run."""

    run: Run
    benchmark: Benchmark
    items: dict[str, Item]
    legend: Legend | None

    @classmethod
    def open(cls, run: Run, data: str | Path | None, wanted: Sequence[str]) -> Source:
        """The items of the ``wanted`` images; Missing: no maps, no data, another version of the benchmark."""
        plan = run.plan
        if not plan.get("paints", {}).get("model") and not plan.get("predictions"):
            raise Missing("the run folder has no painted maps.")
        seed, order = plan["sample"].get("legend_seed"), list(plan["images"])
        last = max((order.index(one) for one in wanted), default=-1)
        try:
            benchmark = get_benchmark(plan.get("source") or plan["benchmark"])
            if benchmark.version != plan["version"]:
                version = plan["version"]
                raise Missing(f"the run is of version {version}, the benchmark of {benchmark.version}.")
            items = benchmark.items(data, plan["split"], last + 1) if wanted else []
            items = [benchmark.recoloured(item, seed) for item in items]
        except VisiongenError as error:
            raise Missing(f"{error}.") from error
        return cls(run, benchmark, {item.id: item for item in items}, benchmark.legend(seed))

    @cached_property
    def painted(self) -> dict[str, dict[str, Any]]:
        """Key -> record of a painted image."""
        return RunFolder(self.run.folder).painted()

    def item(self, name: str) -> Item:
        """The image as it was scored; Missing where it is gone or has changed."""
        item = self.items.get(name)
        if item is None:
            raise Missing("the benchmark has no such image any more.")
        if item.digest != self.run.plan["images"][name]:
            raise Missing("photo or truth have changed since they were scored.")
        return item

    def predictions(self, item: Item, size: tuple[int, int]) -> dict[str, Prediction]:
        """Part -> what the model says about a photo of ``size``; Missing. InputError: an altered file."""
        if self.run.plan.get("predictions"):
            row = PredictionsRow(self.benchmark, self.run.plan["predictions"], self.legend)
            if row.official is not None:
                raise Missing("the answers are in an official results file, not in maps.")
            return row.predictions(item)
        record = self.painted.get(self.run.plan["paints"]["model"][item.id])
        if record is None or record["error"]:
            raise Missing("its maps are not in the run folder.")
        sheets = RunFolder(self.run.folder).sheets(record)
        return predictions(self.benchmark, item, self.legend, size, sheets)
