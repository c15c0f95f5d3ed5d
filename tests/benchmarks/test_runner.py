"""Runs on a tiny CamVid: scores, resuming after a real kill, failures, locks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench_helpers import Reader, make_camvid

from visiongen.benchmarks.runner import Options, run
from visiongen.benchmarks.store import PAINTED, RESULT, SAMPLES, RunFolder
from visiongen.errors import InputError, MissingDataError, SaveError, UsageError

FAST = ("blind", "codec")


def options(camvid: Path, **more: object) -> Options:
    return Options(data=camvid, **({"rows": ()} | more))  # type: ignore[arg-type]


def test_a_reader_of_the_truth_scores_one_and_references_are_below(camvid: Path, tmp_path: Path) -> None:
    result = run("camvid11", Reader(), tmp_path / "out", options(camvid, rows=FAST))
    assert result["scores"]["mIoU_mmseg"]["value"] == pytest.approx(1.0)
    assert result["rows"]["codec"]["mIoU_mmseg"]["value"] == pytest.approx(1.0)  # type: ignore[index]
    assert result["rows"]["blind"]["mIoU"]["value"] < 0.6  # type: ignore[index]
    assert result["differences"]["blind"]["verdict"] == "better"
    assert result["differences"]["codec"]["difference"] == pytest.approx(0)
    assert result["rows"]["specialist"] is None and result["reasons"]["specialist"]
    assert result["n_scored"] == 6 and result["n_expected"] == 101 and result["partial"]
    assert json.loads((tmp_path / "out" / RESULT).read_text()) == json.loads(json.dumps(result))


def test_every_off_by_one_class_scores_zero(camvid: Path, tmp_path: Path) -> None:
    result = run("camvid11", Reader(shift=1), tmp_path / "out", options(camvid))
    assert result["scores"]["mIoU"]["value"] == 0 and result["scores"]["aAcc"]["value"] == 0


def test_other_legend_colours_do_not_matter_to_a_perfect_painter(camvid: Path, tmp_path: Path) -> None:
    plain = run("camvid11", Reader(), tmp_path / "a", options(camvid))
    drawn = run("camvid11", Reader(), tmp_path / "b", options(camvid, legend_seed=3))
    assert drawn["sample"]["legend"] != plain["sample"]["legend"]
    assert drawn["scores"]["mIoU"] == plain["scores"]["mIoU"]


def test_a_second_run_computes_nothing_and_a_changed_key_everything(camvid: Path, tmp_path: Path) -> None:
    first = run("camvid11", Reader(), tmp_path / "out", options(camvid))
    again = Reader()
    second = run("camvid11", again, tmp_path / "out", options(camvid))
    assert again.calls == 0
    assert second["scores"] == first["scores"] and second["seconds"] == first["seconds"]
    for changed in (Reader(sha="b" * 64), Reader()):
        more = {} if changed.weights.sha256[0] == "b" else {"mode": "draft"}
        run("camvid11", changed, tmp_path / "out", options(camvid, **more))
        assert changed.calls == 6
    back = Reader()
    third = run("camvid11", back, tmp_path / "out", options(camvid))
    assert back.calls == 0 and third["scores"] == first["scores"]


def test_changed_image_bytes_are_computed_anew(camvid: Path, tmp_path: Path) -> None:
    run("camvid11", Reader(), tmp_path / "out", options(camvid))
    path = camvid / "val" / "images" / "val002.png"
    path.write_bytes(path.read_bytes() + b"\0")
    again = Reader()
    run("camvid11", again, tmp_path / "out", options(camvid))
    assert again.calls == 1


def test_limit_takes_the_first_of_the_list_and_is_partial(camvid: Path, tmp_path: Path) -> None:
    result = run("camvid11", Reader(), tmp_path / "out", options(camvid, limit=2))
    assert result["partial"] and result["n_scored"] == 2
    names = [json.loads(line)["id"] for line in (tmp_path / "out" / SAMPLES).read_text().splitlines()]
    assert names == ["val000", "val001"]


def test_a_failed_image_is_the_worst_case_and_is_listed(camvid: Path, tmp_path: Path) -> None:
    whole = run("camvid11", Reader(), tmp_path / "a", options(camvid))
    broken = run("camvid11", Reader(fails=[30]), tmp_path / "b", options(camvid))
    assert broken["n_failed"] == 1 and broken["n_scored"] == 5
    assert [f["id"] for f in broken["failures"]] == ["val003"]
    assert "RuntimeError: the generator broke" in broken["failures"][0]["error"]
    assert broken["scores"]["aAcc"]["value"] == pytest.approx(whole["scores"]["aAcc"]["value"] * 5 / 6)
    healed = run("camvid11", Reader(), tmp_path / "b", options(camvid))
    assert healed["n_failed"] == 0 and healed["scores"] == whole["scores"]


def test_a_truncated_photo_fails_alone_but_a_broken_label_stops_the_run(camvid: Path, tmp_path: Path) -> None:
    photo = camvid / "val" / "images" / "val001.png"
    photo.write_bytes(photo.read_bytes()[:60])
    result = run("camvid11", Reader(), tmp_path / "out", options(camvid))
    assert result["n_failed"] == 1 and "val001.png" in result["failures"][0]["error"]
    label = camvid / "val" / "labels" / "val004.png"
    label.write_bytes(label.read_bytes()[:40])
    with pytest.raises(InputError, match=r"val004\.png"):
        run("camvid11", Reader(), tmp_path / "other", options(camvid))


def test_a_line_cut_by_a_kill_is_ignored_and_computed_again(camvid: Path, tmp_path: Path) -> None:
    first = run("camvid11", Reader(), tmp_path / "out", options(camvid))
    samples, painted = (tmp_path / "out" / name for name in (SAMPLES, PAINTED))
    for cut, calls in ((samples, 0), (painted, 0)):  # a scored image needs no map, a painted one no painter
        cut.write_bytes(cut.read_bytes()[:-25])
        again = Reader()
        second = run("camvid11", again, tmp_path / "out", options(camvid))
        assert again.calls == calls and second["scores"] == first["scores"]
    for cut in (samples, painted):
        cut.write_bytes(cut.read_bytes()[:-25])
    again = Reader()
    second = run("camvid11", again, tmp_path / "out", options(camvid))
    assert again.calls == 1 and second["scores"] == first["scores"]


def test_two_runs_into_one_folder_refuse(camvid: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "out")
    with folder.locked(), pytest.raises(UsageError, match=rf"pid {os.getpid()}"):
        run("camvid11", Reader(), tmp_path / "out", options(camvid))
    run("camvid11", Reader(), tmp_path / "out", options(camvid))  # the lock file stays, it is stale


CHILD = """
import sys
sys.path.insert(0, {helpers!r})
from pathlib import Path
from bench_helpers import Reader
from visiongen.benchmarks.runner import Options, run
run("camvid11", Reader(delay=0.15), {out!r}, Options(data=Path({data!r}), rows=("blind", "codec")))
"""


def test_kill_minus_nine_anywhere_then_the_same_scores(tmp_path: Path) -> None:
    camvid = make_camvid(tmp_path / "camvid11", val=8)
    straight = run("camvid11", Reader(), tmp_path / "straight", options(camvid, rows=FAST))
    out = tmp_path / "killed"
    code = CHILD.format(helpers=str(Path(__file__).parent), out=str(out), data=str(camvid))
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 300
        while not (out / PAINTED).is_file() or (out / PAINTED).read_bytes().count(b"\n") < 3:
            assert child.poll() is None, child.stderr.read().decode()  # type: ignore[union-attr]
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    done = len(RunFolder(out).painted())
    assert 3 <= done < 8
    rest = Reader()
    resumed = run("camvid11", rest, out, options(camvid, rows=FAST))
    assert rest.calls == 8 - done
    assert resumed["scores"] == straight["scores"] and resumed["rows"] == straight["rows"]


def test_bad_requests(camvid: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="camvid11"):
        run("camvid111", Reader(), tmp_path / "out", options(camvid))
    with pytest.raises(UsageError, match="--split 'vall'"):
        run("camvid11", Reader(), tmp_path / "out", options(camvid, split="vall"))
    with pytest.raises(MissingDataError, match="test"):
        run("camvid11", Reader(), tmp_path / "out", options(camvid, split="test"))
    with pytest.raises(UsageError, match="--limit 0"):
        options(camvid, limit=0)


def test_a_full_disk_is_one_clear_error_and_the_run_continues_later(camvid: Path, tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    out = tmp_path / "out"
    out.mkdir()
    (out / SAMPLES).symlink_to("/dev/full")
    with pytest.raises(SaveError, match=r"samples\.jsonl: cannot write \(No space left"):
        run("camvid11", Reader(), out, options(camvid))
    (out / SAMPLES).unlink()
    assert run("camvid11", Reader(), out, options(camvid))["n_scored"] == 6
