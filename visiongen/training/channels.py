"""Weights of a tokenizer or painter whose tokens have fewer channels, as a start for one with more.

The first channels keep their meaning, so what was learned of them is kept: a grown tokenizer draws what
it drew, a grown painter paints what it painted in them, and the new channels begin as if they were not there.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from visiongen.transformer import SUB

_COUNTED = ("painter.copy.strength", "decoder.0.weight")  # tensors that have a channel an entry, a column
_CELLS = ("pointed.weight", "copy.edge.weight")  # their columns are cells of a token, channels within
_FRESH = ("copy.strength", "chain.seen", "chain.place")  # a zero here would be an answer, not a silence


def grown(weights: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """``weights``, and what of them counts channels in the shapes of ``own``, which has more of them.

    ``own``: the new model's state, freshly initialised. Weights of as many channels, and of models
    without any, come back as they are.
    """
    had, has = _channels(weights), _channels(own)
    if not 0 < had < has:
        return dict(weights)
    return {name: _grown(name, value, own.get(name), had, has) for name, value in weights.items()}


def _channels(state: Mapping[str, Tensor]) -> int:
    found = [state[name] for name in _COUNTED if name in state]
    return found[0].shape[min(1, found[0].dim() - 1)] if found else 0


def _grown(name: str, old: Tensor, own: Tensor | None, had: int, has: int) -> Tensor:
    if own is None or own.shape == old.shape or own.dim() != old.dim():
        return old
    if any(a != b and a * has != b * had for a, b in zip(old.shape, own.shape, strict=True)):
        return old
    # the encoder must look at something, for its new channels to learn what to say
    fresh = name.endswith(_FRESH) or (name.startswith("encoder.") and old.dim() == 4)
    new = own.detach().clone() if fresh else own.new_zeros(own.shape)
    if name.endswith(_CELLS):
        cells = SUB * SUB
        inner = new.view(len(new), cells, has)
        inner[: len(old), :, :had] = old.view(len(old), cells, had).to(new)
    else:
        new[tuple(slice(size) for size in old.shape)] = old.to(new)
    return new
