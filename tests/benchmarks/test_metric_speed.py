"""The metric rows of the speed report: equal answers on both sides; no weights where nothing is painted."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.benchmarks.metrics import boundary, edges, panoptic, semantic
from visiongen.benchmarks.speed import metric_inputs, metric_peers, metric_share, metrics, report
from visiongen.cli.main import app
from visiongen.errors import UsageError

NEEDS = {"metrics/miou-torchmetrics": "torchmetrics", "metrics/coco-ap": "hotcoco"}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> metric_inputs.Maps:
    """Inputs that take no time."""
    made = metric_inputs.maps((48, 64))
    few = metric_inputs.detections(6, 3)
    drawn = metric_inputs.edge_maps((40, 60))
    monkeypatch.setattr(metric_inputs, "maps", lambda: made)
    monkeypatch.setattr(metric_inputs, "detections", lambda: few)
    monkeypatch.setattr(metric_inputs, "edge_maps", lambda: drawn)
    monkeypatch.setattr(metric_inputs, "SIZE", (48, 64))
    monkeypatch.setattr(metrics, "LARGE", (96, 128))
    return made


@pytest.mark.parametrize("name", list(metrics.METRIC_ROWS))
def test_both_sides_of_a_row_agree(name: str, small: metric_inputs.Maps) -> None:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    row = metrics.METRIC_ROWS[name](1)
    assert row["equal"] is True and row["name"] == name
    assert row["ours"] > 0 and row["peer"] > 0 and row["timed"]
    assert name in report.ROWS and "equal yes" in report.describe(row)
    json.dumps(row)


def test_peers_notice_a_difference(small: metric_inputs.Maps) -> None:
    """What the rows compare is not trivially the same: the answers have mistakes, and one more shows."""
    truth, answer = small.classes
    assert 0.5 < (truth == answer).mean() < 0.999
    other = answer.copy()
    other[20, 20] = (answer[20, 20] + 1) % small.kinds
    for one, two in (
        (semantic.confusion(truth, answer, small.kinds), semantic.confusion(truth, other, small.kinds)),
        (
            metric_peers.eroded_counts(truth, answer, small.kinds, 2),
            metric_peers.eroded_counts(truth, other, small.kinds, 2),
        ),
        (
            boundary.boundary_counts(truth, answer, small.kinds),
            boundary.boundary_counts(truth, other, small.kinds),
        ),
    ):
        assert not np.array_equal(one, two)
    stats = panoptic.image_stats(*small.panoptic, small.kinds)
    table = panoptic.vector(stats, small.kinds).reshape(-1, 4)
    assert (table.sum(0)[1:] > 0).all()  # hits, false and missed ones
    strength, people = metric_inputs.edge_maps()
    counts = edges.count(edges.suppress(strength), people)
    assert len(np.unique(counts[:, 3])) > 10 and 0 < counts[0, 2] < counts[0, 3]


def test_names_and_groups_of_rows() -> None:
    assert report.chosen(["metrics"]) == (*metrics.METRIC_ROWS, metric_share.NAME)
    assert report.chosen(["metrics/pq", "processes"]) == ("processes", "metrics/pq")
    assert not report.needs_backbone(["metrics/pq", "metrics/bsds-counts"])
    assert report.needs_backbone(["metrics"]) and report.needs_backbone(["agreement"])
    with pytest.raises(UsageError, match="choose from"):
        report.chosen(["metric"])
    with pytest.raises(UsageError, match="give a backbone"):
        report.run(None, only=["agreement"])


def test_share_of_decoding_and_scoring() -> None:
    nano = EmbeddedBackbone.random("nano", seed=1)
    for name in ("world-depth", "world-edges"):
        row = metric_share.share_of(nano, name, 1)
        assert row["equal"] is True and row["rounds"] == metric_share.SEEN and row["ours"] > 0
        assert row["name"] == f"metrics/share/{name}"
    assert "world-panoptic" in metric_share.tasks() and "world-incontext" not in metric_share.tasks()


def test_the_command_counts_without_weights(small: metric_inputs.Maps) -> None:
    wanted = "metrics/depth-lstsq,metrics/pq"
    done = CliRunner().invoke(app, ["bench", "speed", "--only", wanted, "--rounds", "1", "--json", "-"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [row["name"] for row in found["rows"]] == ["metrics/pq", "metrics/depth-lstsq"]
    assert found["weights"] is None and found["schema"] == report.SCHEMA
