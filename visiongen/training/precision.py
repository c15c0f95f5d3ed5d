"""Which arithmetic a run uses on the device it finds."""

from __future__ import annotations

import contextlib

import torch
from torch import nn

from visiongen.errors import UsageError

CHOICES = ("auto", "fp32", "bf16")


def resolve(precision: str, device: torch.device) -> str:
    """``auto`` -> "bf16" where the hardware multiplies bfloat16, else "fp32"; the others as they are.

    A CPU without such instructions (AVX-512 BF16, AMX) emulates them, a hundred times slower than
    fp32. UsageError for anything else.
    """
    if precision not in CHOICES:
        raise UsageError(f"precision {precision!r}: choose {', '.join(CHOICES)}")
    if precision != "auto":
        return precision
    return "bf16" if _has_bf16(device) else "fp32"


def autocast(precision: str, device: torch.device) -> contextlib.AbstractContextManager:
    """The context a step's forward pass runs in."""
    if precision == "bf16":
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


def prepare(device: torch.device) -> None:
    """Settings of a device that training needs; none for the CPU.

    cuDNN's attention plans anew for every shape, 0.1 s each, and prompts differ in length from batch to
    batch; the other kernels do not plan.
    """
    if device.type == "cuda":
        torch.backends.cuda.enable_cudnn_sdp(False)


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)  # before Ampere it is emulated, too
    if device.type != "cpu":
        return False
    # torch keeps these names private; where one is missing the answer is the safe one
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, lambda: False)() for name in probes)


def compile_parts(model: nn.Module) -> None:
    """Compile ``model`` where its loss calls it, and every block that sits in a ModuleList.

    The loss itself stays plain Python: it reads prompts and makes floats for the log, which the
    compiler would trace anew for each value.
    """
    model.compile()
    for module in model.modules():
        if isinstance(module, nn.ModuleList):
            for block in module:
                block.compile()
