"""The working state that every generation order fills: tokens, their logits, how far each row is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

BOS = -1  # the predecessor of position 0
#: One picture's draft made again, ``held`` or ``noisy`` as ``Painter.condition`` has it: logits (1, N, C, L).
Draft = Callable[..., Tensor]
NEARLY = 0.02  # levels: a mean this near to a crossing may be read either way


@dataclass
class Board:
    """A batch of B pictures of N tokens with C channels of up to L levels, in raster order.

    line    int64 (B, N + 1, C): BOS, then the tokens; ``line[:, p : p + T]`` are exactly the
            inputs that predict positions p .. p + T - 1
    logits  float32 (B, N, C, L): what each position was last chosen from
    done    int64 (B,), on the CPU: positions below it are decided; of them only near-ties may still change,
            when all are (decoding/settle.py)
    passes  int64 (B,), on the CPU: transformer passes spent on each picture
    settled int64 (B,), on the CPU: near-ties that the canonical pass decided
    draft   int64 (B, N, C): the first guess
    trust   nats: what the causal picture must gain to overrule the draft's token, see ``choose``
    mean    bool (B,): read each channel's mean level instead of its most probable one
    hold    bool (B, N): tokens that were given and stay; ``draft`` has them. None: nothing is held
    """

    line: Tensor
    logits: Tensor
    done: Tensor
    passes: Tensor
    settled: Tensor
    draft: Tensor
    mean: Tensor
    trust: float = 0.0
    hold: Tensor | None = None

    @classmethod
    def from_draft(
        cls,
        draft_logits: Tensor,
        trust: float = 0.0,
        mean: Tensor | None = None,
        held: tuple[Tensor, Tensor] | None = None,
    ) -> Board:
        """Start from the draft head's logits (B, N, C, L); every position is still open.

        ``held``: tokens (B, N, C) that take the draft's place where the bool (B, N) says so.
        """
        logits = draft_logits.float().clone()
        if mean is None:
            mean = torch.zeros(len(logits), dtype=torch.bool)
        mean = mean.to(logits.device)
        draft = read(logits, mean)
        if held is not None:
            draft = torch.where(held[1][..., None], held[0], draft)
        batch, length, channels = draft.shape
        line = torch.full((batch, length + 1, channels), BOS, device=draft.device)
        line[:, 1:] = draft
        zeros = torch.zeros(batch, dtype=torch.int64)
        hold = None if held is None else held[1]
        return cls(line, logits, zeros, zeros.clone(), zeros.clone(), draft, mean, trust, hold)

    @property
    def tokens(self) -> Tensor:
        """int64 (B, N, C): a view, guesses included."""
        return self.line[:, 1:]

    @property
    def length(self) -> int:
        """N."""
        return self.line.shape[1] - 1

    def take(self, rows: Tensor) -> Board:
        """A copy of some rows of the batch."""
        return Board(
            self.line[rows],
            self.logits[rows],
            self.done[rows.cpu()],
            self.passes[rows.cpu()],
            self.settled[rows.cpu()],
            self.draft[rows],
            self.mean[rows],
            self.trust,
            None if self.hold is None else self.hold[rows],
        )

    def put(self, rows: Tensor, other: Board) -> None:
        """Write ``other``'s rows over ours."""
        at = rows.cpu()
        self.line[rows], self.logits[rows] = other.line, other.logits
        self.done[at], self.passes[at], self.settled[at] = other.done, other.passes, other.settled

    def choose(self, logits: Tensor, at: Any) -> Tensor:
        """Greedy tokens (B, T, C) from logits (B, T, C, L) of the positions ``at``, an index of (B, N)."""
        hold = None if self.hold is None else self.hold[at]
        return choose(logits, self.draft[at], self.trust, self.mean, hold)

    def draft_hits(self) -> Tensor:
        """(B,) tokens, all channels right, for which the draft already had the final answer."""
        return (self.draft == self.tokens).all(-1).sum(-1).cpu()

    def confidence(self) -> Tensor:
        """float32 (B, N): the chosen token's probability, averaged over its channels."""
        chosen = self.logits.gather(-1, self.tokens[..., None]).squeeze(-1)
        return (chosen - self.logits.logsumexp(-1)).exp().mean(-1)

    def margin(self) -> Tensor:
        """float32 (B, N): how far a logit must move before another token is chosen.

        Until another level is read (``_reading_margin``) where the causal picture chose; a channel's
        share of the distance to ``trust`` where the draft was kept, and the smaller of both otherwise.
        A mean that crosses to the next level changes the gain itself: where the draft was kept, the
        levels that are about to cross count as if all of them did.
        """
        margin = self._open_margin()
        return margin if self.hold is None else margin.masked_fill(self.hold, torch.inf)

    def _open_margin(self) -> Tensor:
        margin = _reading_margin(self.logits, self.mean)
        if not self.trust:
            return margin
        gain = _gain(self.logits, read(self.logits, self.mean), self.draft)
        channels = self.logits.shape[2]
        rest = (gain - self.trust).abs() / channels
        both = torch.minimum(rest, margin)
        likeliest = torch.where(gain <= self.trust, rest, both)
        if not bool(self.mean.any()):
            return likeliest
        slack = (self.trust - gain - _crossing(self.logits)) / channels
        by_mean = torch.maximum(both, slack.clamp(max=NEARLY * _per_level(self.logits)))
        return torch.where(self.mean[:, None], by_mean, likeliest)


