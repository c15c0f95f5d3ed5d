"""The whole state of a training in one checkpoint, and a trainer that goes on from there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from visiongen import checkpoint
from visiongen.errors import UsageError, WeightsError
from visiongen.training import start
from visiongen.training.checkpoint import (
    adopt_previous,
    load_checkpoint,
    random_state,
    restore_random_state,
    save_checkpoint,
)
from visiongen.training.export import check_frozen, said_of

if TYPE_CHECKING:
    from visiongen.training.loop import Trainer

RATES = ("lr", "lr_scale", "weight_decay", "betas")  # of a group: the recipe's, also after a restore
#: What must be the checkpoint's; budget and rates may change.
SAME = (("model", "target"), ("model", "options"), ("run", "seed"), ("optim", "name"))


def save(trainer: Trainer) -> Path:
    """Write the checkpoint of ``trainer`` into its folder."""
    return save_checkpoint(
        trainer.out,
        {
            "model": trainer.model.state_dict(),
            "reading": _reading(trainer),
            "ema": trainer.ema.state(),
            "optimiser": trainer.optimiser.state_dict(),
            "state": dict(trainer.state.__dict__),
            "window": trainer.window.state(),
            "random": random_state(),
            "described": trainer.described,
            "tokenizer": trainer.frozen,
            "names": _names(trainer),
        },
    )


def restore(trainer: Trainer, previous: bool = False) -> None:
    """Continue from the checkpoint in the trainer's folder; WeightsError if it cannot be used.

    Nothing is read of what the run began with (``init``), which may have changed since.
    """
    out, saved = trainer.out, load_checkpoint(trainer.out, previous)
    _check_same_run(trainer, saved["described"])
    check_frozen(trainer.model, saved.get("tokenizer"), str(out))
    if saved.get("names", _names(trainer)) != _names(trainer):
        raise UsageError(
            f"{out}: lr_scale or weight_decay groups parameters otherwise than the checkpoint does; "
            "start another run from its weights (init)"
        )
    groups = trainer.optimiser.param_groups
    rates = [{key: group[key] for key in RATES if key in group} for group in groups]
    try:
        trainer.model.load_state_dict(saved["model"])
        trainer.ema.restore(saved["ema"])
        trainer.optimiser.load_state_dict(saved["optimiser"])
    except (KeyError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(
            f"{out}: checkpoint is of another model ({reason}); "
            "use the recipe it was made with or another --out"
        ) from None
    for group, ours in zip(trainer.optimiser.param_groups, rates, strict=True):
        group.update(ours)  # the checkpoint's would come back with its state
    _read_as(trainer, saved)
    if previous:  # the next save would keep the damaged one as the one before
        adopt_previous(out)
    trainer.state = type(trainer.state)(**saved["state"])
    trainer.window.restore(saved.get("window", {}))
    restore_random_state(saved["random"])


def _names(trainer: Trainer) -> list[list[str]]:
    """The parameters of each of the optimiser's groups, in the order in which its state is kept."""
    known = {id(value): name for name, value in trainer.model.named_parameters()}
    return [[known[id(value)] for value in group["params"]] for group in trainer.optimiser.param_groups]


def _check_same_run(trainer: Trainer, described: dict[str, Any]) -> None:
    for part, field in SAME:
        ours = trainer.described.get(part, {}).get(field)
        theirs = described.get(part, {}).get(field)
        if ours != theirs:
            raise UsageError(
                f"{trainer.out}: the checkpoint was made with {part}.{field} = {theirs!r}, the "
                f"recipe says {ours!r}; use the same recipe or another --out"
            )


def _reading(trainer: Trainer) -> dict[str, Any] | None:
    """How a painter's maps are read, part of which it took from where it began; None for other models."""
    painter = getattr(trainer.model, "painter", None)
    return None if painter is None else said_of(painter.config)


def _read_as(trainer: Trainer, saved: dict[str, Any]) -> None:
    painter = getattr(trainer.model, "painter", None)
    if painter is None:
        return
    said = saved.get("reading")
    if said is None and (init := saved["described"].get("model", {}).get("init")):  # an older checkpoint
        said = start.reading(checkpoint.load(start.find(init)))
    start.read_as(painter, said or {})
