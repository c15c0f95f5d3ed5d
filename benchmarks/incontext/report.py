"""The table: episodes painted with 0, 1, 2 and 4 examples, beside blind guess and codec ceiling."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from visiongen.backbones.base import Backbone, Sampler, provenance
from visiongen.benchmarks.command import guarded, tell
from visiongen.benchmarks.datasets.incontext import Episode, episodes
from visiongen.benchmarks.incontext.scoring import difference, row, statistics
from visiongen.benchmarks.protocols import load_protocol
from visiongen.benchmarks.result import device_of, environment
from visiongen.benchmarks.roundtrip import through_tokenizer, tokenizer_of
from visiongen.prompt import Prompt
from visiongen.registry import BACKBONES
from visiongen.resize import resize_linear
from visiongen.tasks.codecs.legend import LegendNearest
from visiongen.tasks.orders import Orders
from visiongen.tasks.semantic import Semantic
from visiongen.unnamed import TEXT

SCHEMA = "visiongen.incontext/1"


def main(arguments: Sequence[str] | None = None) -> int:
    """Score and print a table, or JSON. Exit code."""
    parser = argparse.ArgumentParser(prog="python -m visiongen.benchmarks.incontext", description=__doc__)
    protocol = load_protocol("world-incontext")
    parser.add_argument("--episodes", type=int, default=protocol["splits"]["test"])
    parser.add_argument("--seed", type=int, default=0, help="of the episodes")
    parser.add_argument("--weights", default="tiny")
    parser.add_argument("--mode", default="verified")
    parser.add_argument("--json", metavar="FILE|-", default=None)
    return guarded(_main, parser.parse_args(arguments))


def _main(given: argparse.Namespace) -> int:
    Sampler(mode=given.mode)  # refused before the frames are rendered
    backbone = BACKBONES.get("embedded").load(given.weights)
    report = measure(backbone, episodes(given.episodes, given.seed), given.mode) | {"seed": given.seed}
    tell(report, describe(report), given.json)
    return 0


def measure(backbone: Backbone, shown: Sequence[Episode], mode: str = "verified") -> dict[str, Any]:
    """Paint every episode with each number of examples and score all of it."""
    protocol = load_protocol("world-incontext")
    counts: list[int] = protocol["examples"]
    answers: dict[str, list[np.ndarray]] = {}
    for number, episode in enumerate(shown, 1):
        for name, answer in zip(map(str, counts), paint(backbone, episode, counts, mode), strict=True):
            answers.setdefault(name, []).append(answer)
        answers.setdefault("blind", []).append(blind(episode))
        answers.setdefault("ceiling", []).append(ceiling(backbone, episode))
        _say(number, len(shown))
    rules = [episode.rule for episode in shown]
    truths = [episode.truth for episode in shown]
    rows = {name: statistics(truths, found, rules) for name, found in answers.items()}
    steps = [*pairwise(counts), (counts[1], counts[-1])]
    return {
        "schema": SCHEMA,
        "benchmark": protocol["name"],
        "version": protocol["version"],
        "protocol": protocol,
        "episodes": len(shown),
        "rows": {name: row(part, rules) for name, part in rows.items()},
        "differences": {f"{b} - {a}": difference(rows[str(a)], rows[str(b)]) for a, b in steps},
        "weights": provenance(backbone),
        "mode": mode,
        "env": environment(device_of(backbone)),
    }


def paint(backbone: Backbone, episode: Episode, counts: Sequence[int], mode: str) -> list[np.ndarray]:
    """Answers uint8 (H, W), one for each number of examples, their borders the photo's, as of ``predict``.

    The photo is read once.
    """
    prompts = [Prompt("incontext", TEXT, episode.legend, episode.examples[:count]) for count in counts]
    sampler = Sampler(mode=mode)  # type: ignore[arg-type]
    canvases = Orders([Semantic()] * len(prompts), prompts, backbone, sampler).paint(episode.photo)
    return [LegendNearest(episode.legend).decode(canvas.image)[0] for canvas in canvases]


def blind(episode: Episode) -> np.ndarray:
    """The rule wherever the example maps show it more often than they do on average."""
    codec = LegendNearest(episode.legend)
    often = np.mean([codec.decode(example.map)[0] == 0 for example in episode.examples], axis=0)
    size = (episode.truth.shape[0], episode.truth.shape[1])
    often = resize_linear(often.astype(np.float32), size)
    return (often <= often.mean()).astype(np.uint8)


def ceiling(backbone: Backbone, episode: Episode) -> np.ndarray:
    """The truth, painted and read back through the tokenizer."""
    codec = LegendNearest(episode.legend)
    return codec.decode(through_tokenizer(tokenizer_of(backbone), codec.encode(episode.truth)))[0]


def describe(report: dict[str, Any]) -> str:
    """The report as text."""
    lines = [f"{report['benchmark']} {report['version']}: {report['episodes']} episodes, rules never trained"]
    for name, found in report["rows"].items():
        label = f"{name} examples" if name.isdigit() else name
        m, fb = found["mIoU"], found["FB_IoU"]
        lines.append(
            f"{label:12s} mIoU {m['value']:.3f} [{m['low']:.3f}, {m['high']:.3f}]"
            f"   FB-IoU {fb['value']:.3f} [{fb['low']:.3f}, {fb['high']:.3f}]"
        )
    for name, d in report["differences"].items():
        lines.append(f"{name:12s} {d['value']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}]  {d['verdict']}")
    return "\n".join(lines)


def _say(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\repisode {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
