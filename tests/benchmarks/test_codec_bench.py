"""The codec bench: damages, measures, natural labels for every codec, the report and its command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from visiongen.benchmarks.codecs import report, text
from visiongen.benchmarks.codecs.damage import DAMAGES
from visiongen.benchmarks.codecs.legends import (
    label_map,
    scores,
    third_of_mixes,
    third_of_pairs,
    third_on_edges,
)
from visiongen.benchmarks.codecs.measures import measure_for
from visiongen.benchmarks.codecs.naturals import cases, scenes
from visiongen.cli.main import main
from visiongen.prompt import Legend
from visiongen.registry import CODECS, Registry
from visiongen.tasks.codecs.legend import LegendNearest
from visiongen.tasks.codecs.legend_posterior import LegendPosterior
from visiongen.training.targets import Seen

LEGEND = Legend.parse("a=#200020,b=#e000e0,between=#800080,d=#10f010")
PURE = {name: damage for name, damage in DAMAGES.items() if name not in ("8 bit", "tokenizer")}


@pytest.fixture(scope="module")
def frames() -> list[Seen]:
    """Two small frames."""
    return scenes(2, (48, 64))


def test_third_of_pairs_counts_a_colour_between() -> None:
    line = np.array([[0, 0, 0], [100, 0, 0], [200, 0, 0]])
    assert third_of_pairs(line) == pytest.approx(1 / 3)
    assert third_of_pairs(line, [0.1]) == 0
    assert third_of_pairs(np.eye(3) * 255) == 0


def test_third_of_mixes_needs_the_neighbourhood() -> None:
    nearest, posterior = (
        third_of_mixes(codec(LEGEND), np.random.default_rng(0), 300)
        for codec in (LegendNearest, LegendPosterior)
    )
    assert nearest > 0.03 and posterior < 0.01


def test_third_on_edges_looks_at_plain_edges_only() -> None:
    labels = np.zeros((9, 12), np.uint8)
    labels[:, 6:] = 1
    decoded = labels.copy()
    decoded[:, 5], decoded[:, 0] = 2, 2
    assert third_on_edges(labels, decoded) == (9, 9 * 4)
    labels[4, 6] = 3
    assert third_on_edges(labels, decoded)[1] < 9 * 4


@pytest.mark.parametrize("damage", list(PURE.values()), ids=list(PURE))
def test_damages_keep_shape_and_seed(damage) -> None:  # type: ignore[no-untyped-def]
    painted = LegendNearest(LEGEND).encode(label_map((32, 48), 4, np.random.default_rng(0)))
    one, two = (damage(painted, np.random.default_rng(1)) for _ in range(2))
    assert one.shape == painted.shape and one.dtype == np.uint8
    assert np.array_equal(one, two) and not np.array_equal(one, painted)
    assert abs(one.astype(int) - painted).mean() < 40


def test_scores_of_an_undamaged_map_are_perfect() -> None:
    maps = [label_map((32, 48), 4, np.random.default_rng(0))]
    result = scores(LegendPosterior(LEGEND), maps, lambda painted, rng: painted, 0)
    assert result["accuracy"] == 1 and result["AURC"] == result["third"] == 0 and result["ECE"] < 0.01


@pytest.mark.parametrize("name", list(CODECS))
def test_every_codec_has_natural_labels_that_it_keeps_and_a_blind_guess_does_not(
    name: str, frames: list[Seen]
) -> None:
    row = report.codec_row(name, cases(name, frames), {k: DAMAGES[k] for k in ("8 bit", "noise 12")})
    sign = -1 if row["higher_is_better"] else 1
    kept, noisy, blind = (sign * v for v in (*row["scores"].values(), row["blind"]))
    assert kept <= noisy + 1e-9, "noise improved the labels"
    assert kept < blind, "a blind guess is as good as the codec"
    perfect = sign * (1.0 if row["higher_is_better"] else 0.0)
    assert kept - perfect < 0.5 * (blind - perfect)


def test_measures_are_right_about_known_errors(frames: list[Seen]) -> None:
    made = cases("depth/cubewalk@1", frames)
    codec, truths = made[0][0], [labels for _, labels in made]
    measure = measure_for(codec)
    assert measure.score(codec, truths, [t * 1.1 for t in truths]) == pytest.approx(0.1, abs=2e-3)
    made = cases("legend/nearest@1", frames)
    codec, truths = made[0][0], [labels for _, labels in made]
    spoiled = [t.copy() for t in truths]
    spoiled[0][:12] = 200
    assert measure_for(codec).score(codec, truths, spoiled) == pytest.approx(12 / 48 / 2)
    made = cases("normals/opengl@1", frames)
    codec, truths = made[0][0], [labels for _, labels in made]
    assert measure_for(codec).score(codec, truths, [-t for t in truths]) == pytest.approx(180)
    made = cases("material/orm@1", frames)
    codec, truths = made[0][0], [labels for _, labels in made]
    assert measure_for(codec).score(codec, truths, [t + 0.2 for t in truths]) == pytest.approx(0.2, abs=1e-6)


@pytest.fixture
def two_codecs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bench sees two codecs alone, at a small size."""
    names = ("legend/nearest@1", "depth/graylog@1")
    few = Registry("codec", {name: CODECS._targets[name] for name in names})
    monkeypatch.setattr(report, "CODECS", few)
    monkeypatch.setattr(report, "scenes", lambda count: scenes(count, (48, 64)))


