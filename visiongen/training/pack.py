"""From a finished training run to weights that ship: one fp16 file, its manifest entry and its checks."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from visiongen import checkpoint, weights
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.errors import UsageError, WeightsError
from visiongen.files import sha256, write_atomic
from visiongen.tokenizer import ImageTokenizer
from visiongen.training.checkpoint import CURRENT, load_checkpoint
from visiongen.training.export import PREFIX, SIDECAR, WEIGHTS
from visiongen.training.painting import Painting
from visiongen.training.run import trained_model
from visiongen.transformer import Painter
from visiongen.weights.deep import write_checks

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HEADER = ("licence", "source", "training_data")  # of the facts, those that go with the file itself
FACTS = (*HEADER, "hardware", "card")


def pack(
    run: str | Path,
    name: str,
    facts: Mapping[str, str],
    folder: Path | None = None,
    decoder: str | Path | None = None,
    trust: float | None = None,
    mean_tasks: Sequence[str] | None = None,
    replace_shipped: bool = False,
) -> Path:
    """Write ``name`` from the run in folder ``run`` into ``folder`` (the package's weights).

    A run of the painter becomes a backbone together with the tokenizer it was trained on; any
    other model becomes a file that carries its recipe. ``facts`` fills the manifest's fields
    licence, source, training_data, hardware and card; WeightsError where one is missing. The first three
    also stand in the file's header, for whoever gets the file alone.
    ``decoder``: a later run of the tokenizer whose decoder is to be used; its encoder must be the
    painter's, or the tokens would mean something else. ``trust``: nats that greedy decoding asks
    of the past before it overrules the draft (``visiongen.decoding.board.choose``); None: that of the weights
    that the run started from (``init``), else the preset's.
    ``mean_tasks``: tasks whose maps are read by mean levels (``visiongen.decoding.board.read``); None: those
    that the run was trained for (``Painting(mean=...)``), where it names none those of the weights that it
    started from. Others than the run's are warned of. ``replace_shipped``: an entry of the package's own
    manifest may be replaced; otherwise UsageError. WeightsError for a run that went on after its weights
    were written; UsageError for a ``name`` that is no file's, or ``minutes`` that are no number. What the
    weights paint of a fixed picture is written beside them (``visiongen.weights.deep``).
    """
    if missing := [key for key in FACTS if not facts.get(key)]:
        raise WeightsError(f"weights {name!r}: the manifest needs {missing[0]!r}; add it to --facts")
    if not re.fullmatch(r"\w[\w.+-]*", name):  # a folder in it would not be found again
        raise UsageError(f"--name {name!r}: it names a file; use letters, digits and . _ + -")
    own = _minutes(facts)
    run, folder = Path(run), folder or weights.ROOT
    if not replace_shipped:
        _check_free(name, folder)
    sidecar = _finished(run)
    model = trained_model(run)
    file = folder / f"{name}.safetensors"
    kind = "backbone" if isinstance(model, Painting) else "specialist"
    if decoder is not None:
        _exchange_decoder(model, decoder)
    if isinstance(model, Painting):
        _read_by(model.painter, trust, mean_tasks, run)
    _save(model, run, name, file, {key: facts[key] for key in HEADER})
    entry = weights.Entry(
        name=name,
        file=file.name,
        sha256=sha256(file),
        bytes=file.stat().st_size,
        minutes=round(sidecar["minutes"] if own is None else own, 1),
        kind=kind,
        **{key: facts[key] for key in FACTS},
    )
    _into_manifest(entry, folder)
    write_checks(name, folder)
    return file


def read_facts(path: str | Path) -> dict[str, str]:
    """The manifest's fields from a TOML file; UsageError when it cannot be read."""
    try:
        return {key: str(value) for key, value in tomllib.loads(Path(path).read_text()).items()}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: not a TOML file of facts ({error}); correct it") from None


def _minutes(facts: Mapping[str, str]) -> float | None:
    """The facts' own minutes of training; None where they have none."""
    if not (text := facts.get("minutes")):
        return None
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"facts: minutes = {text!r}; give a number, or leave it to the run's own") from None


