"""The rows draft and prefix: what they paint, that they resume, and that nobody else notices them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from bench_helpers import Reader
from PIL import Image
from test_datasets_materials import material
from test_world import small

from visiongen.backbones.base import Sampler, WeightsRecord
from visiongen.backbones.embedded import EmbeddedBackbone, EmbeddedScene
from visiongen.benchmarks.branch_rows import PrefixRow, SynonymsRow
from visiongen.benchmarks.keys import paint_key
from visiongen.benchmarks.reading import orders
from visiongen.benchmarks.row_choice import BRANCH_ROWS, REFERENCE_ROWS
from visiongen.benchmarks.rows import paint_truth
from visiongen.benchmarks.runner import Options, get_benchmark, run
from visiongen.benchmarks.store import RunFolder
from visiongen.errors import UsageError
from visiongen.prompt import Legend
from visiongen.tasks import predict
from visiongen.tasks.orders import followed
from visiongen.tasks.semantic import Semantic
from visiongen.world.synonyms import SYNONYMS


def nano(trust: float = 0.0, trained: bool = True) -> EmbeddedBackbone:
    """Random weights; untrained: the causal head is the zero that training starts from."""
    backbone = EmbeddedBackbone.random("nano", 2)
    backbone.painter.config = dataclasses.replace(backbone.painter.config, trust=trust)
    if not trained:
        torch.nn.init.zeros_(backbone.painter.head.weight)
        torch.nn.init.zeros_(backbone.painter.head.bias)
    return backbone


def maps(folder: Path, row: str) -> dict[str, np.ndarray]:
    (found,) = (path for path in (folder / "maps").iterdir() if path.name.rsplit("-", 1)[0] == row)
    pictures = (path for path in found.iterdir() if "confidence" not in path.name)
    return {path.name: np.asarray(Image.open(path)) for path in pictures}


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_an_untrained_causal_branch_reads_the_draft_after_any_past(tmp_path: Path) -> None:
    options = Options(limit=2, rows=BRANCH_ROWS)
    result = run(small("world-depth"), nano(trained=False), tmp_path, options)
    rows = result["rows"]
    assert (
        not result["failures"] and rows["draft"] == rows["prefix"] == rows["prefix-trust"] == result["scores"]
    )
    assert same(maps(tmp_path, "draft"), maps(tmp_path, "prefix"))


def test_prefix_is_what_the_scene_paints_after_the_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a task with a legend of its own for each image; trust keeps the draft, trust 0 does not."""
    monkeypatch.setattr(Semantic, "follows", False)  # a filter leaves one class of what random weights paint
    benchmark, backbone = small("world-semantic"), nano(trust=1e9)
    result = run(benchmark, backbone, tmp_path, Options(limit=1, rows=BRANCH_ROWS))
    assert not result["failures"]
    (item,) = benchmark.items(None, "test", 1)
    truth = paint_truth(benchmark, item, None, item.truth(), (48, 64))["semantic"].map
    prompt = orders(benchmark, item, None)[1][0]
    (expected,) = backbone.scene(item.photo()).paint_after([prompt], [truth], Sampler(trust=0))
    assert np.array_equal(maps(tmp_path, "prefix")[f"{item.id}.png"], expected.image)
    assert same(maps(tmp_path, "prefix-trust"), maps(tmp_path, "draft"))
    assert not same(maps(tmp_path, "prefix"), maps(tmp_path, "draft"))
    assert not same(maps(tmp_path, "prefix"), maps(tmp_path, "model"))


def test_each_part_of_a_material_has_its_own_past(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    material(tmp_path / "MatSynth/maps/test/Wood/oak")
    benchmark, backbone = get_benchmark("matsynth"), nano()
    small = benchmark.protocol | {"side": 32, "long_side": 32}
    monkeypatch.setattr(benchmark, "protocol", small)
    (item,) = benchmark.items(tmp_path, "test")
    photo, tasks = item.photo(), small["parts"]
    sheets, _ = PrefixRow(benchmark, backbone, None, 0.0).paint(item, photo)
    truths = paint_truth(benchmark, item, None, item.truth(), (32, 32))
    asked, prompts = orders(benchmark, item, None)
    assert list(sheets) == tasks
    for part, task, prompt in zip(tasks, asked, prompts, strict=True):
        found = backbone.scene(photo).paint_after([prompt], [truths[part].map], Sampler(trust=0))
        (alone,) = followed([task], [prompt], found, photo)
        assert np.abs(sheets[part].map.astype(int) - alone.image).mean() < 1  # near-ties are not settled
        assert sheets[part].codec.spec() == truths[part].codec.spec()


def test_they_resume_and_change_nothing_for_other_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark, backbone = small("world-normals"), nano()
    run(benchmark, backbone, tmp_path, Options(limit=2, rows=("codec", "ceiling")))
    before = RunFolder(tmp_path).plan()
    painted = []
    for name in ("paint", "paint_after"):
        whole = getattr(EmbeddedScene, name)
        monkeypatch.setattr(
            EmbeddedScene, name, lambda *a, whole=whole, name=name: painted.append(name) or whole(*a)
        )
    options = Options(limit=2, rows=("codec", "ceiling", "draft", "prefix"))
    result = run(benchmark, backbone, tmp_path, options)
    assert sorted(painted) == ["paint", "paint", "paint_after", "paint_after"]  # draft, prefix; not the model
    plan = RunFolder(tmp_path).plan()
    assert {row: plan["keys"][row] for row in before["keys"]} == before["keys"]
    assert before["keys"].keys() == {"model", "codec", "ceiling"} and "draft" not in before["reasons"]
    painted.clear()
    lines = (tmp_path / "painted.jsonl").read_text().splitlines()
    (tmp_path / "painted.jsonl").write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:20])  # a kill
    (tmp_path / "samples.jsonl").unlink()
    again = run(benchmark, backbone, tmp_path, options)
    assert painted == ["paint_after"] and again["rows"] == result["rows"]


