"""The figures as tables for people."""

from __future__ import annotations

from typing import Any

_ROWS = {
    "model": "photos from nothing",
    "diffused": "the same from noise, whole",
    "diffused in groups": "the same from noise, in groups",
    "by scales": "the same, scale by scale",
    "real": "other real photos",
    "rebuilt": "the same, rebuilt",
}


def describe(report: dict[str, Any]) -> str:
    """Markdown tables of a report of :func:`.report.measure`."""
    parts = [_nothing(report), _maps(report["maps"]), _tokenizer(report["tokenizer"])]
    parts.append(f"{report['seconds']} s, {report['cpu_seconds']} s of processor")
    return "\n\n".join(parts)


def _nothing(report: dict[str, Any]) -> str:
    found = report["nothing"]
    if found is None:
        return f"photos from nothing: not scored, {report['reason']}"
    lines = [
        f"| kernel distance to {found['reference']} real photos | photos | value | 95 % |",
        "|---|---|---|---|",
    ]
    for name, row in found["rows"].items():
        label = _ROWS.get(name, name)
        lines.append(f"| {label} | {row['photos']} | {row['value']:.3g} | {_interval(row, '.3g')} |")
    return "\n".join(lines)


def _maps(found: dict[str, Any]) -> str:
    head = f"| {found['frames']} photos from maps, {found['mode']} | PSNR dB | SSIM | read again, mIoU |"
    lines = [head, "|---|---|---|---|"]
    for name, row in found["rows"].items():
        label = {"photo": "the true photo", "gray": "its mean colour"}.get(name, f"from {name}")
        cells = [_cell(row["psnr"], ".1f"), _cell(row["ssim"], ".3f"), _cell(row["reread"], ".3f")]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _tokenizer(found: dict[str, Any]) -> str:
    lines = ["| tokenizer, round trip | pictures | |", "|---|---|---|"]
    photos = found["photos"]
    if photos is not None:
        quality = f"PSNR {_cell(photos['psnr'], '.2f')} dB, SSIM {_cell(photos['ssim'], '.3f')}"
        lines.append(f"| real photos | {photos['photos']} | {quality} |")
    for task, row in found["maps"].items():
        lines.append(f"| maps of {task} | {row['maps']} | {_cell(row['error'], '.2f')} levels of 255 |")
    return "\n".join(lines)


def _cell(row: dict[str, float], shape: str) -> str:
    return f"{row['value']:{shape}} {_interval(row, shape)}"


def _interval(row: dict[str, float], shape: str) -> str:
    return f"[{row['low']:{shape}}, {row['high']:{shape}}]"
