"""Two images of COCO val2017 with their panoptic annotation, from panopticapi's sample data.

Pack: ``panoptic_samples/coco/{panoptic_examples.json,panoptic_examples/,input_images/}``. A check of the
format and of the metric; two images measure nothing.
"""

from __future__ import annotations

from typing import ClassVar

from visiongen.benchmarks.datasets.coco_panoptic import CocoPanoptic


class PanopticSamples(CocoPanoptic):
    """See the module; the protocol is protocols/panoptic-samples.toml."""

    folders: ClassVar[tuple[str, ...]] = ("panoptic_samples/coco", "sample_data")
    marker: ClassVar[str] = "panoptic_examples.json"


BENCHMARK = PanopticSamples("panoptic-samples")
