"""From a recipe to a finished run: builds model, mixture and trainer."""

from __future__ import annotations

import importlib
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from visiongen import checkpoint
from visiongen.blocks import Block
from visiongen.errors import UsageError, WeightsError
from visiongen.registry import SOURCES
from visiongen.training import start
from visiongen.training.channels import grown
from visiongen.training.export import PREFIX, check_frozen
from visiongen.training.loop import RunOptions, Trainer
from visiongen.training.mixture import Mixture
from visiongen.training.optim import Optim
from visiongen.training.recipe import ModelPart, Recipe
from visiongen.training.schedule import Schedule


def seed_everything(seed: int) -> None:
    """Fix python's, numpy's and torch's global generators."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def build_model(part: ModelPart) -> nn.Module:
    """Import ``target``, call it with ``options``, load ``init`` if given."""
    module_name, _, attribute = part.target.partition(":")
    try:
        make = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"model.target {part.target!r}: cannot be imported ({error})") from None
    try:
        model = make(**part.options)
    except TypeError as error:
        raise UsageError(f"model.options of {part.target}: {error}; correct the recipe") from None
    if not hasattr(model, "loss"):
        raise UsageError(f"model.target {part.target!r}: it has no loss(batch); choose another class")
    if part.init:
        load_init(model, part.init, part.init_strict)
    return model


def load_init(model: nn.Module, path: str, strict: bool) -> None:
    """Start from the weights at ``path`` (or of that name in the manifest: ``tiny``).

    Not ``strict`` takes only what fits by name and shape; whole blocks that the weights lack start as the
    identity, so that a trained network can be made deeper, and channels of a token that they lack start
    silent (``visiongen.training.channels``).
    """
    weights = start.tensors(path, painter=hasattr(model, "painter"))
    own = model.state_dict()
    if not strict:
        weights = grown(weights, own)
    fitting = {k: v for k, v in weights.items() if k in own and own[k].shape == v.shape}
    odd = sorted((set(own) | set(weights)) - set(fitting))
    if strict and odd:
        raise WeightsError(
            f"{path}: does not fit the model ({len(odd)} tensors differ, first {odd[0]!r}); "
            "use init_strict = false or other weights"
        )
    if not fitting:
        raise WeightsError(f"{path}: no tensor fits the model; use other weights")
    model.load_state_dict(fitting, strict=False)
    for name, module in model.named_modules():
        if isinstance(module, Block) and not any(key.startswith(f"{name}.") for key in fitting):
            module.start_as_identity()


def build_mixture(recipe: Recipe, data: str | Path | None = None) -> Mixture:
    """The sources of the recipe; ``data`` is the data root given by the user."""
    root = str(data) if data is not None else None
    sources = [_source(d.source, d.options, root) for d in recipe.data]
    return Mixture(sources, [d.weight for d in recipe.data], recipe.run.seed)


def _source(name: str, options: dict[str, Any], root: str | None) -> Any:
    """One source; UsageError for options that it does not take or cannot read."""
    try:
        return SOURCES.get(name)(**options, data=root)
    except (TypeError, ValueError) as error:
        raise UsageError(f"data.options of {name}: {error}; correct the recipe") from None


def build_trainer(
    recipe: Recipe,
    out: str | Path,
    *,
    minutes: float | None = None,
    data: str | Path | None = None,
    device: str = "cpu",
    **extra: Any,
) -> Trainer:
    """Everything put together; ``minutes`` replaces the recipe's budget."""
    if minutes is not None:
        budget = recipe.schedule.model_copy(update={"minutes": minutes, "steps": None})
        recipe = recipe.model_copy(update={"schedule": budget})
    seed_everything(recipe.run.seed)
    run = recipe.run.model_dump(exclude={"seed"})
    return Trainer(
        build_model(recipe.model),
        build_mixture(recipe, data),
        Schedule(**recipe.schedule.model_dump()),
        out,
        optim=Optim(**recipe.optim.model_dump()),
        run=RunOptions(**run),
        device=device,
        described=recipe.described(),
        **extra,
    )


def trained_model(path: str | Path) -> nn.Module:
    """The model of a finished run (its folder or weights file), averaged weights, eval mode."""
    return trained(path)[0]


def trained(path: str | Path) -> tuple[nn.Module, dict[str, Any]]:
    """``trained_model``, and the recipe that its weights carry."""
    weights = checkpoint.load(start.find(path))
    recipe = weights.meta.get("recipe") or {}
    if "model" not in recipe:
        raise WeightsError(f"{weights.path}: carries no recipe; it was not made by `train`")
    model = build_model(ModelPart(**{**recipe["model"], "init": None}))
    check_frozen(model, weights.meta.get("tokenizer"), str(weights.path))
    checkpoint.fill(model, weights.part(PREFIX), weights.path)
    return model.eval(), recipe


def pick_device(name: str) -> str:
    """``auto`` is cuda where there is one; UsageError for a device that is not here."""
    available = torch.cuda.is_available()
    if name == "auto":
        return "cuda" if available else "cpu"
    kind = name.partition(":")[0]
    if kind not in ("cpu", "cuda") or (kind == "cuda" and not available):
        raise UsageError(f"--device {name!r}: not available here; use cpu or auto")
    return name
