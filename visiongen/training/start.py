"""What a run starts from: weights of an earlier run, a packed file, or weights that ship with the package."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from visiongen import checkpoint, weights
from visiongen.backbones.embedded import KIND, read_tokenizer
from visiongen.checkpoint import Checkpoint
from visiongen.errors import WeightsError
from visiongen.painter_config import PainterConfig
from visiongen.tokenizer import ImageTokenizer
from visiongen.training.export import PREFIX, READ_BY, READING, WEIGHTS
from visiongen.transformer import Painter
from visiongen.weights import hub

_SHAPING = (
    "preset",
    "tokenizer",
    "recycles",
    "noised",
    "levels",
    "widths",
    "encoder_blocks",
    "decoder_blocks",
)


def find(source: str | Path) -> Path:
    """The file meant by a run's folder, a ``.safetensors`` file, a name in the manifest (``tiny``), a folder
    of ``save_pretrained`` or ``hf-hub:ORG/REPO``.

    WeightsError for a run that is not there; the message has the command that makes it.
    """
    path = Path(source)
    if hub.is_saved(source):
        return hub.locate(source)
    if path.is_dir():
        return path / WEIGHTS
    run = path.parent if path.name == WEIGHTS else path
    if len(path.parts) > 1 and not run.suffix and not path.exists():
        raise WeightsError(f"{path}: not there; make it first: visiongen train {run.name} --out {run}")
    return path if path.suffix else weights.check(str(source))


def tensors(loaded: Checkpoint, painter: bool = False) -> dict[str, Tensor]:
    """The tensors of a file under the names that the models of recipes give them.

    Of a packed backbone: ``painter.*`` where the model has a ``painter``, else its tokenizer's.
    """
    if not _is_backbone(loaded):
        return loaded.part(PREFIX)
    if not painter:
        return loaded.part("tokenizer")
    return {f"painter.{name}": value for name, value in loaded.part("painter").items()}


def reading(loaded: Checkpoint) -> dict[str, Any]:
    """How a file is asked and read: PainterConfig's ``trust``, ``mean_tasks``, ``words``, as far as it says.

    A packed backbone says it by its configuration, a run by what it recorded of its painter.
    """
    said = loaded.meta.get("painter" if _is_backbone(loaded) else READING) or {}
    found = {key: said[key] for key in READ_BY if key in said}
    return {key: tuple(value) if isinstance(value, list) else value for key, value in found.items()}


def read_as(painter: Painter, said: dict[str, Any]) -> None:
    """Take over how maps are read; tasks that the painter's recipe names for the mean stay its own."""
    own = painter.config.mean_tasks
    painter.config = replace(painter.config, **said | ({"mean_tasks": own} if own else {}))


def options(loaded: Checkpoint, source: str | Path, painter: bool = False) -> str:
    """What a recipe's ``model.options`` needs for all of the file's tensors to have a place, as TOML."""
    if not _is_backbone(loaded):
        given = loaded.meta.get("recipe", {}).get("model", {}).get("options", {})
        found = {key: value for key, value in given.items() if key in _SHAPING} or given
    elif painter:
        config = PainterConfig.from_dict(loaded.meta["painter"])
        found = {"preset": config.preset_name(), "tokenizer": str(source), "recycles": config.recycles}
        found |= {"noised": 0} if config.noise else {}
    else:
        found = loaded.meta["tokenizer"]
    # a JSON string, number or list of them is a TOML one
    return "options = { " + ", ".join(f"{k} = {json.dumps(v)}" for k, v in found.items()) + " }"


def tokenizer(source: str | Path) -> nn.Module:
    """The trained tokenizer of a packed backbone or of a tokenizer's run, in eval mode."""
    from visiongen.training.run import trained_model  # it imports this module

    path = find(source)
    loaded = checkpoint.load(path)
    if _is_backbone(loaded):
        return read_tokenizer(loaded, path)
    model = trained_model(path)
    inner = getattr(model, "tokenizer", model)
    if not isinstance(inner, ImageTokenizer):
        raise WeightsError(f"{path}: holds a {type(model).__name__}, not a tokenizer; give a tokenizer's run")
    return inner


def _is_backbone(loaded: Checkpoint) -> bool:
    return loaded.meta.get("kind") == KIND
