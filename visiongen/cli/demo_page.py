"""The demo's HTML page: each photo through three tasks, then the way back from map to photo."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from visiongen import __version__
from visiongen.cli.demo_examples import Example, examples
from visiongen.cli.page import chips, colour_bar, figure, page, row, shrink, table

if TYPE_CHECKING:
    from visiongen.backbones.base import Backbone
    from visiongen.tasks.base import Prediction

TASKS = ("semantic", "depth", "normals")
TITLES = {"semantic": "Classes", "depth": "Depth in metres", "normals": "Surface normals"}
SHOWN = 360  # pixels: longer side of an embedded picture
BACK_SIZE = 160  # pixels: longer side of the photos painted from maps
NOTHING_SIZE = (96, 128)
TEMPERATURE = 1.0  # what the weights believe; colder samples are flat colours


def build(out: Path, backbone: Backbone, shown: Sequence[Example] | None = None) -> Path:
    """Predict, paint back, write ``out/index.html`` and return its path."""
    from visiongen.files import write_atomic

    started = time.perf_counter()
    shown = examples() if shown is None else shown
    rows: list[list[str]] = []
    cards = [_example(example, backbone, rows) for example in shown]
    cards.append(_way_back(shown[0], backbone))
    seconds = time.perf_counter() - started
    head = ["photo", "task", "tokens", "passes", "draft right", "confidence", "against truth"]
    numbers = f'<section class="card"><h2>Decoding</h2>{table(head, rows)}</section>'
    body = _header(backbone, seconds) + "".join(cards) + numbers
    return write_atomic(out / "index.html", page("visiongen demo", body))


def _header(backbone: Backbone, seconds: float) -> str:
    record = backbone.weights
    weights = f"{record.name}, sha256 {record.sha256[:12]}" if record else "untrained"
    return (
        "<header><h1>One image generator painted these maps</h1>"
        "<p>For every photo it paints three pictures: classes in the colours of a legend, depth as a walk "
        "along the edges of the colour cube, normals as colours. Codecs read the pictures back into labels "
        "with units. The same weights also paint a photo from a map, and from nothing.</p>"
        f'<p class="soft">visiongen {__version__} · weights {escape(weights)} · mode verified (greedy; '
        f"the same tokens as one at a time) · {platform.machine()}, CPU · {seconds:.1f} s for the whole "
        "page</p></header>"
    )


def _example(example: Example, backbone: Backbone, rows: list[list[str]]) -> str:
    """One photo's card; appends its rows of the decoding table."""
    from visiongen.tasks import predict_many

    started = time.perf_counter()
    found = predict_many(TASKS, example.photo, legend=example.legend, backbone=backbone)
    seconds = time.perf_counter() - started
    parts = [
        f'<section class="card"><h2>{escape(example.name)}</h2><p class="soft">{escape(example.about)} '
        f"Three tasks: {seconds:.1f} s.</p>"
    ]
    for prediction in found:
        parts.append(_task_row(example, prediction))
        stats, error = prediction.stats, _error(example, prediction)
        rows.append(
            [
                example.name,
                prediction.task,
                str(stats.get("tokens", "")),
                str(stats.get("passes", "")),
                f"{stats.get('hit_rate', 0):.0%}",
                f"{prediction.confidence.mean():.2f}",
                error or "not known",
            ]
        )
    return "".join(parts) + "</section>"


def _task_row(example: Example, prediction: Prediction) -> str:
    """Input, painted map, decoded labels, truth where it is known, confidence: side by side."""
    task, stats = prediction.task, prediction.stats
    truth = example.truth.get(task)
    scale = DepthScale(prediction.labels if truth is None else truth) if task == "depth" else None
    below = scale.bar() if scale else _key(prediction)
    figures = [
        figure(shrink(example.photo, SHOWN), "Input", photo=True),
        figure(prediction.map, f"Painted: “{prediction.prompt.text}”", crisp=True),
        figure(_labels(prediction, prediction.labels, scale), f"Decoded, {prediction.unit}", below=below),
    ]
    figures.append(figure(_heat(prediction.confidence), "Confidence", below=colour_bar(_ramp(), ["0", "1"])))
    if truth is not None:
        caption = f"Truth. Ours: {_error(example, prediction)}"
        figures.append(figure(_labels(prediction, truth, scale), caption))
    cost = (
        f"{stats.get('passes', '?')} passes for {stats.get('tokens', '?')} tokens, the draft was right on "
        f"{stats.get('hit_rate', 0):.0%}"
    )
    return f'<h3>{TITLES[task]} <span class="soft">· {cost}</span></h3>{row(figures)}'


def _labels(prediction: Prediction, labels: np.ndarray, scale: DepthScale | None) -> np.ndarray:
    """Labels as a picture no larger than SHOWN; predicted and true ones in the same colours."""
    from visiongen.resize import resize_nearest

    ratio = min(1.0, SHOWN / max(labels.shape[:2]))
    small = resize_nearest(labels, (round(labels.shape[0] * ratio), round(labels.shape[1] * ratio)))
    return scale.paint(small) if scale else prediction.codec.encode(small)


