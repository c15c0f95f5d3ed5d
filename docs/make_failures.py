"""Pictures of a release's answers that nobody chose: ``python docs/make_failures.py RUNS_DIR [--seed N]``.

RUNS_DIR holds run folders of ``visiongen bench run``. Of every benchmark whose frames are rendered (photos of
datasets are not ours to publish) docs/pictures/random.png shows images drawn by the seed and the
benchmark's name, docs/pictures/worst.png those with the worst score of the image alone, by the score that
decides: photo, truth painted, painted by the model. Images without an answer are in neither; their number is
printed. The pictures are as large as fits into ``BUDGET``, in a palette of 256 colours.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from card.tables import digits
from make_pictures import FOLDER, stack, strip

from visiongen.benchmarks.base import Item
from visiongen.benchmarks.report.pictures import Scored, choose
from visiongen.benchmarks.report.read import Run, find_runs, read_run
from visiongen.benchmarks.report.source import Source
from visiongen.benchmarks.rows import paint_truth
from visiongen.cli.bench_ls import listed
from visiongen.files import write_atomic

BUDGET = 600_000  # bytes of a picture
HEIGHTS = (120, 108, 96, 84, 72, 60)  # pixels of an image, the first that fits
EACH = 2  # images of a benchmark
Cell = tuple[str, np.ndarray]  # caption, picture uint8 RGB


def main(arguments: Sequence[str] | None = None) -> None:
    """Write both pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUNS_DIR")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--each", type=int, default=EACH, help="images of a benchmark")
    parser.add_argument("--out", type=Path, default=FOLDER)
    given = parser.parse_args(arguments)
    runs = published([read_run(folder) for folder in find_runs(given.runs)])
    for run in runs:
        if failed := run.result["n_failed"]:
            print(f"{run.result['benchmark']}: {failed} images have no answer and are not shown")
    rows: dict[str, list[list[Cell]]] = {"random": [], "worst": []}
    for run in runs:
        choices = {"random": drawn(run, given.seed, given.each), "worst": worst(run, given.each)}
        source = Source.open(run, None, [name for chosen in choices.values() for name, _ in chosen])
        for kind, chosen in choices.items():
            rows[kind].append([cell for name, value in chosen for cell in cells(source, name, value)])
    for name, shown in rows.items():
        print(write_atomic(given.out / f"{name}.png", fitted(shown)))


def published(runs: Sequence[Run]) -> list[Run]:
    """Those over rendered frames, by name."""
    ours = {row["name"] for row in listed(None, None) if row["rendered"]}
    return sorted(
        (r for r in runs if r.result["benchmark"] in ours), key=lambda r: str(r.result["benchmark"])
    )


def drawn(run: Run, seed: int, each: int) -> list[Scored]:
    """Images drawn without looking at their scores; the same for every release with this seed."""
    names = sorted(run.plan["images"])
    rng = np.random.default_rng([seed, *run.result["benchmark"].encode()])
    scores = dict(run.image_scores())
    order = [names[i] for i in rng.permutation(len(names))]
    failed = {failure["id"] for failure in run.result["failures"] if failure["row"] == "model"}
    return [(name, scores.get(name, float("nan"))) for name in order if name not in failed][:each]


def worst(run: Run, each: int) -> list[Scored]:
    """The worst by the score that decides, of those on which it is defined; the worst first."""
    higher = run.result["scores"][run.primary]["higher_is_better"]
    return choose(run.image_scores(), not higher, each)["best"]


def cells(source: Source, name: str, value: float) -> list[Cell]:
    """(caption, picture) of one image: photo, truth painted, painted by the model."""
    item, primary = source.item(name), source.run.primary
    photo, truth, painted = pictures(source, item)
    shown = digits(value) if np.isfinite(value) else "not defined"
    told = str(item.options.get("phrase") or source.benchmark.name)
    return [(told, photo), ("truth, painted", truth), (f"{primary} {shown}", painted)]


def pictures(source: Source, item: Item) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Photo, the truth as a perfect painter paints it, and what the model painted; uint8 RGB."""
    photo = item.photo()
    size = (photo.shape[0], photo.shape[1])
    wanted = paint_truth(source.benchmark, item, source.legend, item.truth(), size)
    found = source.predictions(item, size)
    part = source.benchmark.task
    return photo, wanted[part].map, found[part].map


def fitted(rows: Sequence[list[Cell]], budget: int = BUDGET) -> bytes:
    """A PNG of all rows, as large as fits into ``budget`` bytes; the smallest where none does."""
    content = b""
    for height in HEIGHTS:
        content = palette_png(stack([strip(row, height) for row in rows]))
        if len(content) <= budget:
            break
    return content


def palette_png(picture: np.ndarray) -> bytes:
    """uint8 RGB -> PNG of at most 256 colours, not dithered."""
    from PIL import Image

    buffer = io.BytesIO()
    small = Image.fromarray(picture).quantize(256, dither=Image.Dither.NONE)
    small.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


if __name__ == "__main__":
    main()
