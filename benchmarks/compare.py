"""Two runs of one benchmark over the same images: paired bootstrap of the difference."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from visiongen.benchmarks.result import Drawn, differences, draws_of, units_of
from visiongen.benchmarks.scoring import scorer_for
from visiongen.benchmarks.store import RESULT, RunFolder
from visiongen.errors import MissingDataError, UsageError

#: Keys of a protocol that change no score of the same answers: words, sizes painted, what a prompt says.
FREE = (
    "anchors", "averaging", "blind", "data", "failed", "layout", "layouts", "legend", "licence", "long_side",
    "resolution", "specialist", "splits", "url",
)  # fmt: skip


def compare(a: str | Path, b: str | Path) -> dict[str, Any]:
    """How run ``b`` differs from run ``a`` (folders of ``bench run --out``, or their result.json).

    Returns benchmark, primary, n_common, ``scores`` name -> {a, b, difference, ci95, verdict} and
    ``regression``: True when the primary score of b is worse and the 95 % interval excludes 0.
    UsageError: other benchmark, version, protocol or image bytes. MissingDataError: no run, nothing common.
    """
    first, second = _open(a), _open(b)
    plan_a, plan_b = first.plan(), second.plan()
    for field in ("benchmark", "version", "split"):
        if plan_a[field] != plan_b[field]:
            raise UsageError(
                f"{a} and {b}: {field} {plan_a[field]!r} against {plan_b[field]!r}; "
                "compare runs of one benchmark, version and split"
            )
    check_protocols(a, b, plan_a["protocol"], plan_b["protocol"])
    names = [name for name in plan_a["images"] if name in plan_b["images"]]
    if not names:
        raise MissingDataError(f"{a} and {b}: no image in common; run both on the same images")
    for name in names:
        if plan_a["images"][name] != plan_b["images"][name]:
            raise UsageError(f"image {name!r}: its bytes differ between {a} and {b}; use one dataset")
    scorer = scorer_for(plan_a["protocol"])
    primary, draws, units = plan_a["protocol"]["primary"], draws_of(plan_a, names), units_of(plan_a, names)
    left, right = (
        Drawn.of(scorer.table(_stats(f, p, names)), draws, units)
        for f, p in ((first, plan_a), (second, plan_b))
    )
    scores = differences(scorer, list(left.whole), left, right)
    if primary not in scores:
        raise MissingDataError(f"{a} and {b}: {primary} is not defined on the common images")
    return {
        "schema": "visiongen.compare/1",
        "benchmark": plan_a["benchmark"],
        "benchmark_version": plan_a["version"],
        "split": plan_a["split"],
        "primary": primary,
        "n_common": len(names),
        "partial": len(names) != plan_a["n_expected"],
        "scores": scores,
        "regression": scores[primary]["verdict"] == "worse",
    }


def check_protocols(a: object, b: object, one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """UsageError where what two runs were scored by differs; what only describes or paints may."""
    for key in sorted({*one, *other} - set(FREE)):
        if one.get(key) != other.get(key):
            raise UsageError(f"{a} and {b}: their protocols differ in {key}; score both by one protocol")


def _open(path: str | Path) -> RunFolder:
    path = Path(path)
    return RunFolder(path.parent if path.name == RESULT else path)


def _stats(folder: RunFolder, plan: dict[str, Any], names: list[str]) -> list[dict[str, Any]]:
    records, keys = folder.records(), plan["keys"]["model"]
    missing = [name for name in names if keys[name] not in records]
    if missing:
        raise MissingDataError(
            f"{folder.path}: image {missing[0]!r} is not scored yet; run the same bench run again"
        )
    return [records[keys[name]]["stats"] for name in names]