def test_command_prints_json_tables_and_a_picture(
    two_codecs: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "bench.png"
    arguments = ["codec", "bench", "--quick", "--classes", "5", "--json", "-", "--picture", str(picture)]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["schema"] == "visiongen.codec-bench/1" and found["frames"] == 1
    assert [row["codec"] for row in found["codecs"]] == ["depth/graylog@1", "legend/nearest@1"]
    assert "tokenizer" not in found["damages"] and "bench.png" in captured.err
    assert set(found["codecs"][0]["scores"]) == set(found["damages"])
    readers = {row["reader"]: row for row in found["depth_edges"]}
    assert readers["projection alone"]["outside"] > 0.5 > 0.05 > readers["depth/cubewalk@2"]["outside"]
    assert readers["depth/cubewalk@2"]["noisy_abs_rel"] <= 0.03
    assert len(found["legends"]["mixes"]) == 4 and len(found["legends"]["damages"]) == 4 * 3
    from PIL import Image

    with Image.open(picture) as drawn:
        assert drawn.width > 600 and drawn.height > 60
        # Every damage cell is shaded between green and red.
        assert len(drawn.convert("RGB").getcolors(1 << 16)) > 10
    grids = text.grids(found)
    for grid in grids:
        lines = list(text.markdown(grid))
        assert len(lines) == len(grid.rows) + 2
        assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    assert main(["codec", "bench", "--quick", "--classes", "5"]) == 0
    shown = capsys.readouterr().out
    assert "depth/cubewalk@2" in shown and "JPEG 75" in shown


def test_command_prints_markdown(two_codecs: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["codec", "bench", "--quick", "--classes", "5", "--markdown"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    firsts = [line.split("|")[1].strip() for line in lines]
    assert firsts[:4] == ["codec", "---", "depth/graylog@1", "legend/nearest@1"]
    assert firsts.count("---") == 4, "four tables, each with its rule"
    assert len({line.count("|") for line in lines[:4]}) == 1


def test_bad_requests(capsys: pytest.CaptureFixture[str]) -> None:
    for option in (("--frames", "-1"), ("--classes", "300"), ("--classes", "1")):
        assert main(["codec", "bench", *option]) == 2
        assert "give 1 or more" in capsys.readouterr().err


def test_ls_names_every_codec(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["codec", "ls", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)["codecs"]] == list(CODECS)
