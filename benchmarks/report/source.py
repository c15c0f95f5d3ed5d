"""Photos, truths and painted maps of a run's images, for its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from visiongen.benchmarks.base import Benchmark, Item
from visiongen.benchmarks.reading import parts_of
from visiongen.benchmarks.report.read import Run
from visiongen.benchmarks.sheets import Sheet, read_sheet
from visiongen.errors import VisiongenError
from visiongen.files import sha256
from visiongen.prompt import Legend
from visiongen.registry import BENCHMARKS


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
        name, seed = run.result["benchmark"], run.plan["sample"].get("legend_seed")
        if not (run.folder / "maps" / "model").is_dir():
            raise Missing("the run folder has no painted maps (maps/model).")
        if name not in BENCHMARKS:
            raise Missing(f"there is no benchmark {name!r} here.")
        benchmark: Benchmark = BENCHMARKS.get(name)
        version = run.plan["version"]
        if benchmark.version != version:
            raise Missing(f"the run is of version {version}, the benchmark of {benchmark.version}.")
        order = list(run.plan["images"])
        last = max((order.index(one) for one in wanted), default=-1)
        try:
            items = benchmark.items(data, run.plan["split"], last + 1) if wanted else []
            items = [benchmark.recoloured(item, seed) for item in items]
        except VisiongenError as error:
            raise Missing(f"{error}.") from error
        return cls(run, benchmark, {item.id: item for item in items}, benchmark.legend(seed))

    def item(self, name: str) -> Item:
        """The image as it was scored; Missing where it is gone or has changed."""
        item = self.items.get(name)
        if item is None:
            raise Missing("the benchmark has no such image any more.")
        if item.digest != self.run.plan["images"][name]:
            raise Missing("photo or truth have changed since they were scored.")
        return item

    def sheets(self, name: str) -> dict[str, Sheet]:
        """Part -> what the model painted."""
        folder, parts = self.run.folder / "maps" / "model", parts_of(self.benchmark)
        found = {}
        for part in parts:
            stem = name if len(parts) == 1 else f"{name}.{part}"
            files = [f"{stem}{suffix}" for suffix in (".confidence.png", ".npz")]
            digests = {file: sha256(folder / file) for file in files if (folder / file).is_file()}
            found[part] = read_sheet(folder, name, None if len(parts) == 1 else part, digests)
        return found
