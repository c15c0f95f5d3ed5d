from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from pathlib import Path

import pytest

from visiongen.errors import SaveError
from visiongen.files import sha256, write_atomic, write_json


def test_writes_and_replaces(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    assert write_atomic(path, "one") == path
    write_atomic(path, b"two")
    write_atomic(path, lambda file: file.write(b"three"))
    assert path.read_bytes() == b"three"
    assert os.listdir(path.parent) == ["a.txt"]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        assert write_atomic(tmp_path / "a", "x").stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(old)


def test_full_disk_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_atomic(tmp_path / "a.json", "old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SaveError, match=r"a\.json: cannot write \(No space left on device\)"):
        write_atomic(path, "new")
    assert path.read_text() == "old" and os.listdir(tmp_path) == ["a.json"]


def test_a_failing_writer_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        write_atomic(tmp_path / "a", lambda file: 1 / 0)
    assert os.listdir(tmp_path) == []


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SaveError, match="cannot write"):
        write_atomic(tmp_path / "file" / "a", "x")


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", {"x": float("nan")})
    assert os.listdir(tmp_path) == []
    assert write_json(tmp_path / "a.json", {"x": 1}).read_text() == '{\n  "x": 1\n}\n'


def test_sha256(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "a").write_bytes(data)
    assert sha256(tmp_path / "a") == hashlib.sha256(data).hexdigest()


def test_links_stay_and_pipes_are_written_to(tmp_path: Path) -> None:
    target, link, pipe = tmp_path / "kept.json", tmp_path / "link.json", tmp_path / "pipe"
    target.write_text("old")
    link.symlink_to(target)
    assert write_atomic(link, "new") == link
    assert link.is_symlink() and target.read_text() == "new"
    os.mkfifo(pipe)
    heard: list[str] = []
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()
    write_atomic(pipe, "said")
    reader.join(10)
    assert heard == ["said"] and stat.S_ISFIFO(pipe.stat().st_mode)


def test_the_umask_of_all_threads_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to the process: changed for a moment, another thread may write with it or keep it."""
    masks: list[int] = []
    monkeypatch.setattr(os, "umask", masks.append)
    assert write_atomic(tmp_path / "a", "x").read_text() == "x"
    assert masks == []
