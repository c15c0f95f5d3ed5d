"""Do the weights load, and do they paint here what they painted when they were packed?

``NAME.checks.json`` beside the file holds the digest of its tensors and configuration, and facts of what it
paints of a fixed picture. A file whose bytes are as the manifest says but whose tensors are not those of
the checks was exchanged together with the manifest. Weights that are whole but paint otherwise are a fault
of the installation: a build of torch, or a kernel, that computes wrongly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import visiongen.weights as shelf
from visiongen.errors import WeightsError
from visiongen.files import write_json
from visiongen.weights import facts

if TYPE_CHECKING:
    from visiongen.backbones.embedded import EmbeddedBackbone
    from visiongen.checkpoint import Checkpoint

SCHEMA = "visiongen.weights-checks/1"
KINDS = {"backbone": "backbone", "training": "specialist"}  # a file's kind -> the manifest's


@dataclass(frozen=True)
class Deep:
    """``difference``: the largest one to the stored facts, where 1 is the most that is allowed."""

    difference: float
    place: str


def checks_path(name: str, root: Path | None = None) -> Path:
    """Where the checks of ``name`` lie."""
    return (root or shelf.ROOT) / f"{name}.checks.json"


def write_checks(name: str, root: Path | None = None) -> Path:
    """Make the checks of ``name`` from what its file holds and paints here; WeightsError when damaged."""
    file = shelf.check(name, root)
    found = {"schema": SCHEMA, "weights": name, "content": _content(file), "facts": _facts(name, file, root)}
    return write_json(checks_path(name, root), found)


def verify_deep(name: str, root: Path | None = None) -> Deep:
    """Everything that can be told of ``name`` here; WeightsError says what is wrong first."""
    file = shelf.check(name, root)
    stored = _read(name, root)
    if (content := _content(file)) != stored["content"]:
        raise WeightsError(
            f"{file}: not the weights that {checks_path(name, root).name} was made of: content sha256 "
            f"{content}, expected {stored['content']}; {shelf.remedy(root)}"
        )
    try:
        found = _facts(name, file, root)
    except RuntimeError as error:  # what torch raises where a kernel is missing or damaged
        first = " ".join(str(error).split())[:200]
        raise WeightsError(f"weights {name!r}: whole, but {_here()} fails ({first}); reinstall it") from None
    off, place = facts.worst(stored["facts"], found)
    if not off <= 1:
        raise WeightsError(
            f"weights {name!r}: whole, but they paint otherwise than when packed ({place}, {off:.3g} times "
            f"the tolerance); {_here()} computes wrongly, reinstall or exchange it"
        )
    return Deep(off, place)


def _facts(name: str, file: Path, root: Path | None) -> dict[str, Any]:
    """Facts of the loaded model, after checking tensors, kind and name, and that all greedy modes agree."""
    from visiongen import checkpoint
    from visiongen.backbones.embedded import EmbeddedBackbone
    from visiongen.training.run import trained_model

    loaded = checkpoint.load(file)
    _check_content(loaded, shelf.entry(name, root))
    if loaded.meta["kind"] != "backbone":
        return facts.module_facts(trained_model(file))
    backbone = EmbeddedBackbone.of(loaded)
    _check_identity(name, backbone)
    return facts.backbone_facts(backbone)


def _check_content(loaded: Checkpoint, entry: shelf.Entry) -> None:
    """WeightsError unless every tensor is finite and the file is what the manifest's entry says."""
    import torch

    for key, tensor in loaded.tensors.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise WeightsError(f"{loaded.path}: tensor {key} holds NaN or infinity; reinstall visiongen")
    kind = KINDS.get(loaded.meta.get("kind", ""), "unknown")
    if kind != entry.kind:
        raise WeightsError(f"{loaded.path}: holds a {kind}, the manifest says {entry.kind}; correct one")
    name = loaded.meta.get("name", entry.name)
    if name != entry.name:
        raise WeightsError(f"{loaded.path}: calls itself {name!r}, the manifest {entry.name!r}; correct one")


def _check_identity(name: str, backbone: EmbeddedBackbone) -> None:
    """WeightsError unless verified gives exactly sequential's tokens, the promise of docs/decoding.md."""
    from visiongen.backbones.base import Sampler

    orders = facts.prompts(backbone.painter.config.context)
    scene = backbone.scene(facts.picture())
    # trust 0: the causal picture decides, so that there is something to agree on
    verified, sequential = (
        scene.paint(list(orders.values()), Sampler(mode=mode, trust=0.0))  # type: ignore[arg-type]
        for mode in ("verified", "sequential")
    )
    for task, one, two in zip(orders, verified, sequential, strict=True):
        differ = int((one.tokens != two.tokens).any(-1).sum())  # type: ignore[union-attr]
        if differ:
            raise WeightsError(
                f"weights {name!r}: verified and sequential differ in {differ} of {one.stats.tokens} tokens "
                f"of {task}; {_here()} rounds too coarsely, reinstall or exchange it"
            )


def _content(file: Path) -> str:
    """The digest of configuration and tensors that the file carries; loading compares it with them."""
    from safetensors import safe_open

    with safe_open(str(file), framework="pt") as opened:
        return (opened.metadata() or {}).get("tensors_sha256", "")


def _read(name: str, root: Path | None) -> dict[str, Any]:
    path = checks_path(name, root)
    try:
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        words = name if root is None else f"{name} --in {root}"
        raise WeightsError(f"{path}: missing; make it with `visiongen weights checks {words}`") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path}: not JSON ({error}); {shelf.remedy(root)}") from None
    if not isinstance(stored, dict) or stored.get("schema") != SCHEMA:
        raise WeightsError(f"{path}: not of schema {SCHEMA}; {shelf.remedy(root)}")
    return stored


def _here() -> str:
    import torch

    return f"torch {torch.__version__} on this machine"
