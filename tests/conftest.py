"""Fixtures every test may use. No test touches the network."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")


@pytest.fixture
def data_root() -> Path:
    """The folder of real data packs named by VISIONGEN_DATA; skips where there is none."""
    root = os.environ.get("VISIONGEN_DATA", "")
    if not root or not Path(root).is_dir():
        pytest.skip("needs the real data packs: set VISIONGEN_DATA to their folder")
    return Path(root)


@pytest.fixture(scope="session")
def shipped() -> str:
    """Name of the shipped backbone weights; skips only while weights/ ships none."""
    from visiongen import weights

    if not (weights.ROOT / "manifest.toml").is_file():
        pytest.skip("weights/ ships no weights yet")
    names = [entry.name for entry in weights.list() if entry.kind == "backbone"]
    if not names:
        pytest.skip("weights/ ships no backbone yet")
    return "tiny" if "tiny" in names else names[0]