def choose(logits: Tensor, draft: Tensor, trust: float, mean: Tensor, hold: Tensor | None = None) -> Tensor:
    """The greedy token (B, T, C) from logits (B, T, C, L): the one rule of every deterministic mode.

    What is ``read`` in every channel, unless the draft's token is less probable by at most ``trust``
    nats, summed over the channels: then the draft's token. A painter trained on true pasts is too
    sure of its own: small errors of the past grow along the picture. ``trust`` keeps the draft,
    which has none, where the past brings little evidence. ``hold`` (B, T): the draft's, whatever it gains.
    """
    token = read(logits, mean)
    keep = _gain(logits, token, draft) <= trust if trust else None
    if hold is not None:
        keep = hold if keep is None else keep | hold
    return token if keep is None else torch.where(keep[..., None], draft, token)


def read(logits: Tensor, mean: Tensor) -> Tensor:
    """Levels (B, T, C): the most probable (the lowest of equals), or the rounded mean where ``mean`` (B,).

    FSQ levels have an order. Where a map is one quantity (depth), the mean of two guesses lies
    between them; where it is one of several colours, it would be a third colour.
    """
    token = logits.argmax(-1)
    if not bool(mean.any()):
        return token
    return torch.where(mean[:, None, None], expected(logits).round().long(), token)


def expected(logits: Tensor) -> Tensor:
    """The mean level (...) of each channel by its logits (..., L), not rounded."""
    levels = torch.arange(logits.shape[-1], device=logits.device, dtype=logits.dtype)
    return (logits.softmax(-1) * levels).sum(-1)


def _reading_margin(logits: Tensor, mean: Tensor) -> Tensor:
    """(B, N) nats: between the two best levels, or until the mean crosses a half level.

    Logits that all move by at most e move the mean by at most e (L - 1) / 2.
    """
    best = logits.topk(2, dim=-1).values
    margin = (best[..., 0] - best[..., 1]).amin(-1)
    if not bool(mean.any()):
        return margin
    half = (_to_crossing(logits) * _per_level(logits)).amin(-1)
    return torch.where(mean[:, None], half, margin)


def _to_crossing(logits: Tensor) -> Tensor:
    """(B, N, C) levels: how far each mean is from the half level where the next one is read."""
    return (expected(logits) % 1 - 0.5).abs()


def _per_level(logits: Tensor) -> float:
    """Nats that all logits must move, at least, to move a mean by one level."""
    return 2 / (logits.shape[-1] - 1)


def _crossing(logits: Tensor) -> Tensor:
    """(B, N) nats: the most that the gain changes if every mean ``NEARLY`` at a crossing crosses."""
    below = expected(logits).floor().long()[..., None]
    above = (below + 1).clamp(max=logits.shape[-1] - 1)
    step = (logits.gather(-1, above) - logits.gather(-1, below)).squeeze(-1).abs()
    return torch.where(_to_crossing(logits) < NEARLY, step, 0.0).sum(-1)


def _gain(logits: Tensor, token: Tensor, draft: Tensor) -> Tensor:
    """Nats (B, T): log-probability of ``token`` minus that of the draft's, over all channels."""
    pair = torch.stack([token, draft], -1)
    both = logits.gather(-1, pair)
    return (both[..., 0] - both[..., 1]).sum(-1)
