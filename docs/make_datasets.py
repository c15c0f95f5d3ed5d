"""Write docs/datasets.md from the protocols: python docs/make_datasets.py

Run it after a change in benchmarks/protocols/ or the registry; a test compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from visiongen.benchmarks.runner import get_benchmark
from visiongen.registry import BENCHMARKS

PAGE = Path(__file__).parent / "datasets.md"
HEAD = """# Datasets

Every benchmark that `visiongen bench ls` lists, made by `python docs/make_datasets.py` from
`benchmarks/protocols/`. *n* are the images of each split by the protocol (the scored one first); a run over
fewer says `partial`. Put a dataset in its official layout below the data root, or give its own folder as
`--data`, and check it with `visiongen bench validate NAME --data ROOT`. Licences are the owners'; nothing is
downloaded.

The protocol of each, with what is painted, averaged, ignored and published (`anchors`), is
`benchmarks/protocols/NAME.toml`. Data of your own: see [own data](own-data.md).
"""
TITLES = {
    "semantic": "Semantic segmentation",
    "instance": "Instance segmentation",
    "panoptic": "Panoptic and instance segmentation with classes",
    "referring": "Referring segmentation and anomalies",
    "incontext": "Few-shot segmentation",
    "salient": "Salient objects",
    "matting": "Matting",
    "edges": "Edges",
    "depth": "Depth",
    "normals": "Surface normals",
    "materials": "Materials",
    "basecolor": "Base colour",
    "orm": "Occlusion, roughness, metallic",
}


def page() -> str:
    """The whole page."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for name in BENCHMARKS:
        protocol = get_benchmark(name).protocol
        groups.setdefault(protocol["task"], []).append(protocol)
    order = [*TITLES, *sorted(set(groups) - set(TITLES))]
    return HEAD + "".join(_section(task, groups[task]) for task in order if task in groups)


def _section(task: str, protocols: list[dict[str, Any]]) -> str:
    lines = [f"\n## {TITLES.get(task, task)}\n"]
    lines += ["| name | n | main score | what | on disk | licence |", "|---|---|---|---|---|---|"]
    for protocol in protocols:
        splits = {protocol["default_split"]: None} | protocol["splits"]
        count = ", ".join(f"{name} {protocol['splits'][name]}" for name in splits)
        disk = protocol.get("layout", "rendered, nothing on disk")
        cells = [f"`{protocol['name']}`", count, protocol["primary"], protocol["data"], disk]
        cells.append(protocol.get("licence", "Apache-2.0 (rendered)"))
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
