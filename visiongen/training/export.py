"""The end of a run: averaged weights as safetensors and a JSON sidecar that says what they are."""

from __future__ import annotations

import hashlib
import math
import platform
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from visiongen import checkpoint
from visiongen.errors import WeightsError
from visiongen.files import write_json
from visiongen.painter_config import PainterConfig

if TYPE_CHECKING:
    from visiongen.training.loop import Trainer

WEIGHTS, SIDECAR, PREFIX = "weights.safetensors", "weights.json", "model"
READING = "reading"  # of the header: how a painter is asked, and its maps are read
READ_BY = ("trust", "mean_tasks", "words")  # fields of its configuration


def export_weights(trainer: Trainer) -> dict[str, Any]:
    """Write weights.safetensors (EMA, fp32, under ``model.``) and weights.json; returns the latter.

    The file is one of visiongen.checkpoint: it carries the recipe and its own checksum.
    """
    state = trainer.state
    facts = {
        "schema": "visiongen.training/1",
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "steps": state.step,
        "samples": state.samples,
        "minutes": round(state.seconds / 60, 3),
        "skipped_steps": state.skipped,
        "best_loss": state.best_loss if math.isfinite(state.best_loss) else None,
        "device": trainer.device.type,
        "precision": trainer.precision,
        "torch": torch.__version__,
        "machine": platform.machine(),
        "recipe": trainer.described,
    }
    path = trainer.out / WEIGHTS
    meta = {"kind": "training", **{k: facts[k] for k in ("steps", "samples", "recipe")}}
    meta["tokenizer"] = frozen_digest(trainer.model)
    if (painter := getattr(trainer.model, "painter", None)) is not None:
        # what it started from may be gone, or be another of that name, when it is packed
        words = {*painter.config.words, *(word.lower() for word in trainer.stream.words)}
        config = replace(painter.config, words=tuple(sorted(words)))
        meta[READING] = said_of(config)
    digest = checkpoint.save(path, {PREFIX: trainer.ema.shadow}, meta, dtype=torch.float32)
    facts = {"weights": WEIGHTS, "sha256": digest, **facts}
    write_json(trainer.out / SIDECAR, facts)
    return facts


def said_of(config: PainterConfig) -> dict[str, Any]:
    """How a painter is asked, and its maps are read."""
    return {key: getattr(config, key) for key in READ_BY}


def frozen_digest(model: nn.Module) -> str | None:
    """sha256 of the frozen tokenizer beside a model, which says what its tokens mean; None without one."""
    tokenizer = getattr(model, "tokenizer", None)
    if not isinstance(tokenizer, nn.Module) or any(part is tokenizer for part in model.modules()):
        return None
    digest = hashlib.sha256()
    for name, value in sorted(tokenizer.state_dict().items()):
        digest.update(name.encode() + value.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def check_frozen(model: nn.Module, wanted: str | None, where: str) -> None:
    """WeightsError where the tokenizer is not the one that a run was trained with (None: not recorded)."""
    if wanted is not None and frozen_digest(model) != wanted:
        raise WeightsError(
            f"{where}: was trained with another tokenizer than the recipe's name means now; "
            "give that one's file as model.options.tokenizer"
        )
