"""The metric rows of ``visiongen bench speed``: our counting beside the formula everybody else runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from visiongen.benchmarks.metrics import boundary, coco, coco_fast, edges, panoptic, semantic
from visiongen.benchmarks.metrics.depth_align import line_fit, masked_line_fit
from visiongen.benchmarks.speed import metric_inputs as inputs
from visiongen.benchmarks.speed import metric_peers as peers
from visiongen.benchmarks.speed.timing import alternate
from visiongen.resize import resize_nearest

Row = dict[str, Any]
LARGE = (1024, 2048)


def miou_mmseg(rounds: int) -> Row:
    """The whole confusion matrix, against mmsegmentation's three float histograms. Target 3."""
    made = inputs.maps()

    def areas(pair: Any) -> np.ndarray:
        matrix = semantic.confusion(pair[0], pair[1], made.kinds)
        square = matrix[:, : made.kinds]
        return np.stack([np.diagonal(square), square.sum(0), matrix.sum(1)])

    return _row(
        "metrics/miou-mmseg",
        areas,
        lambda pair: peers.mmseg_areas(pair[0], pair[1], made.kinds),
        made.classes,
        rounds,
        np.array_equal,
        timed=f"pixels hit, predicted, labelled of {made.kinds} classes, 640x480",
        target=3,
    )


def miou_torchmetrics(rounds: int) -> Row:
    """The confusion matrix, against torchmetrics', which gets its int64 tensors ready-made. Target 2."""
    import torch

    made = inputs.maps()
    tensors = [torch.from_numpy(labels).long() for labels in made.classes]
    return _row(
        "metrics/miou-torchmetrics",
        lambda pair: semantic.confusion(pair[0], pair[1], made.kinds)[:, : made.kinds],
        lambda pair: peers.torchmetrics_matrix(tensors[0], tensors[1], made.kinds),
        made.classes,
        rounds,
        np.array_equal,
        timed=f"confusion matrix of {made.kinds} classes, 640x480",
        target=2,
    )


def panoptic_quality(rounds: int) -> Row:
    """Panoptic sums of one image of COCO's size, against panopticapi's two sorts. Target 4."""
    return _panoptic("metrics/pq", inputs.maps().panoptic, rounds)


def panoptic_quality_large(rounds: int) -> Row:
    """The same for an image of Cityscapes' size, where sorting costs more. Target 4."""
    truth, answer = (resize_nearest(labels, LARGE) for labels in inputs.maps().panoptic)
    return _panoptic("metrics/pq-large", (truth, answer), rounds)


def _panoptic(name: str, labels: tuple[np.ndarray, np.ndarray], rounds: int) -> Row:
    kinds = inputs.maps().kinds
    segments, counts = np.unique(labels[0], return_counts=True)
    areas = dict(zip(segments.tolist(), counts.tolist(), strict=True))

    def table(pair: Any) -> np.ndarray:
        return panoptic.vector(panoptic.image_stats(pair[0], pair[1], kinds), kinds).reshape(kinds, 4)

    return _row(
        name,
        table,
        lambda pair: peers.panopticapi_table(pair[0], pair[1], areas, kinds, panoptic.MANY),
        labels,
        rounds,
        lambda a, b: bool(np.array_equal(a[:, 1:], b[:, 1:]) and np.allclose(a[:, 0], b[:, 0], rtol=1e-12)),
        timed=f"sums of IoU, tp, fp, fn of every class, {labels[0].shape[1]}x{labels[0].shape[0]}",
        target=4,
    )


def depth_alignment(rounds: int) -> Row:
    """Scale and shift of the measured pixels, against ``lstsq``. Target 10, equal to 1e-6."""
    depth, guess, measured = inputs.maps().depth
    pixels = guess[measured].astype(np.float64), depth[measured].astype(np.float64)
    return _row(
        "metrics/depth-lstsq",
        lambda pair: line_fit(pair[0], pair[1]),
        lambda pair: peers.lstsq_line(pair[0], pair[1]),
        pixels,
        rounds,
        _same_line,
        timed=f"scale and shift of {len(pixels[0])} pixels, float64",
        target=10,
    )


