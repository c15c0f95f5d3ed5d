"""A run in parts: two processes under torchrun, unequal shards, one killed and resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from bench_helpers import Reader, make_camvid

from visiongen.benchmarks.runner import Options, run
from visiongen.benchmarks.shards import Shard
from visiongen.benchmarks.store import RESULT, RunFolder
from visiongen.errors import MissingDataError, UsageError

ROWS = ("blind", "oracle", "codec")
WORKER = """
import sys
sys.path.insert(0, {helpers!r})
from bench_helpers import Reader
from visiongen.benchmarks.runner import Options, run
from visiongen.benchmarks.shards import Shard
if __name__ == "__main__":
    run("camvid11", Reader(delay={delay}), {out!r},
        Options(data={data!r}, rows={rows!r}, shard=Shard.parse(None)))
"""


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_camvid(tmp_path_factory.mktemp("seven") / "camvid11", val=7)


@pytest.fixture(scope="module")
def straight(seven: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    out = tmp_path_factory.mktemp("straight")
    return comparable(run("camvid11", Reader(), out, Options(data=seven, rows=ROWS)))


def comparable(result: Any) -> dict[str, Any]:
    """Everything but times and the machine."""
    left_out = ("seconds", "env")
    return {key: value for key, value in json.loads(json.dumps(result)).items() if key not in left_out}


def part(seven: Path, out: Path, text: str) -> Any:
    shard = Shard.parse(text)
    return run("camvid11", Reader(), out, Options(data=seven, rows=ROWS, shard=shard))


def test_parts_by_hand_and_whoever_is_last_writes_the_result(
    seven: Path, straight: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for text in ("2/3", "1/3"):
        with pytest.raises(MissingDataError, match="lacks"):
            part(seven, out, text)
        assert not (out / RESULT).exists()
    assert comparable(part(seven, out, "3/3")) == straight
    assert comparable(json.loads((out / RESULT).read_text())) == straight
    assert sorted(path.name for path in out.glob("samples*")) == [f"samples-{i}of3.jsonl" for i in (1, 2, 3)]


def test_parts_share_a_folder_but_not_a_part_nor_with_a_whole_run(seven: Path, tmp_path: Path) -> None:
    first, second, whole = Shard(0, 2), Shard(1, 2), Shard()
    with RunFolder(tmp_path, first).locked(), RunFolder(tmp_path, second).locked():
        for other in (first, whole):
            with pytest.raises(UsageError, match=f"pid {os.getpid()}"), RunFolder(tmp_path, other).locked():
                pass
    with (
        RunFolder(tmp_path, whole).locked(),
        pytest.raises(UsageError, match="another run"),
        RunFolder(tmp_path, first).locked(),
    ):
        pass


def test_shards_that_make_no_sense() -> None:
    assert Shard.parse("2/4") == Shard(1, 4) and Shard.parse("1/1") == Shard()
    for text in ("0/2", "3/2", "x", "1/0", "-1/2", ""):
        with pytest.raises(UsageError, match="write I/N"):
            Shard.parse(text)
    whole = list(range(7))
    shares = [Shard(i, 3).mine(whole) for i in range(3)]
    assert sorted(part for share in shares for part in share) == whole
    assert [len(share) for share in shares] == [3, 2, 2]


def launch(tmp_path: Path, seven: Path, out: Path, delay: float) -> list[str]:
    script = tmp_path / f"worker{delay}.py"
    values = {"helpers": str(Path(__file__).parent), "out": str(out), "data": str(seven)}
    script.write_text(WORKER.format(delay=delay, rows=ROWS, **values))
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return [sys.executable, *torchrun, str(script)]


@pytest.mark.slow
def test_two_processes_one_killed_and_resumed_equal_one_process(
    seven: Path, straight: dict[str, Any], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    child = subprocess.Popen(
        launch(tmp_path, seven, out, 0.4), env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        locks = out / "lock-2of2"
        deadline = time.monotonic() + 300
        while not (out / "painted-2of2.jsonl").is_file() or not locks.read_text().strip():
            assert child.poll() is None, child.stderr.read().decode()  # type: ignore[union-attr]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(int(locks.read_text()), signal.SIGKILL)  # the second rank, nobody else
        assert child.wait(120) != 0
    finally:
        child.kill()
        child.communicate()
    assert not (out / RESULT).exists()
    painted = len(RunFolder(out).painted())
    assert 1 <= painted < 7
    again = launch(tmp_path, seven, out, 0.0)
    done = subprocess.run(again, env=environment, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    assert comparable(json.loads((out / RESULT).read_text())) == straight
    assert len(list(out.glob("painted-*of2.jsonl"))) == 2
