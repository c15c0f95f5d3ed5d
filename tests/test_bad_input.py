"""Bad input of every kind: one line of file, value and remedy, the right exit code, nothing half-written."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from visiongen.cli.common import report_inputs
from visiongen.cli.main import main
from visiongen.errors import SaveError, UsageError
from visiongen.files import write_atomic
from visiongen.prompt import Legend

Show = Callable[..., tuple[int, str, str]]


def picture(height: int = 48, width: int = 64, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def jpeg(height: int = 48, width: int = 64) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture(height, width)).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.fixture
def show(tmp_path: Path, nano_weights: str, capsys: pytest.CaptureFixture[str]) -> Show:
    """Run the command line; returns exit code, stdout, stderr. Predictions use the nano weights."""

    def run(*arguments: str | Path, weights: str = nano_weights) -> tuple[int, str, str]:
        words = [str(a) for a in arguments]
        if words[0] in ("predict", "stream"):
            words += ["--weights", weights, "--long-side", "32", "--out", str(tmp_path / "out")]
        capsys.readouterr()
        code = main(words)
        shown = capsys.readouterr()
        assert "Traceback" not in shown.err and "internal error" not in shown.err
        return code, shown.out, shown.err

    return run


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    return text


BAD_FILES = {
    "truncated.jpg": jpeg()[: len(jpeg()) // 2],
    "cut-by-two-bytes.jpg": jpeg(200, 200)[:-600],
    "empty.png": b"",
    "text.jpg": b"this is no picture\n",
}


@pytest.mark.parametrize("name", sorted(BAD_FILES))
def test_damaged_files(name: str, tmp_path: Path, show: Show) -> None:
    (tmp_path / name).write_bytes(BAD_FILES[name])
    code, out, err = show("predict", "depth", tmp_path / name)
    assert code == 1 and out == ""
    assert name in err.splitlines()[0]
    assert re.search("fetch|give", err.splitlines()[0])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (20000, 10), (7, 100)])
def test_impossible_sizes(width: int, height: int, tmp_path: Path, show: Show) -> None:
    path = tmp_path / "odd.png"
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(path)
    code, _, err = show("predict", "normals", path)
    assert code == 1
    first = err.splitlines()[0]
    assert "odd.png" in first and f"{width}x{height}" in first
    assert not (tmp_path / "out").exists()


def test_stream_refuses_a_damaged_file(tmp_path: Path, show: Show) -> None:
    (tmp_path / "half.jpg").write_bytes(BAD_FILES["truncated.jpg"])
    code, _, err = show("stream", "depth", tmp_path / "half.jpg")
    assert code == 1 and "half.jpg" in one_line(err)


def test_a_folder_with_one_bad_file_gives_all_the_others(tmp_path: Path, show: Show) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.jpg", "c.jpg"):
        (folder / name).write_bytes(jpeg())
    (folder / "b.jpg").write_bytes(BAD_FILES["truncated.jpg"])
    code, _, err = show("predict", "depth", folder)
    assert code == 1
    lines = err.splitlines()
    assert len(lines) == 2 and "b.jpg" in lines[0] and "1 of 3 inputs failed" in lines[1]
    done = sorted(p.name for p in (tmp_path / "out").glob("*.npy"))
    assert done == ["a.depth.npy", "c.depth.npy"]
    assert not list((tmp_path / "out").glob("b.*"))


def test_a_missing_input_exits_3(tmp_path: Path, show: Show) -> None:
    code, _, err = show("predict", "depth", tmp_path / "nothere.jpg")
    assert code == 3 and "nothere.jpg" in one_line(err)


@pytest.mark.parametrize(
    ("legend", "value"),
    [
        ("road=nan,sky=#8080ff", "nan"),
        ("road=#804080,sky=#804080", "colour"),
        ("road=#804080,road=#8080ff", "road"),
        ("road", "road"),
        ("=#804080", "name"),
        ("", "empty"),
        ("road=#80408", "#80408"),
    ],
)
def test_bad_legends(legend: str, value: str, tmp_path: Path, show: Show) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    code, _, err = show("predict", "semantic", tmp_path / "a.jpg", "--legend", legend)
    assert code == 2 and "legend" in err and value in one_line(err)


@pytest.mark.parametrize(
    "colour", [(float("nan"), 0, 0), (0, float("inf"), 0), (0, 0, 256), (0.5, 0, 0), "nan"]
)
def test_bad_colours_from_python(colour: object) -> None:
    with pytest.raises(UsageError, match="road"):
        Legend.of([("road", colour)])


def test_a_legend_for_a_task_without_one(tmp_path: Path, show: Show) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    code, _, err = show("predict", "depth", tmp_path / "a.jpg", "--legend", "road=#804080")
    assert code == 2 and "--legend" in one_line(err)


def test_unknown_task_mode_and_benchmark(tmp_path: Path, show: Show) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    code, _, err = show("predict", "dept", tmp_path / "a.jpg")
    assert code == 2 and "did you mean 'depth'" in one_line(err)
    code, _, err = show("predict", "depth", tmp_path / "a.jpg", "--mode", "fast")
    assert code == 2 and "'fast'" in one_line(err) and "verified" in err
    code, _, err = show("bench", "run", "camvid1")
    assert code == 2 and "did you mean 'camvid11'" in one_line(err)


def test_weights_that_do_not_exist(tmp_path: Path, show: Show) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    for weights in ("enormous", str(tmp_path / "none.safetensors")):
        code, _, err = show("predict", "depth", tmp_path / "a.jpg", weights=weights)
        assert code == 3 and Path(weights).name in one_line(err)


@pytest.mark.parametrize("where", [0.0, 0.001, 0.3, 0.6, 0.999])
def test_one_flipped_bit_in_the_weights(where: float, tmp_path: Path, nano_weights: str, show: Show) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    content = bytearray(Path(nano_weights).read_bytes())
    content[int(where * len(content))] ^= 0x01
    bad = tmp_path / "flipped.safetensors"
    bad.write_bytes(content)
    code, out, err = show("predict", "depth", tmp_path / "a.jpg", weights=str(bad))
    assert code == 3 and out == ""
    assert "flipped.safetensors" in one_line(err)


def test_a_checkpoint_cut_in_half(tmp_path: Path, nano_weights: str, show: Show) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    content = Path(nano_weights).read_bytes()
    half = tmp_path / "half.safetensors"
    half.write_bytes(content[: len(content) // 2])
    code, _, err = show("predict", "depth", tmp_path / "a.jpg", weights=str(half))
    assert code == 3 and "half.safetensors" in one_line(err) and "truncated" in err


def test_shipped_weights_with_one_flipped_byte(shipped: str, tmp_path: Path) -> None:
    """The manifest's hash is compared, not only the file's own."""
    from visiongen import weights
    from visiongen.errors import WeightsError

    entry = weights.entry(shipped)
    content = bytearray((weights.ROOT / entry.file).read_bytes())
    (tmp_path / "manifest.toml").write_bytes((weights.ROOT / "manifest.toml").read_bytes())
    (tmp_path / entry.file).write_bytes(content)
    assert weights.check(shipped, tmp_path).is_file()
    content[len(content) // 2] ^= 0x10
    (tmp_path / entry.file).write_bytes(content)
    with pytest.raises(WeightsError, match="altered: expected sha256"):
        weights.check(shipped, tmp_path)


def test_a_full_disk_while_saving(tmp_path: Path, show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write itself fails with ENOSPC after the first two files; nothing half-written stays."""
    (tmp_path / "a.jpg").write_bytes(jpeg())
    calls = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = show("predict", "depth", tmp_path / "a.jpg")
    assert code == 1
    assert "a.depth." in one_line(err) and "No space left" in err and "--out" in err
    files = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert files == ["a.depth.map.png", "a.depth.png"]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A real file system of 64 KiB; skips where mounting is not allowed."""
    folder = Path(tempfile.mkdtemp())
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    try:
        mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
        if not mounted:
            pytest.skip("mounting a small file system is not allowed here")
        yield folder
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)
    finally:
        folder.rmdir()


def test_a_really_full_disk(small_disk: Path) -> None:
    write_atomic(small_disk / "a", b"old")
    with pytest.raises(SaveError, match="No space left"):
        write_atomic(small_disk / "a", os.urandom(100_000))
    assert [p.name for p in small_disk.iterdir()] == ["a"]
    assert (small_disk / "a").read_bytes() == b"old"


def test_a_file_size_limit_is_a_save_error(tmp_path: Path) -> None:
    """A real failing write without privileges: the kernel's limit on a file's size."""
    script = (
        "import resource, sys; from visiongen.files import write_atomic\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_atomic(sys.argv[1], b'x' * 5000)"
    )
    import sys

    target = tmp_path / "big.bin"
    done = subprocess.run([sys.executable, "-c", script, str(target)], capture_output=True, text=True)
    assert done.returncode == 1
    assert "SaveError" in done.stderr and "big.bin: cannot write" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_out_folder_that_is_a_file(tmp_path: Path, show: Show) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    (tmp_path / "out").write_text("in the way")
    code, _, err = show("predict", "depth", tmp_path / "a.jpg")
    assert code == 1 and "out" in one_line(err)
    assert (tmp_path / "out").read_text() == "in the way"


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("relative=False", "option relative='False': give true or false"),
        ("guided=no", "option guided='no': give true or false"),
        ("temperature=abc", "temperature 'abc': give a number"),
        ("trust=x", "trust 'x': give a number"),
        ("window=2.5", "window 2.5: give a whole number"),
    ],
)
def test_options_of_a_wrong_kind(option: str, told: str, tmp_path: Path, show: Show) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg())
    code, out, err = show("predict", "depth", path, "--option", option)
    assert (code, out) == (2, "") and told in one_line(err)


@pytest.mark.parametrize(
    ("words", "told", "wanted"),
    [
        (
            ("predict", "incontext", "PHOTO", "--example", "PHOTO=PHOTO", "--option", "tolerance=-1"),
            "tolerance -1",
            2,
        ),
        (("predict", "incontext", "PHOTO", "--option", "examples=1"), "examples 1: give a list", 2),
        (("predict", "depth", "PHOTO", "--seed", "-1"), "seed -1: give a whole number from 0", 2),
        (("stream", "incontext", "PHOTO"), "examples: none given", 2),
        (("stream", "image", "PHOTO"), "what does the map show?", 1),
        (("stream", "depth", "PHOTO", "--legend", "a=#ff0000"), "legend: depth takes none", 2),
        (("bench", "run", "world-depth", "--legend-seed", "-1"), "--legend-seed -1", 2),
        (("bench", "run", "world-depth", "--specialist", "no-such-run"), "no-such-run", 3),
        (("codec", "bench", "--frames", "0"), "--frames 0", 2),
        (("predict", "depth", "PHOTO", "--json", "FOLDER"), "is a folder; name a file in it", 2),
        (("bench", "ls", "--data", "no-such-folder"), "data root no-such-folder", 3),
    ],
)
def test_words_that_ask_for_nothing(
    words: tuple[str, ...], told: str, wanted: int, tmp_path: Path, show: Show
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg())
    code, out, err = show(*(w.replace("PHOTO", str(path)).replace("FOLDER", str(tmp_path)) for w in words))
    assert code == wanted and out == "" and told in err.splitlines()[0], err


def test_a_picture_too_large_to_read_ends_no_batch(tmp_path: Path, show: Show) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    for words in (("decode", "auto", bomb), ("paint", bomb, "--source", "depth")):
        code, _, err = show(*words, "--out", tmp_path / "out")
        assert code == 1 and "bomb.png" in err.splitlines()[0]


def test_episodes_that_are_none(capsys: pytest.CaptureFixture[str]) -> None:
    from visiongen.benchmarks.incontext.report import main as incontext

    assert incontext(["--episodes", "0"]) == 2
    assert "--episodes 0" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("long_side=64", "use --long-side"),
        ("long-side=64", "use --long-side"),
        ("mode=draft", "use --mode"),
        ("tile=true", "use --tile"),
        ("tasks=true", "name them as TASK"),
        ("backbone=foo", "use --weights"),
    ],
)
def test_an_option_does_not_say_what_a_flag_says(option: str, told: str, tmp_path: Path, show: Show) -> None:
    Image.fromarray(picture()).save(tmp_path / "a.png")
    code, _, error = show("predict", "depth", tmp_path / "a.png", "--option", option)
    assert code == 2 and told in one_line(error)


def test_a_name_too_long_and_too_little_memory_fail_alone(
    tmp_path: Path, show: Show, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b" * 235, "c", "huge"):
        Image.fromarray(picture()).save(tmp_path / f"{name}.png")
    from visiongen.tasks import predicting

    real = predicting._whole

    def whole(orders: object, photo: object, size: int, name: str) -> object:
        if name == "huge.png":
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"
            )
        return real(orders, photo, size, name)  # type: ignore[arg-type]

    monkeypatch.setattr(predicting, "_whole", whole)
    report = tmp_path / "r.json"
    code, out, error = show("predict", "depth", tmp_path, "--json", report)
    assert code == 1 and out.count("depth ->") == 2 and "2 of 4 inputs failed" in error
    assert "shorten the name" in error and "huge.png: out of memory; use a smaller --long-side" in error
    found = json.loads(report.read_text())
    assert len(found["results"]) == 2 and len(found["failed"]) == 2


@pytest.mark.parametrize(
    ("stop", "ends", "failed"),
    [
        (KeyboardInterrupt(), 130, []),
        (SaveError("out/b.png: cannot write (No space left on device)"), 1, ["out/b.png: cannot write"]),
    ],
)
def test_what_stops_a_batch_leaves_a_report(
    stop: BaseException,
    ends: int,
    failed: list[str],
    tmp_path: Path,
    show: Show,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("a", "b", "c"):
        Image.fromarray(picture()).save(tmp_path / f"{name}.png")
    from visiongen.tasks import predicting

    real = predicting._whole

    def whole(orders: object, photo: object, size: int, name: str) -> object:
        if name == "b.png":
            raise stop
        return real(orders, photo, size, name)  # type: ignore[arg-type]

    monkeypatch.setattr(predicting, "_whole", whole)
    code, _, _ = show("predict", "depth", tmp_path, "--json", tmp_path / "r.json")
    assert code == ends
    report = json.loads((tmp_path / "r.json").read_text())
    assert [Path(row["input"]).name for row in report["results"]] == ["a.png"]
    assert [Path(row["input"]).name for row in report["failed"]] == ["b.png"] * len(failed)
    assert all(words in row["error"] for words, row in zip(failed, report["failed"], strict=True))


def test_an_error_that_nobody_foresaw_is_in_the_report(tmp_path: Path) -> None:
    def work(path: Path, stem: str) -> list[dict[str, object]]:
        return [{"stem": stem, "share": 1 / (path.name != "b.png")}]

    report, paths = tmp_path / "r.json", [Path(f"{name}.png") for name in "abc"]
    with pytest.raises(ZeroDivisionError):
        report_inputs(paths, "dividing", work, str(report), "visiongen.test/1")
    found = json.loads(report.read_text())
    assert [row["stem"] for row in found["results"]] == ["a"]
    assert found["failed"] == [{"input": "b.png", "error": "b.png: ZeroDivisionError: division by zero"}]


def test_text_that_names_a_file_that_is_not_utf8_is_written(tmp_path: Path) -> None:
    written = write_atomic(tmp_path / "a.txt", os.fsdecode(b"caf\xe9.png"))
    assert written.read_bytes() == b"caf\xe9.png"
