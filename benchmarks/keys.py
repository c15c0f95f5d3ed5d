"""By what a map and a score are found again: the sha256 of everything that can change them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from visiongen.benchmarks.base import Benchmark, Item, describe_options
from visiongen.benchmarks.reading import parts_of
from visiongen.benchmarks.rows import Row

KEY_SCHEMA = 3  # raise when statistics or preprocessing change their meaning


def paint_key(benchmark: Benchmark, row: Row, item: Item) -> str:
    """sha256 of everything that can change this row's map of this image."""
    return hash_of(_parts(benchmark, row, item) | {"long_side": benchmark.protocol["long_side"]})


def score_key(benchmark: Benchmark, row: Row, item: Item) -> str:
    """sha256 of everything that can change this row's statistics for this image."""
    return hash_of(_parts(benchmark, row, item) | {"protocol": benchmark.protocol})


def _parts(benchmark: Benchmark, row: Row, item: Item) -> dict[str, Any]:
    parts = {
        "schema": KEY_SCHEMA,
        "tasks": parts_of(benchmark),
        "row": row.name,
        "identity": row.identity,
        "id": item.id,
        "image": item.digest,
        "own": row.item_identity(item),
    }
    return parts | ({"options": describe_options(item.options)} if item.options else {})


def hash_of(parts: Any) -> str:
    """sha256 hex of something JSON-able."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
