"""Results of benchmarks as lines of text."""

from __future__ import annotations

from typing import Any

REFERENCE = ("blind", "oracle", "codec", "ceiling", "specialist")  # --rows all
PER_CLASS = ("IoU", "PQ", "AP")


def short(scores: dict[str, Any], primary: str) -> dict[str, Any]:
    """The scores worth a line: the primary one first, no alignments, no pooled twins."""
    plain = {n: s for n, s in scores.items() if not any(mark in n for mark in "@/")}
    return {primary: scores[primary]} | {n: s for n, s in plain.items() if n != primary}


def wanted_rows(text: str) -> tuple[str, ...]:
    """What --rows asks for: "all" stands for the reference rows, also inside a list ("all,draft"); "none"."""
    asked = [row.strip() for row in text.split(",")]
    named = [row for part in asked for row in (REFERENCE if part == "all" else (part,))]
    return tuple(dict.fromkeys(row for row in named if row != "none"))


def describe(result: dict[str, Any]) -> list[str]:
    """A result as lines of text: the model beside what its number is measured against."""
    partial = ", PARTIAL: not a benchmark number" if result["partial"] else ""
    lines = [
        f"{result['benchmark']} version {result['benchmark_version']}, split {result['split']}: "
        f"{result['n_scored']} of {result['n_expected']} images scored, {result['n_failed']} failed{partial}",
        f"weights {result['weights']['name']}, mode {result['sample']['mode']}, {result['seconds']:.1f} s",
        f"  {'':14s} {'model':>8s} {'95 % interval':>19s}" + "".join(f"{r:>13s}" for r in _columns(result)),
    ]
    for name, score in short(result["scores"], result["primary"]).items():
        lines.append(f"  {name:14s} {_number(score)} {_interval(score)}" + _references(result, name))
    for row, found in result["differences"].items():
        low, high = found["ci95"]
        lines.append(
            f"  {result['primary']} against {row}: {found['difference']:+.4f} "
            f"[{low:+.4f}, {high:+.4f}], {found['verdict']}"
        )
    lines += _alignments(result["scores"])
    for name, score in result["scores"].items():
        kind, _, which = name.partition("/")
        if kind in PER_CLASS and which and score["value"] is not None:
            lines.append(f"  {kind} {which:12s} {_number(score)}")
    lines += [f"  no {row} row: {reason}" for row, reason in result["reasons"].items()]
    if result["decoding"]:
        told = result["decoding"]
        lines.append("  decoding, mean an image: " + ", ".join(f"{k} {v:.4g}" for k, v in told.items()))
    return lines


def _references(result: dict[str, Any], name: str) -> str:
    cells = ""
    for row in _columns(result):
        scores = result["rows"].get(row)
        cells += f"{_number(scores[name]) if scores else '-':>13s}"
    return cells


def _columns(result: dict[str, Any]) -> list[str]:
    """The reference rows, and what else was asked for."""
    return [*REFERENCE, *(row for row in result["rows"] if row not in REFERENCE)]


def _number(score: dict[str, Any]) -> str:
    return f"{'-':>8s}" if score["value"] is None else f"{score['value']:8.4f}"


def _interval(score: dict[str, Any]) -> str:
    ends = score["ci95"]
    text = f"[{ends[0]:.4f}, {ends[1]:.4f}]" if ends else "-"
    return f"{text:>19s}"


def _alignments(scores: dict[str, Any]) -> list[str]:
    """Depth: every alignment side by side, per image and pooled."""
    fits = sorted({n.split("@")[1].split("/")[0] for n in scores if "@" in n})
    if not fits:
        return []
    hows = ["none", "median", *(f for f in fits if f not in ("none", "median"))]
    lines = []
    for suffix, title in (("", "mean over images"), ("/pooled", "pooled pixels")):
        lines.append(f"  alignment, {title:20s}" + "".join(f"{how:>15s}" for how in hows))
        for name in [n for n in scores if not any(mark in n for mark in "@/")]:
            full = [name + ("" if how == "none" else f"@{how}") + suffix for how in hows]
            cells = [_number(scores[at]) if at in scores else "-" for at in full]
            lines.append(f"    {name:28s}" + "".join(f"{cell:>15s}" for cell in cells))
    names = [n for n in scores if n.startswith("inverted@")]
    return lines + [f"    {name:28s}" + _number(scores[name]) for name in names]
