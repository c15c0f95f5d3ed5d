"""``visiongen demo``: predictions on example photos as one HTML page that opens from disk."""

from __future__ import annotations

from pathlib import Path

from visiongen.cli import common


def demo(out: common.Out = Path("demo"), weights: common.WeightsName = "tiny") -> None:
    """Predict on photos of scikit-image and on a rendered street; write and name an HTML page."""
    from visiongen.cli.demo_page import build

    print(build(out, common.load_backbone(weights)).resolve())
