"""Write the figures of weights/tiny.md: ``python docs/make_card.py [RUNS_DIR ...] [options]``.

RUNS_DIR holds run folders of ``visiongen bench run``. What the card needs of them goes into
weights/tiny.results.json, and from that file, weights/training.toml and the manifest alone the parts of the
card between ``<!-- begin ... -->`` and ``<!-- end ... -->`` are made. Without RUNS_DIR the results file stays
as it is. A part that is not given (--before, --incontext, ...) is kept while the weights are the same.
--check writes nothing and exits with 1 where card, results, training table and manifest disagree.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from card import facts as made
from card import kept, page, sections, tables, training

from visiongen import weights
from visiongen.errors import InputError, VisiongenError
from visiongen.files import write_atomic, write_json

NAME = "tiny"
CARD, RESULTS = weights.ROOT / f"{NAME}.md", weights.ROOT / f"{NAME}.results.json"
REPORTS = ("incontext", "generation", "speed", "cost")


def main(arguments: list[str] | None = None) -> int:
    """Write or check; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUNS_DIR")
    parser.add_argument("--before", type=Path, help="results file, or runs, of the release before")
    parser.add_argument("--specialists", type=Path, nargs="*", default=[], metavar="RUN")
    parser.add_argument("--keep", type=Path, help="results file: its specialist rows where RUNS_DIR has none")
    for name in REPORTS:
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help="JSON report")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    try:
        facts = gathered(given)
        text = card(facts, CARD.read_text(encoding="utf-8"))
        wrong = problems(facts, text) if given.check else training.problems()
    except VisiongenError as error:
        wrong = [str(error)]
    if not given.check and not wrong:
        write_json(RESULTS, facts)
        print(write_atomic(CARD, text))
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def gathered(given: argparse.Namespace) -> made.Facts:
    """The facts: measured anew where something is given, else those of the results file."""
    entry = weights.entry(NAME)
    old = made.read_json(RESULTS) if RESULTS.is_file() else {}
    facts = dict(old)
    if given.runs:
        from card.collect import collect

        facts = collect(given.runs, given.specialists, entry)
        facts = kept.keep(facts, made.read_json(given.keep)) if given.keep else facts
    if not facts:
        raise InputError(f"{RESULTS}: missing; give a folder of runs")
    made.check_weights(RESULTS.name, facts["weights"]["sha256"], entry.sha256)
    if old.get("weights") == facts["weights"]:
        facts |= {name: old[name] for name in ("before", *REPORTS) if name in old}
    for name in set(old) - set(facts):
        print(f"{name}: was of other weights, left out; give --{name}", file=sys.stderr)
    if given.before:
        facts["before"] = earlier(given.before)
    for name in REPORTS:
        if path := getattr(given, name):
            report = made.read_json(path)
            made.check_weights(str(path), (report.get("weights") or {}).get("sha256"), entry.sha256)
            made.check_asked(str(path), name, report)
            facts[name] = {key: value for key, value in report.items() if key != "protocol"}
    return facts


def earlier(path: Path) -> made.Facts:
    """The release before, from its results file or a folder of its runs."""
    if path.is_file():
        return made.before_of(path)
    from card.collect import before_of

    return before_of(path)


def card(facts: made.Facts, text: str) -> str:
    """The page ``text`` with its generated parts made anew."""
    before = facts.get("before", {})
    parts = {
        "weights": training.sizes(NAME),
        "training": training.table(),
        "scores": tables.scores(facts),
        "decoding": sections.decoding(NAME),
        "incontext": sections.incontext(facts.get("incontext"), before.get("incontext")),
        "generation": sections.generation(facts.get("generation"), before.get("generation")),
        "speed": sections.speed(facts.get("speed")),
        "cost": sections.cost(facts.get("cost")),
    }
    return page.filled(text, parts, CARD.name)


def problems(facts: made.Facts, text: str) -> list[str]:
    """What disagrees: the training table and the manifest, the files on disk and what they should be."""
    found = training.problems() + made.outdated(facts)
    if made.read_json(RESULTS) != facts:
        found.append(f"{RESULTS.name}: is not what the runs say; run docs/make_card.py without --check")
    if CARD.read_text(encoding="utf-8") != text:
        found.append(f"{CARD.name}: is not what the results say; run python docs/make_card.py")
    return found


if __name__ == "__main__":
    sys.exit(main())
