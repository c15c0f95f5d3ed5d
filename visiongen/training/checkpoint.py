"""Training checkpoints: one file, hashed, replaced atomically, the one before kept.

Layout: one ASCII line ``visiongen-checkpoint 1 <sha256> <bytes>`` and then a ``torch.save`` body,
which is read with ``weights_only=True`` (a checkpoint cannot run code).
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from visiongen.errors import WeightsError
from visiongen.files import write_atomic

MAGIC = b"visiongen-checkpoint 1"
CURRENT, PREVIOUS = "checkpoint.pt", "checkpoint.previous.pt"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> Path:
    """Write ``state``; the checkpoint that was there stays as ``checkpoint.previous.pt``."""
    body = io.BytesIO()
    torch.save(state, body)
    data = body.getbuffer()
    digest = hashlib.sha256(data).hexdigest()
    current = folder / CURRENT

    def write(file: Any) -> None:
        file.write(MAGIC + f" {digest} {len(data)}\n".encode())
        file.write(data)

    if not current.exists():
        return write_atomic(current, write)
    fresh = write_atomic(folder / f"{CURRENT}.new", write)
    _keep(current, folder / PREVIOUS)
    os.replace(fresh, current)
    return current


def adopt_previous(folder: Path) -> None:
    """Make the checkpoint before the current one: the one that was cannot be used and is not kept."""
    _keep(folder / PREVIOUS, folder / CURRENT)


def _keep(current: Path, previous: Path) -> None:
    """Make ``previous`` the same file as ``current``; at no moment is one of them missing."""
    link = previous.with_suffix(".link")
    link.unlink(missing_ok=True)
    try:
        os.link(current, link)
    except OSError:  # a file system without hard links
        shutil.copyfile(current, link)
    os.replace(link, previous)


def load_checkpoint(folder: Path, previous: bool = False) -> dict[str, Any]:
    """Read the checkpoint in ``folder`` (or the one before); WeightsError if absent or damaged."""
    path = folder / (PREVIOUS if previous else CURRENT)
    if not path.is_file():
        other = (
            "leave out --previous" if previous and (folder / CURRENT).is_file() else "start without --resume"
        )
        raise WeightsError(f"{path}: no checkpoint to resume from; {other}")
    remedy = f"start again with another --out, or without --resume once {CURRENT} is deleted"
    if not previous and (folder / PREVIOUS).is_file():
        remedy = f"resume from {PREVIOUS} with --previous"
    data = path.read_bytes()
    head, _, body = data.partition(b"\n")
    fields = head[:200].split(b" ")
    if len(fields) != 4 or b" ".join(fields[:2]) != MAGIC:
        raise WeightsError(f"{path}: not a visiongen checkpoint (bad first line); {remedy}")
    expected, length = fields[2].decode("ascii", "replace"), fields[3].decode("ascii", "replace")
    if str(len(body)) != length:
        raise WeightsError(f"{path}: truncated, {len(body)} bytes of {length}; {remedy}")
    if hashlib.sha256(body).hexdigest() != expected:
        raise WeightsError(f"{path}: altered, its sha256 does not match its first line; {remedy}")
    return torch.load(io.BytesIO(body), map_location="cpu", weights_only=True)


def random_state() -> dict[str, Any]:
    """State of python's, numpy's and torch's global generators, from plain types."""
    name, keys, position, has_gauss, gauss = np.random.get_state()  # type: ignore[misc]
    state: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": [str(name), [int(k) for k in keys], int(position), int(has_gauss), float(gauss)],
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def restore_random_state(state: dict[str, Any]) -> None:
    """Put the global generators back."""
    version, keys, gauss = state["python"]
    random.setstate((version, tuple(keys), gauss))
    name, numbers, position, has_gauss, normal = state["numpy"]
    np.random.set_state((name, np.asarray(numbers, np.uint32), position, has_gauss, normal))
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
