"""Which rows a run has: those that are asked for and can be had, or those of a plan on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visiongen.benchmarks.base import Benchmark
from visiongen.benchmarks.branch_rows import DraftRow, MirroredRow, PrefixRow, SynonymsRow
from visiongen.benchmarks.predictions import PredictionsRow
from visiongen.benchmarks.rows import (
    BlindRow,
    CeilingRow,
    CodecRow,
    OracleRow,
    Painter,
    Row,
)
from visiongen.benchmarks.specialist_row import SpecialistRow
from visiongen.errors import InputError, UsageError, VisiongenError
from visiongen.prompt import Legend

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone

REFERENCE_ROWS = ("blind", "oracle", "codec", "ceiling", "specialist")
#: Only when asked for; a result without them is whole.
BRANCH_ROWS = ("draft", "mirrored", "synonyms", "prefix", "prefix-trust")
Data = str | Path | None
DIRECT: dict[str, Callable[[Benchmark, Legend | None, Data], Row]] = {
    "blind": lambda benchmark, legend, data: BlindRow(benchmark, data),
    "oracle": lambda benchmark, legend, data: OracleRow(benchmark),
    "codec": lambda benchmark, legend, data: CodecRow(benchmark, legend),
}


class LeftOnDisk(Painter):
    """A painter that is not here: what it painted is read, nothing is painted anew."""

    def __init__(self, name: str, identity: dict[str, Any]) -> None:
        self.name, self.identity = name, identity

    def paint(self, item: Any, photo: Any) -> Any:
        """Refused."""
        raise UsageError(f"row {self.name!r}: bench score paints nothing; run bench infer again")


def reference_rows(
    wanted: Sequence[str],
    benchmark: Benchmark,
    legend: Legend | None,
    data: Data,
    backbone: Backbone | None,
    specialists: Sequence[str | Path],
) -> tuple[dict[str, Row], dict[str, str]]:
    """The reference rows, and branch rows where wanted; for those that cannot be had, the reason."""
    makers: dict[str, Callable[[], Row]] = {
        **{name: partial(make, benchmark, legend, data) for name, make in DIRECT.items()},
        "ceiling": lambda: CeilingRow(benchmark, legend, _painting(backbone, "no tokenizer, so no ceiling")),
        "draft": lambda: DraftRow(benchmark, _painting(backbone, "no draft"), legend),
        "mirrored": lambda: MirroredRow(benchmark, _painting(backbone, "no painter"), legend),
        "synonyms": lambda: SynonymsRow(benchmark, _painting(backbone, "no painter"), legend),
        "prefix": lambda: PrefixRow(benchmark, _painting(backbone, "no painter"), legend, 0.0),
        "prefix-trust": lambda: PrefixRow(benchmark, _painting(backbone, "no painter"), legend, None),
        "specialist": lambda: _specialist(benchmark, specialists, legend, backbone),
    }
    rows, reasons = {}, {}
    for name in (*REFERENCE_ROWS, *(row for row in BRANCH_ROWS if row in wanted)):
        if name not in wanted:
            reasons[name] = "not asked for (--rows)"
            continue
        try:
            rows[name] = makers[name]()
        except VisiongenError as error:
            reasons[name] = str(error)
    return rows, reasons


def rows_of_plan(
    plan: Mapping[str, Any], benchmark: Benchmark, legend: Legend | None, data: Data
) -> dict[str, Row]:
    """The rows of a plan on disk; painters as what they left, nothing is loaded."""
    rows: dict[str, Row] = {}
    for name in plan["keys"]:
        if name in plan["identities"]:
            rows[name] = LeftOnDisk(name, plan["identities"][name])
        elif name == "model":
            rows[name] = PredictionsRow(benchmark, plan["predictions"], legend)
        else:
            rows[name] = DIRECT[name](benchmark, legend, data)
    return rows


def _specialist(
    benchmark: Benchmark, runs: Sequence[str | Path], legend: Legend | None, backbone: Backbone | None
) -> Row:
    """It paints like the model; where nothing is painted it has nothing to say either."""
    _painting(backbone, "no painter, so no specialist")
    return SpecialistRow.find(benchmark, runs, legend)


def _painting(backbone: Backbone | None, lack: str) -> Backbone:
    if backbone is None:
        raise InputError(f"these predictions have {lack}")
    return backbone
