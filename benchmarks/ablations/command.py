"""The command: which variants, how long, where; what is finished is kept and never run again."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from visiongen.benchmarks.ablations.runs import Book, Budget, run
from visiongen.benchmarks.ablations.table import describe, table
from visiongen.benchmarks.ablations.variants import VARIANTS, choose
from visiongen.benchmarks.command import guarded, tell
from visiongen.errors import MissingDataError, UsageError
from visiongen.training.recipe import load_recipe


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, score, print; the exit code is that of ``visiongen`` commands."""
    try:
        return guarded(_run, _parser().parse_args(arguments))
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    names = "\n".join(f"  {name:18} {variant.asks}" for name, variant in VARIANTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m visiongen.benchmarks.ablations",
        description=f"{__doc__}\n\nvariants:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    base = load_recipe("ablation")
    parser.add_argument("--steps", type=int, default=base.schedule.steps, help="budget of the baseline")
    parser.add_argument("--seeds", default="0", help="comma-separated; of weights, order of data, noise")
    parser.add_argument("--only", metavar="NAMES", help="comma-separated variants")
    parser.add_argument("--frames", type=int, default=48, help="held-out frames that are scored")
    parser.add_argument("--tokenizer", default="tiny", help="shipped weights or a file; kept for all runs")
    parser.add_argument("--data", help="data root with the photos (default: VISIONGEN_DATA)")
    parser.add_argument("--device", default="cpu", help="of the training: cpu, cuda or auto")
    parser.add_argument("--out", default="runs/ablations", help="runs and results.json")
    parser.add_argument("--json", metavar="FILE|-", help="also write the table there; - is stdout, alone")
    parser.add_argument("--show", action="store_true", help="print what is finished; run nothing")
    return parser


def _run(given: argparse.Namespace) -> int:
    if given.show:
        book = Book.read(Path(given.out))
    else:
        budget = Budget.make(given.steps, given.frames, given.tokenizer)
        book = Book.start(Path(given.out), budget)
        for seed in _seeds(given.seeds):
            for name in choose(given.only):
                try:
                    run(book, budget, name, seed, given.data, given.device)
                except MissingDataError as error:
                    print(f"{name}: left out, {error}", file=sys.stderr)
    rows = table(book.results)
    tell({**book.results, "table": rows}, describe(rows, book.results), given.json)
    return 0


def _seeds(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"--seeds {text!r}: give whole numbers with commas, such as 0,1") from None
