"""What a run starts from: weights of an earlier run, a packed file, or weights that ship with the package."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from visiongen import checkpoint, weights
from visiongen.backbones.embedded import KIND, read_tokenizer
from visiongen.checkpoint import Checkpoint
from visiongen.errors import WeightsError
from visiongen.tokenizer import ImageTokenizer
from visiongen.training.export import PREFIX, WEIGHTS


def find(source: str | Path) -> Path:
    """The file meant by a run's folder, a ``.safetensors`` file, or a name in the manifest (``tiny``).

    WeightsError for a run that is not there; the message has the command that makes it.
    """
    path = Path(source)
    if path.is_dir():
        return path / WEIGHTS
    run = path.parent if path.name == WEIGHTS else path
    if len(path.parts) > 1 and not run.suffix and not path.exists():
        raise WeightsError(f"{path}: not there; make it first: visiongen train {run.name} --out {run}")
    return path if path.suffix else weights.check(str(source))


def tensors(source: str | Path, painter: bool = False) -> dict[str, Tensor]:
    """The tensors of ``source`` under the names that the models of recipes give them.

    Of a packed backbone: ``painter.*`` where the model has a ``painter``, else its tokenizer's.
    WeightsError if the file is unusable.
    """
    loaded = checkpoint.load(find(source))
    if not _is_backbone(loaded):
        return loaded.part(PREFIX)
    if not painter:
        return loaded.part("tokenizer")
    return {f"painter.{name}": value for name, value in loaded.part("painter").items()}


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
