"""Weights on disk: one safetensors file that carries its own configuration and checksum.

The header's metadata holds ``visiongen`` (JSON: kind, configs, whatever the trainer adds) and
``tensors_sha256``, a digest of that and of names, types, shapes and bytes, so that a file without a manifest
is checked too. Floating tensors are stored in fp16 and read back as fp32.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from visiongen.errors import WeightsError
from visiongen.files import sha256, write_atomic

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """A file's content: ``tensors`` in memory type, ``meta`` as saved, ``sha256`` of the file."""

    path: Path
    sha256: str
    meta: dict[str, Any]
    tensors: dict[str, Tensor] = field(repr=False)

    def part(self, prefix: str) -> dict[str, Tensor]:
        """The tensors under ``prefix.``, with the prefix removed."""
        dot = prefix + "."
        return {k[len(dot) :]: v for k, v in self.tensors.items() if k.startswith(dot)}


def _digest(meta: str, tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(meta.encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _stored(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        if not torch.isfinite(tensor).all():
            raise WeightsError(f"tensor {name}: holds NaN or infinity; the training diverged")
        small = tensor.to(dtype)
        if not torch.isfinite(small).all():
            raise WeightsError(f"tensor {name}: too large for {dtype}; save with dtype=float32")
        tensor = small
    return tensor.contiguous().clone()  # a clone: safetensors refuses shared storage


def save(
    path: str | Path,
    modules: Mapping[str, nn.Module | Mapping[str, Tensor]],
    meta: Mapping[str, Any],
    dtype: torch.dtype = torch.float16,
) -> str:
    """Write the modules' state dicts under their names, atomically; returns the file's sha256.

    ``modules`` maps a prefix ("tokenizer", "painter") to a module or a state dict. WeightsError
    when a tensor is not finite or overflows ``dtype``.
    """
    tensors: dict[str, Tensor] = {}
    for prefix, module in modules.items():
        state = module.state_dict() if isinstance(module, nn.Module) else module
        for key, value in state.items():
            tensors[f"{prefix}.{key}"] = _stored(f"{prefix}.{key}", value, dtype)
    text = json.dumps(dict(meta) | {"format": FORMAT})
    header = {"visiongen": text, "tensors_sha256": _digest(text, tensors)}
    write_atomic(path, _canonical(to_bytes(tensors, metadata=header)))
    return sha256(path)


def _canonical(data: bytes) -> bytes:
    """The same safetensors file with its metadata in sorted order.

    The writer keeps metadata in a hash map whose order changes from process to process; equal
    weights must give equal files.
    """
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def load(path: str | Path, dtype: torch.dtype = torch.float32) -> Checkpoint:
    """Read and check a file; floating tensors come back as ``dtype``.

    WeightsError when the file is missing, cut short, altered or not one of ours.
    """
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"{path}: no such file; give a .safetensors file that visiongen saved")
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path}: truncated or altered ({error}); fetch it again") from None
    if "visiongen" not in header:
        raise WeightsError(f"{path}: not a visiongen checkpoint (its header has no 'visiongen')")
    expected, got = header.get("tensors_sha256", ""), _digest(header["visiongen"], tensors)
    if expected != got:
        raise WeightsError(
            f"{path}: truncated or altered: expected content sha256 {expected}, got {got}; fetch it again"
        )
    meta = _meta(header["visiongen"], path)
    tensors = {k: v.to(dtype) if v.is_floating_point() else v for k, v in tensors.items()}
    return Checkpoint(path, sha256(path), meta, tensors)


def _meta(text: str, path: Path) -> dict[str, Any]:
    try:
        meta = json.loads(text)
    except json.JSONDecodeError as error:
        raise WeightsError(f"{path}: its header is altered ({error}); fetch it again") from None
    if meta.get("format") != FORMAT:
        raise WeightsError(
            f"{path}: format {meta.get('format')!r}, this version reads {FORMAT}; update visiongen"
        )
    return meta


def fill(module: nn.Module, tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """Load ``tensors`` into ``module``, every name and shape matching; WeightsError otherwise."""
    try:
        module.load_state_dict(dict(tensors), strict=True)
    except RuntimeError as error:
        first = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path}: does not fit its own configuration: {first}") from None
