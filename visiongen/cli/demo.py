"""``visiongen demo``: predictions on example photos as one HTML page that opens from disk."""

from __future__ import annotations

from pathlib import Path

from visiongen.cli import common


def demo(out: common.Out = Path("demo"), weights: common.WeightsName = "tiny") -> None:
    """Predict on photos of scikit-image and on a rendered street; write and name an HTML page."""
    import torch

    from visiongen.cli.demo_page import build

    # The passes are small: beside one other busy process two threads took 58 s, one takes 12 s.
    torch.set_num_threads(1)
    print(build(out, common.load_backbone(weights)).resolve())