def _check_free(name: str, folder: Path) -> None:
    """UsageError where ``name`` is an entry of the package's own manifest."""
    ours = folder.resolve() == weights.ROOT.resolve() and (folder / weights.MANIFEST).is_file()
    if ours and name in (entry.name for entry in weights.list(folder)):
        raise UsageError(
            f"weights {name!r}: are in the package's own manifest ({folder}); give another --name, a folder "
            "of yours by --into, or --replace"
        )


def _finished(run: Path) -> dict[str, Any]:
    """The sidecar of the run's weights; WeightsError where there are none, or the run went on after them."""
    there = (run / SIDECAR).is_file()
    sidecar: dict[str, Any] = json.loads((run / SIDECAR).read_text()) if there else {"steps": "none"}
    if (run / CURRENT).is_file():
        state = load_checkpoint(run)["state"]
        if sidecar["steps"] != state["step"]:
            used = 0.999 * state["seconds"] / 60  # rounded up, it would train on
            raise WeightsError(
                f"{run}: interrupted after step {state['step']}, its weights are of step {sidecar['steps']}; "
                "let it end, or end it here: "
                f"visiongen train RECIPE --resume --minutes {used:.4g} --out {run}"
            )
    if not there:
        raise WeightsError(f"{run}: no finished run ({SIDECAR} is missing); let it end, or check the path")
    return sidecar


def _read_by(painter: Painter, trust: float | None, mean_tasks: Sequence[str] | None, run: Path) -> None:
    """Write into the painter how its maps are read: as given, else as it knows from its run."""
    if trust is not None and not math.isfinite(trust):
        raise UsageError(f"trust {trust}: give a finite number of nats; the file's header is JSON")
    own = painter.config
    tasks = own.mean_tasks if mean_tasks is None else tuple(sorted(mean_tasks))
    if own.mean_tasks and set(tasks) != set(own.mean_tasks):
        print(
            f"{run}: will be read by the mean for {', '.join(tasks) or 'no task'}; the run itself says "
            f"{', '.join(own.mean_tasks)}",
            file=sys.stderr,
        )
    painter.config = replace(own, trust=own.trust if trust is None else trust, mean_tasks=tasks)


def _exchange_decoder(model: nn.Module, run: str | Path) -> None:
    other = trained_model(run)
    if not isinstance(model, Painting) or not isinstance(other, ImageTokenizer):
        raise WeightsError(f"{run}: only a painter takes a decoder, and only a tokenizer's")
    ours, theirs = model.tokenizer.encoder.state_dict(), other.encoder.state_dict()
    if any(not torch.equal(ours[key], theirs.get(key, ours[key] + 1)) for key in ours):
        raise WeightsError(f"{run}: its encoder is not the painter's; freeze it (lr_scale.encoder = 0)")
    model.tokenizer.decoder.load_state_dict(other.decoder.state_dict())


def _save(model: nn.Module, run: Path, name: str, file: Path, facts: dict[str, str]) -> None:
    if isinstance(model, Painting):
        EmbeddedBackbone(model.tokenizer, model.painter, name).save(file, facts)
        return
    recipe = checkpoint.load(run / WEIGHTS).meta["recipe"]
    checkpoint.save(file, {PREFIX: model}, {"kind": "training", "recipe": recipe} | facts)


def _into_manifest(entry: weights.Entry, folder: Path) -> None:
    """Replace the entry of that name where it stands, or append it; the file is written whole."""
    manifest = folder / weights.MANIFEST
    entries = {e.name: e for e in weights.list(folder)} if manifest.exists() else {}
    entries[entry.name] = entry
    lines = ["# One table a file of weights; `visiongen weights verify` checks them.", ""]
    for e in entries.values():
        lines.append("[[weights]]")
        # a JSON string or number is a TOML string or number
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in asdict(e).items()]
        lines.append("")
    write_atomic(manifest, "\n".join(lines))
