"""From a recipe to a finished run: builds model, mixture and trainer."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from visiongen import checkpoint
from visiongen.blocks import Block
from visiongen.errors import UsageError, WeightsError
from visiongen.imports import imported
from visiongen.registry import SOURCES
from visiongen.training import start
from visiongen.training.channels import grown
from visiongen.training.export import PREFIX, check_frozen, frozen_digest
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
    make = imported(part.target, "model.target")
    try:
        model = make(**part.options)
    except TypeError as error:
        raise UsageError(f"model.options of {part.target}: {error}; correct the recipe") from None
    if not hasattr(model, "loss"):
        raise UsageError(f"model.target {part.target!r}: it has no loss(batch); choose another class")
    if part.init:
        _check_tokenizer(model, part.init)
        load_init(model, part.init, part.init_strict)
    return model


def _check_tokenizer(model: nn.Module, init: str) -> None:
    """UsageError where an untrained tokenizer's tokens would stand for those that the weights learned."""
    if not getattr(model, "untrained", False):
        return
    loaded = checkpoint.load(start.find(init))
    if loaded.meta.get("tokenizer") != frozen_digest(model):
        raise UsageError(
            f"model.options.tokenizer: not given, but init = {init!r} paints tokens of a trained one; name "
            f"it. Of these weights: {start.options(loaded, init, painter=True)}"
        )


def load_init(model: nn.Module, path: str, strict: bool) -> None:
    """Start from the weights at ``path`` (or of that name in the manifest: ``tiny``).

    A painter also takes over how its maps are read: ``trust``, and ``mean_tasks`` unless it names its own;
    and the ``words`` for classes that the weights know.
    Not ``strict`` leaves fresh, and says on stderr, what the weights lack: whole blocks start as the
    identity, so that a trained network can be made deeper, and channels of a token start silent
    (``visiongen.training.channels``). Strict or not, WeightsError where a tensor of the weights has no place
    in the model, since what it had learned would be lost without a sign. Only a part that the
    model has nothing of is left behind, as the heads of a trunk that has learned to read.
    """
    painter = getattr(model, "painter", None)
    loaded = checkpoint.load(start.find(path))
    weights, own = start.tensors(loaded, painter=painter is not None), model.state_dict()
    taken = grown(weights, own)
    fitting = {k: v for k, v in taken.items() if k in own and own[k].shape == v.shape}
    parts = {key.partition(".")[0] for key in own}
    lost = sorted(k for k in taken if k not in fitting and k.partition(".")[0] in parts)
    if lost:
        raise WeightsError(
            f"{path}: does not fit the model: {len(lost)} of its {len(weights)} tensors have no place in it "
            f"(first {lost[0]!r}), so what they learned would be lost; give the model the weights' own: "
            f"{start.options(loaded, path, painter is not None)}"
        )
    if not fitting:
        raise WeightsError(f"{path}: no tensor fits the model; use other weights")
    exact = {k for k, v in weights.items() if k in own and own[k].shape == v.shape}
    odd = sorted((set(own) | set(weights)) - exact)
    if strict and odd:
        raise WeightsError(
            f"{path}: does not fit the model ({len(odd)} tensors differ, first {odd[0]!r}); init_strict = "
            "false starts fresh what it lacks and leaves behind parts that the model has nothing of"
        )
    if fresh := sorted(set(own) - set(fitting)):
        count = f"{len(fresh)} of the model's {len(own)} tensors"
        print(f"{path}: lacks {count}, which start fresh (first {fresh[0]})", file=sys.stderr)
    model.load_state_dict(fitting, strict=False)
    for name, module in model.named_modules():
        if isinstance(module, Block) and not any(key.startswith(f"{name}.") for key in fitting):
            module.start_as_identity()
    if painter is not None:
        start.read_as(painter, start.reading(loaded))


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
    resume: bool = False,
    **extra: Any,
) -> Trainer:
    """Everything put together; ``minutes`` replaces the recipe's budget.

    ``resume``: it will go on from its checkpoint, so that ``init`` need not be there any more.
    """
    if minutes is not None:
        budget = recipe.schedule.model_copy(update={"minutes": minutes, "steps": None})
        recipe = recipe.model_copy(update={"schedule": budget})
    seed_everything(recipe.run.seed)
    run = recipe.run.model_dump(exclude={"seed"})
    part = recipe.model.model_copy(update={"init": None}) if resume else recipe.model
    return Trainer(
        build_model(part),
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
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they are
        model = build_model(ModelPart(**{**recipe["model"], "init": None}))
    check_frozen(model, weights.meta.get("tokenizer"), str(weights.path))
    checkpoint.fill(model, weights.part(PREFIX), weights.path)
    if (painter := getattr(model, "painter", None)) is not None:
        painter.config = replace(painter.config, **start.reading(weights))
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