def depth_alignment_masked(rounds: int) -> Row:
    """The same from float32 maps and a mask, as Marigold's script has them."""
    depth, guess, measured = inputs.maps().depth
    return _row(
        "metrics/depth-lstsq-masked",
        lambda _: masked_line_fit(guess, depth, measured),
        lambda _: peers.lstsq_line(guess[measured].astype(np.float64), depth[measured].astype(np.float64)),
        None,
        rounds,
        _same_line,
        timed=f"scale and shift from maps 640x480 and a mask of {measured.mean():.0%}",
    )


def _same_line(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return bool(np.allclose(a, b, rtol=1e-6, atol=1e-6))


def boundary_iou(rounds: int) -> Row:
    """Band pixels of every class, against one erosion and one RLE a class and map. Target 3, bit-equal."""
    made = inputs.maps()
    width = boundary.dilation_of(inputs.SIZE)
    return _row(
        "metrics/boundary-iou",
        lambda pair: boundary.boundary_counts(pair[0], pair[1], made.kinds),
        lambda pair: peers.eroded_counts(pair[0], pair[1], made.kinds, width),
        made.classes,
        rounds,
        np.array_equal,
        timed=f"bands of {made.kinds} classes, 640x480, dilation {width}",
        target=3,
    )


def bsds_counts(rounds: int) -> Row:
    """The four counts at 99 thresholds, against an assignment for each. Target 5, equal counts."""
    strength, people = inputs.edge_maps()
    crests = edges.suppress(strength)
    return _row(
        "metrics/bsds-counts",
        lambda _: edges.count(crests, people),
        lambda _: peers.counts_by_assignment(crests, people),
        None,
        rounds,
        np.array_equal,
        repeat=1,
        timed=f"99 thresholds, 3 people, {crests.shape[1]}x{crests.shape[0]}",
        target=5,
    )


def coco_ap(rounds: int) -> Row:
    """COCO's arrays with the optional backend, against pycocotools. Target 10, arrays equal."""
    return _coco("metrics/coco-ap", rounds, 10, _fast)


def coco_ap_own(rounds: int) -> Row:
    """The same with statistics an image, as benchmarks keep them, against pycocotools."""
    return _coco("metrics/coco-ap-resumable", rounds, None, _own)


def _fast(truths: list[coco.Truths], found: list[coco.Found | None], kinds: int) -> Any:
    return coco_fast.evaluate(truths, found, kinds)


def _own(truths: list[coco.Truths], found: list[coco.Found | None], kinds: int) -> Any:
    metric = coco.CocoMetric(kinds)
    for pair in zip(truths, found, strict=True):
        metric.update(*pair)
    return metric.arrays()


def _coco(name: str, rounds: int, target: int | None, ours: Callable[..., Any]) -> Row:
    truths, found = inputs.detections()
    kinds = 10

    def arrays(_: Any) -> tuple[np.ndarray, np.ndarray]:
        result = ours(truths, found, kinds)
        return result.precision, result.recall

    return _row(
        name,
        arrays,
        lambda _: peers.pycocotools_arrays(truths, found, kinds),
        None,
        rounds,
        lambda a, b: all(np.allclose(x, y, rtol=0, atol=1e-12) for x, y in zip(a, b, strict=True)),
        repeat=3,
        timed=f"{len(truths)} images, {sum(len(t.masks) for t in truths)} instances, {kinds} classes",
        target=target,
    )


#: Row -> how it is measured; every one takes the number of rounds. DependencyError: its peer is missing.
METRIC_ROWS: dict[str, Callable[[int], Row]] = {
    "metrics/miou-mmseg": miou_mmseg,
    "metrics/miou-torchmetrics": miou_torchmetrics,
    "metrics/pq": panoptic_quality,
    "metrics/pq-large": panoptic_quality_large,
    "metrics/depth-lstsq": depth_alignment,
    "metrics/depth-lstsq-masked": depth_alignment_masked,
    "metrics/boundary-iou": boundary_iou,
    "metrics/bsds-counts": bsds_counts,
    "metrics/coco-ap": coco_ap,
    "metrics/coco-ap-resumable": coco_ap_own,
}


def _row(
    name: str,
    ours: Callable[[Any], Any],
    peer: Callable[[Any], Any],
    item: Any,
    rounds: int,
    same: Callable[[Any, Any], bool],
    repeat: int = 9,
    **more: Any,
) -> Row:
    """``repeat``: turns a round of what takes milliseconds, so that the median means something."""
    pair, equal, _ = alternate(ours, peer, [item] * repeat, rounds, same)
    pair.inputs = 1  # turns of one input, all of them
    return pair.row(name, equal, **more)