def _key(prediction: Prediction) -> str:
    """The legend with the share of each class, or the meaning of the normals' colours."""
    if prediction.legend is None:
        axes = [("right", (255, 128, 128)), ("up", (128, 255, 128)), ("towards the camera", (128, 128, 255))]
        return chips(axes)
    share = prediction.summary()["share"]
    pairs = zip(prediction.legend.names, prediction.legend.colours, strict=True)
    return chips([(f"{name} {share.get(name, 0):.0%}", colour) for name, colour in pairs])


def _error(example: Example, prediction: Prediction) -> str:
    """The benchmark's own metric against the truth, in words; empty where none is known."""
    truth = example.truth.get(prediction.task)
    if truth is None:
        return ""
    if prediction.task == "depth":
        from visiongen.benchmarks.metrics.depth import DepthMetric

        depth = DepthMetric((0.1, 80.0))
        depth.update(truth, prediction.labels)
        scores = depth.compute()
        return f"AbsRel {scores['AbsRel']:.3f}, delta1 {scores['delta1']:.2f}"
    if prediction.task == "normals":
        from visiongen.benchmarks.metrics.normals import NormalsMetric

        normals = NormalsMetric()
        normals.update(truth, prediction.labels)
        return f"mean error {normals.compute()['mean']:.1f}°"
    from visiongen.benchmarks.metrics.semantic import class_iou, confusion

    assert prediction.legend is not None
    iou = class_iou(confusion(truth, prediction.labels, len(prediction.legend)))
    return f"mIoU {np.nanmean(iou):.2f}"


class DepthScale:
    """Colours for metres on a log scale that fits ``depth``: red near, dark blue far and sky."""

    def __init__(self, depth: np.ndarray) -> None:
        finite = depth[np.isfinite(depth) & (depth > 0)]
        near, far = np.quantile(finite, [0.02, 0.98]) if finite.size else (1.0, 10.0)
        self.near, self.far = float(near), max(float(far), float(near) * 1.1)

    def paint(self, depth: np.ndarray) -> np.ndarray:
        """Metres (H, W) -> uint8 RGB; NaN is gray."""
        from visiongen.tasks.pictures import colour_near

        with np.errstate(divide="ignore", invalid="ignore"):
            nearness = np.log(self.far / depth) / np.log(self.far / self.near)
        return colour_near(np.clip(nearness, 0, 1))

    def bar(self) -> str:
        """A colour bar with three distances."""
        metres = np.geomspace(self.near, self.far, 128)
        ticks = [f"{value:.3g} m" for value in np.geomspace(self.near, self.far, 3)]
        return colour_bar(self.paint(metres[None])[0], ticks)


def _ramp() -> np.ndarray:
    """Colours of confidence 0..1, uint8 (128, 3)."""
    return _heat(np.linspace(0, 1, 128)[None])[0]


def _heat(values: np.ndarray) -> np.ndarray:
    """Values 0..1 (H, W) -> uint8 RGB (viridis), no larger than SHOWN."""
    import cv2

    gray = shrink((np.clip(values, 0, 1) * 255).astype(np.uint8), SHOWN)
    return cv2.cvtColor(cv2.applyColorMap(gray, cv2.COLORMAP_VIRIDIS), cv2.COLOR_BGR2RGB)


def _way_back(example: Example, backbone: Backbone) -> str:
    """Photos painted from the example's true maps, and from nothing, by the same weights."""
    from visiongen.backbones.base import Sampler
    from visiongen.tasks.image import Image

    sampler = Sampler(mode="sample", temperature=TEMPERATURE)
    figures: list[str] = []
    for name, painted, photo in painted_back(example, backbone):
        figures.append(figure(painted, f"From this {name} map ...", crisp=True))
        figures.append(figure(photo, "... this photo"))
    nothing = backbone.scene(None, NOTHING_SIZE).paint([Image().prompt()] * 4, sampler)
    free = [figure(canvas.image, f"Seed {i}") for i, canvas in enumerate(nothing)]
    return (
        '<section class="card"><h2>The way back</h2><p class="soft">Not a regressor in disguise: the same '
        "weights, asked for a photo, sampled token by token. They are small and spent little training "
        f"on this, so expect light, texture and some of the layout, no objects.</p>{row(figures)}"
        f"<h3>From nothing</h3>{row(free)}</section>"
    )


def painted_back(example: Example, backbone: Backbone) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each of the example's true maps and a photo sampled from it: (task, map, photo), uint8 RGB."""
    from visiongen.backbones.base import Sampler
    from visiongen.geometry import Geometry
    from visiongen.registry import TASKS as REGISTRY
    from visiongen.resize import resize_nearest

    size = Geometry.fit(example.photo.shape[:2], BACK_SIZE).work_size
    sampler = Sampler(mode="sample", temperature=TEMPERATURE)
    for name, labels in example.truth.items():
        task = REGISTRY.get(name)()
        # nearest: a mixed colour would be another label
        painted = resize_nearest(task.codec(example.legend).encode(_known(labels, name)), size)
        canvas = backbone.scene(painted).paint([task.reverse_prompt(example.legend)], sampler)[0]
        yield name, painted, canvas.image


def _known(labels: np.ndarray, task: str) -> np.ndarray:
    """Labels that a codec can paint: pixels of unknown class become the legend's first."""
    return np.where(labels == 255, 0, labels) if task == "semantic" else labels
