"""Fixtures of the benchmark tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def camvid(tmp_path: Path) -> Path:
    from bench_helpers import make_camvid

    return make_camvid(tmp_path / "camvid11")
