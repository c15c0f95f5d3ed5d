"""``bench validate``: every fault of a tree is named, and a whole tree is whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

from visiongen.benchmarks.result_schema import FOLDER, check
from visiongen.benchmarks.validate import SCHEMA, Problem, Tree, truth_size, validate
from visiongen.cli.main import main
from visiongen.errors import UsageError
from visiongen.files import sha256
from visiongen.registry import BENCHMARKS

DUTS = BENCHMARKS.get("duts-te")


@pytest.fixture
def protocol(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """DUTS-TE as if it had four photos."""
    found = dict(DUTS.protocol) | {"splits": {"test": 4}}
    monkeypatch.setattr(DUTS, "protocol", found)
    return found


@pytest.fixture
def tree(tmp_path: Path, protocol: dict[str, Any]) -> Path:
    """Four photos and masks in the official layout."""
    rng = np.random.default_rng(0)
    for number in range(4):
        photo = tmp_path / "DUTS-TE" / "DUTS-TE-Image" / f"p_{number}.png"
        mask = tmp_path / "DUTS-TE" / "DUTS-TE-Mask" / f"p_{number}.png"
        for path in (photo, mask):
            path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (20, 30, 3), np.uint8)).save(photo)
        Image.fromarray((rng.random((20, 30)) > 0.5).astype(np.uint8) * 255).save(mask)
    return tmp_path


def photo(tree: Path, number: int) -> Path:
    return tree / "DUTS-TE" / "DUTS-TE-Image" / f"p_{number}.png"


def mask(tree: Path, number: int) -> Path:
    return tree / "DUTS-TE" / "DUTS-TE-Mask" / f"p_{number}.png"


def kinds(found: Tree) -> list[tuple[str, str]]:
    return sorted((one.kind, one.id) for one in found.problems)


def test_a_whole_tree_is_whole(tree: Path) -> None:
    found = validate(DUTS, tree)
    assert found.ok and not found.problems and found.missing is None
    assert (found.n_expected, found.n_listed, found.n_read, found.root) == (4, 4, 4, str(tree))


def test_every_missing_file_is_named_and_the_others_are_still_read(tree: Path) -> None:
    mask(tree, 0).unlink()
    mask(tree, 2).unlink()
    found = validate(DUTS, tree)
    assert kinds(found) == [("file", "p_0"), ("file", "p_2")] and not found.ok
    assert str(mask(tree, 2)) in found.problems[1].message
    assert found.n_listed == 4 and found.n_read == 2


def test_damaged_and_unlike_files(tree: Path) -> None:
    photo(tree, 0).write_bytes(photo(tree, 0).read_bytes()[:200])
    mask(tree, 1).write_bytes(b"none")
    Image.fromarray(np.full((20, 31), 255, np.uint8)).save(mask(tree, 2))
    Image.fromarray(np.eye(20, 30, dtype=np.uint8)).save(mask(tree, 3))  # 0 and 1 instead of 0 and 255
    found = validate(DUTS, tree)
    assert kinds(found) == [("photo", "p_0"), ("size", "p_2"), ("truth", "p_1"), ("truth", "p_3")]
    told = {one.id: one.message for one in found.problems}
    assert "(20, 31)" in told["p_2"] and "0 and 1" in told["p_3"] and str(photo(tree, 0)) in told["p_0"]
    assert found.n_read == 0
    quick = validate(DUTS, tree, fast=True)
    assert quick.ok and quick.n_read == 0, "--fast opens nothing"


def test_counts_are_those_of_the_protocol(tree: Path, protocol: dict[str, Any]) -> None:
    photo(tree, 3).unlink()
    mask(tree, 3).unlink()
    found = validate(DUTS, tree, fast=True)
    assert [one.kind for one in found.problems] == ["count"] and "3 images" in found.problems[0].message


def test_the_same_image_twice_is_a_warning(tree: Path) -> None:
    photo(tree, 3).write_bytes(photo(tree, 1).read_bytes())
    assert validate(DUTS, tree).problems == []  # the same photo with another truth is another question
    mask(tree, 3).write_bytes(mask(tree, 1).read_bytes())
    found = validate(DUTS, tree)
    assert found.ok and found.problems == [
        Problem("duplicate", "p_3", "the same photo, truth and question as p_1", "warning")
    ]


def test_official_lists_are_checked_by_their_digest(tree: Path, protocol: dict[str, Any]) -> None:
    official = tree / "test.txt"
    official.write_text("p_0\n")
    protocol["list_sha256"] = {"test.txt": sha256(official), "gone.txt": "0" * 64}
    found = validate(DUTS, tree, fast=True)
    assert len(found.problems) == 1 and "gone.txt: the official list is missing" in found.problems[0].message
    official.write_text("p_1\n")
    protocol["list_sha256"].pop("gone.txt")
    found = validate(DUTS, tree, fast=True)
    assert [one.kind for one in found.problems] == ["list"] and str(official) in found.problems[0].message


def test_missing_data_and_unknown_splits(tmp_path: Path, protocol: dict[str, Any]) -> None:
    found = validate(DUTS, tmp_path)
    assert not found.ok and found.missing is not None and str(tmp_path) in found.missing
    assert found.problems == [] and found.n_listed == 0
    with pytest.raises(UsageError, match="--split 'val'"):
        validate(DUTS, tmp_path, "val")


def test_rendered_frames_are_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    world = BENCHMARKS.get("world-depth")
    small = {"height": 48, "width": 64, "splits": {"test": 2}}
    monkeypatch.setattr(world, "protocol", dict(world.protocol) | small)
    found = validate(world)
    assert found.ok and found.n_read == 2 and found.root is None


def test_sizes_of_truths() -> None:
    class Sized:
        size = (4, 6)

    assert truth_size(np.zeros((4, 6, 2))) == (4, 6) and truth_size(Sized()) == (4, 6)
    assert truth_size(np.zeros(3)) is None and truth_size(object()) is None


# --- the command ------------------------------------------------------------------------------


def call(*arguments: object) -> int:
    return main(["bench", "validate", *map(str, arguments)])


def test_exit_codes_and_lines(tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("duts-te", "--data", tree) == 0
    assert (
        "duts-te version 1.1, split test: 4 of 4 listed, 4 read without a problem: ok"
        in capsys.readouterr().out
    )
    for number in range(3):
        mask(tree, number).unlink()
    assert call("duts-te", "--data", tree, "--show", 2) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4 and "and 1 more" in lines[2] and lines[3].endswith("3 problems")
    assert call("hku-is", "--data", tree) == 3
    assert "hku-is version 1.1, split test: missing: " in capsys.readouterr().out
    assert call("duts-te", "hku-is", "--data", tree) == 1, "a problem weighs more than what is not there"
    assert call("duts-tee") == 2 and "did you mean 'duts-te'" in capsys.readouterr().err
    assert call("duts-te", "--split", "x", "--data", tree) == 2


def test_json(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mask(tree, 1).write_bytes(b"none")
    assert call("duts-te", "hku-is", "--data", tree, "--json", "-") == 1
    captured = capsys.readouterr()
    report = json.loads(captured.out)
    check("validate", report)
    jsonschema.validate(report, json.loads((FOLDER / "validate.schema.json").read_text()))
    assert report["schema"] == SCHEMA and "problem: truth p_1" in captured.err
    first, second = report["results"]
    assert first["problems"][0]["id"] == "p_1" and not first["ok"] and first["missing"] is None
    assert second["missing"] and not second["ok"]


def test_all_means_what_is_there(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("all", "--data", tree, "--fast") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["duts-te"]


def test_all_of_nothing_is_not_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("all", "--data", tmp_path) == 3
    assert f"{tmp_path}: no benchmark's data is there" in capsys.readouterr().err
    assert call("all", "--data", tmp_path / "typo") == 3 and "no such folder" in capsys.readouterr().err
