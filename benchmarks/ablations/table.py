"""The finished runs as rows: mean over the seeds, and half the distance between the best and the worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from visiongen.benchmarks.ablations.scoring import COLUMNS
from visiongen.benchmarks.ablations.variants import VARIANTS

Row = dict[str, Any]
DIGITS = {"degrees": 1, "passes": 1, "cpu_minutes": 1}  # others: 3


def table(results: Mapping[str, Any]) -> list[Row]:
    """One row a variant and way of decoding; scores are [mean, half of the range over seeds]."""
    rows = [
        {"variant": name, "way": "", "seeds": 0, **{c: [v, 0.0] for c, v in scores.items()}}
        for name, scores in results["references"].items()
    ]
    for name in VARIANTS:
        runs = [run for key, run in results["runs"].items() if key.split("/")[0] == name]
        for way in runs[0]["scores"] if runs else ():
            found = [run["scores"][way] for run in runs]
            row: Row = {"variant": name, "way": way, "seeds": len(runs)}
            row |= {part: runs[0][part] for part in ("steps", "photo_steps", "maps")}
            row |= {column: _spread([scores[column] for scores in found]) for column in found[0]}
            row["cpu_minutes"] = _spread([run["cpu_minutes"] for run in runs])
            rows.append(row)
    return rows


def _spread(values: Sequence[float]) -> list[float]:
    return [sum(values) / len(values), (max(values) - min(values)) / 2]


def describe(rows: Sequence[Row], results: Mapping[str, Any]) -> str:
    """The table as Markdown, and what the variants ask."""
    budget = results["budget"]
    head = ["variant", "decoded", *COLUMNS, "passes", "steps", "maps", "CPU min"]
    lines = [
        f"{budget['recipe']['schedule']['steps']} steps, {budget['frames']} held-out frames; mean ± half of "
        "the range where there are several seeds",
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
    ]
    for row in rows:
        scores = [_cell(row, column) for column in (*COLUMNS, "passes")]
        steps = (
            f"{row['photo_steps']} + {row['steps']}" if row.get("photo_steps") else str(row.get("steps", ""))
        )
        cells = [
            row["variant"],
            row["way"],
            *scores,
            steps,
            str(row.get("maps", "")),
            _cell(row, "cpu_minutes"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    present = {row["variant"] for row in rows}
    lines += ["", *(f"- {name}: {variant.asks}" for name, variant in VARIANTS.items() if name in present)]
    return "\n".join(lines)


def _cell(row: Row, column: str) -> str:
    if column not in row:
        return ""
    mean, half = row[column]
    digits = DIGITS.get(column, 3)
    return f"{mean:.{digits}f}" + (f" ± {half:.{digits}f}" if row["seeds"] > 1 else "")