def test_a_prefix_is_found_again_by_weights_and_trust() -> None:
    benchmark, backbone = small("world-depth"), nano()
    (item,) = benchmark.items(None, "test", 1)

    def key(sha: str, trust: float | None) -> str:
        backbone.weights = WeightsRecord("nano", sha)
        return paint_key(benchmark, PrefixRow(benchmark, backbone, None, trust), item)

    keys = {key(sha, trust) for sha in ("a" * 64, "b" * 64) for trust in (0.0, None, 4.0)}
    assert len(keys) == 6


def test_mirrored_is_the_mean_of_two_answers(tmp_path: Path) -> None:
    benchmark, backbone = small("world-normals"), nano()
    run(benchmark, backbone, tmp_path, Options(limit=1, rows=("mirrored",)))
    (item,) = benchmark.items(None, "test", 1)
    side = benchmark.protocol["long_side"]
    one = predict("normals", item.photo(), backbone=backbone, long_side=side)
    back = predict("normals", item.photo()[:, ::-1].copy(), backbone=backbone, long_side=side)
    (found,) = maps(tmp_path, "mirrored").values()
    mean = one.codec.decode(one.map)[0] + one.codec.flip(back.codec.decode(back.map)[0])
    sure = np.linalg.norm(mean, axis=2) > 0.5
    mean /= np.linalg.norm(mean, axis=2, keepdims=True).clip(1e-6)
    away = (one.codec.decode(found)[0] * mean).sum(2)[sure]
    assert sure.any() and np.degrees(np.arccos(np.clip(away, -1, 1))).max() < 2
    assert not same(maps(tmp_path, "mirrored"), maps(tmp_path, "model"))


@pytest.mark.parametrize("name", ["world-instance", "world-referring"])
def test_tasks_without_a_mean_have_no_mirrored_row(name: str, tmp_path: Path) -> None:
    result = run(small(name), nano(), tmp_path, Options(limit=1, rows=("mirrored",)))
    assert result["rows"]["mirrored"] is None and "no mean with the mirrored" in result["reasons"]["mirrored"]


def test_synonyms_asks_the_same_in_other_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    benchmark, backbone = small("world-panoptic"), nano()
    asked, paint = [], EmbeddedScene.paint
    monkeypatch.setattr(EmbeddedScene, "paint", lambda *a: asked.append(a[1][0].legend) or paint(*a))
    run(benchmark, backbone, tmp_path, Options(limit=1, rows=("synonyms",)))
    (item,) = benchmark.items(None, "test", 1)
    legend = item.options["legend"]
    said = Legend(tuple(SYNONYMS.get(name, [name])[0] for name in legend.names), legend.colours)
    assert said.names != legend.names and said.names[-1] == "border"
    assert asked == [legend, said]
    side = benchmark.protocol["long_side"]
    one = predict(
        "panoptic", item.photo(), backbone=backbone, long_side=side, **{**item.options, "legend": said}
    )
    (found,) = maps(tmp_path, "synonyms").values()
    assert np.array_equal(found, one.map)


def test_things_are_called_as_the_legend_calls_them() -> None:
    benchmark = small("world-panoptic")
    (item,) = benchmark.items(None, "test", 1)
    legend = Legend.parse("road=#ff0000,car=#00ff00,mine=#0000ff,border=#ffffff")
    item = dataclasses.replace(item, options={"legend": legend, "things": ("car", "mine")})
    asked = SynonymsRow(benchmark, nano(), None).asked(item)
    assert asked["legend"].names == ("street", "vehicle", "mine", "border")
    assert asked["legend"].colours == legend.colours and asked["things"] == ("vehicle", "mine")


@pytest.mark.parametrize("name", ["world-depth", "world-edges", "world-referring"])
def test_tasks_without_class_names_have_no_other_words(name: str, tmp_path: Path) -> None:
    result = run(small(name), nano(), tmp_path, Options(limit=1, rows=("synonyms",)))
    assert result["rows"]["synonyms"] is None and "names no classes" in result["reasons"]["synonyms"]


def test_they_are_made_only_when_asked_for(camvid: Path, tmp_path: Path) -> None:
    result = run("camvid11", Reader(), tmp_path / "a", Options(data=camvid, limit=1))
    assert set(result["rows"]) == set(REFERENCE_ROWS)
    result = run(
        "camvid11", Reader(), tmp_path / "b", Options(data=camvid, limit=1, rows=("draft", "prefix"))
    )
    assert result["rows"]["draft"] == result["scores"] and result["rows"]["prefix"] is None
    assert "'reader': it cannot paint after a given map" in result["reasons"]["prefix"]
    with pytest.raises(UsageError, match=r"choose from .*specialist, draft, mirrored, synonyms, prefix"):
        Options(rows=("drafts",))
