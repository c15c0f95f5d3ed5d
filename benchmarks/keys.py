"""By what a map and a score are found again: the sha256 of everything that can change them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from visiongen.benchmarks.base import Benchmark, Item, describe_options
from visiongen.benchmarks.compare import FREE
from visiongen.benchmarks.reading import parts_of
from visiongen.benchmarks.rows import Row

KEY_SCHEMA = 3  # raise when statistics or preprocessing change their meaning
PAINT_TRUTH = ("ceiling", "prefix", "prefix-trust")  # rows whose maps hold the truth


def paint_key(benchmark: Benchmark, row: Row, item: Item) -> str:
    """sha256 of everything that can change this row's map of this image."""
    parts = _parts(benchmark, row, item) | {"long_side": benchmark.protocol["long_side"]}
    if row.name in PAINT_TRUTH:  # the same bytes are another truth at another scale, range or list of classes
        parts["read_by"] = {name: value for name, value in benchmark.protocol.items() if name not in FREE}
    return hash_of(parts)


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
