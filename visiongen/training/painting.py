"""What the painter learns from a batch: draft, causal picture, legend pointer.

The causal branch reads its own past. In most of the samples a random share of that past is replaced
by the draft's guesses (as DepthART, arXiv 2409.15010, trains on the model's own predictions): at
inference the past is never the truth, and a painter that shrugs off small errors of the draft is
also the one whose draft survives verification.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from visiongen.decoding.board import read
from visiongen.errors import UsageError
from visiongen.noisy import Noisy, to_values
from visiongen.painter_config import PainterConfig
from visiongen.prompt import PHOTO, Prompt
from visiongen.registry import TASKS
from visiongen.scales import START, on_the_way
from visiongen.tokenizer import ImageTokenizer, TokenizerConfig
from visiongen.training import start
from visiongen.training.losses import (
    class_weights,
    cross_entropy,
    hit_rate,
    pointer_loss,
    token_weights,
    value_loss,
)
from visiongen.training.noising import draw_times, half_as_large
from visiongen.training.pixels import TOKENS, pixel_loss
from visiongen.training.targets import holes
from visiongen.transformer import Condition, Painter


class Painting(nn.Module):
    """A painter and the frozen tokenizer whose tokens it learns to write.

    ``tokenizer`` is a tokenizer's run, a packed backbone or its name in the manifest (``tiny``); None
    is an untrained ``nano`` one (tests), refused beside an ``init`` that was trained with another.
    ``band`` is the largest number of tokens the causal branch sees at once: on bigger maps it is
    taught on a random band of rows, the draft always on the whole map. ``clean`` is the share of
    samples whose past is the truth alone. ``own``: up to so many times the draft is first rewritten
    by the causal branch itself, so that it meets the errors that it makes, not only the draft's.
    ``balance``: how much small classes count, see ``visiongen.training.balance``. ``causal``: weight of
    the causal branch; 0 leaves it out, which trains the draft at less than half of the cost. ``held``:
    share of the samples of which a part is given and the rest asked for. ``inject`` False: the causal
    branch is not told what the draft sees at the place it paints. ``draft``: weight of the draft's own loss;
    at 0 its head is not trained, and the causal logits stand alone, on a past that is the truth.
    ``pixels``: weight of the draft's error in the painted picture (``visiongen.training.pixels``),
    measured on ``pixel_tokens`` tokens of a batch at most. ``mean``: the tasks whose maps will be read by the
    mean level (``mean_tasks`` of the packed weights; where it names none, those of the weights that a recipe
    starts from); their past is read so, too, as decoding will.
    ``recycles``: up to so often, drawn anew for each batch, the draft is made again, the last one in sight;
    ``noised``: share of the photos to paint whose tokens are shown under noise (``visiongen.noisy``); None:
    the painter has no eye for noise, 0: it has one, which is not trained.
    ``scaled``: share of those whose noise lies over the picture half as large, for mode ``scales``.
    ``drawn`` False: always so often, as decoding does it, for a stage that leaves the draft as it is.
    """

    tokenizer: ImageTokenizer

    def __init__(
        self,
        preset: str = "tiny",
        tokenizer: str | None = None,
        band: int = 400,
        value_weight: float = 0.3,
        pointer_weight: float = 0.5,
        clean: float = 0.5,
        own: int = 0,
        balance: float = 0.0,
        causal: float = 1.0,
        held: float = 0.0,
        inject: bool = True,
        draft: float = 1.0,
        pixels: float = 0.0,
        pixel_tokens: int = TOKENS,
        mean: Sequence[str] = (),
        recycles: int = 0,
        drawn: bool = True,
        noised: float | None = None,
        scaled: float = 0.0,
    ) -> None:
        super().__init__()
        shares = {"clean": clean, "held": held, "balance": balance, "noised": noised or 0.0, "scaled": scaled}
        _check_options(mean, recycles, draft, pixels, shares)
        self.untrained = not tokenizer  # then its tokens mean nothing that other weights have learned
        frozen = start.tokenizer(tokenizer) if tokenizer else _untrained()
        # kept out of the module tree: it is not trained, averaged or saved with the painter
        object.__setattr__(self, "tokenizer", frozen.eval().requires_grad_(False))
        if not draft and not causal:
            raise UsageError("painting: draft = 0 and causal = 0 leave nothing to train; set one of them")
        config = PainterConfig.preset(preset, self.tokenizer.levels)
        config = dataclasses.replace(
            config,
            inject=inject,
            residual=bool(draft),
            recycles=recycles,
            noise=noised is not None,
            mean_tasks=tuple(sorted(mean)),
        )
        self.painter = Painter(config)
        self.painter.palette, self.painter.encode = self._palette, self._encode
        self.band, self.clean, self.own = band, clean, own
        self.value_weight, self.pointer_weight = value_weight, pointer_weight
        self.balance = balance
        self.causal, self.held, self.draft = causal, held, draft
        self.pixels, self.pixel_tokens = pixels, pixel_tokens
        self.drawn, self.noised, self.scaled = drawn, noised, scaled

    def _apply(self, fn: Any, recurse: bool = True) -> Painting:
        self.tokenizer._apply(fn)
        return super()._apply(fn, recurse)

    @torch.no_grad()
    def _palette(self, colours: Tensor) -> Tensor:
        with exactly(colours.device):
            return self.tokenizer.palette(colours)

    @torch.no_grad()
    def _encode(self, images: Tensor) -> Tensor:
        with exactly(images.device):
            return self.tokenizer.encode(images)

    def loss(self, batch: dict[str, Any]) -> tuple[Tensor, dict[str, float]]:
        """Scalar loss and its parts: ``draft`` and ``causal`` cross-entropy a channel, in nats."""
        with torch.no_grad(), exactly(batch["target"].device):
            exact = self.tokenizer.latent(batch["target"])  # (B, h, w, C) before rounding
        tokens = exact.round().long()
        pixels = class_weights(batch["labels"], batch["prompts"], self.balance)
        weight = token_weights(batch, pixels)
        given = self._given(tokens, batch["prompts"])
        if given is not None:
            weight = weight * ~given[1]
        prefix = self.painter.encode_photo(batch["photo"], batch["photo_blank"])
        photo = prefix.select(batch["photo_index"])
        noisy = self._noisy(tokens.flatten(1, 2), given, batch)
        if noisy is not None:  # what shows clearly is not asked for
            weight = weight * ~(noisy.rows[:, None] & (noisy.time == 0))
        condition = self.painter.condition(photo, batch["prompts"], given, self._times(), noisy)
        total, value, logs = exact.new_zeros(()), exact.new_zeros(()), {}
        if self.draft:
            draft = cross_entropy(condition.draft_logits, tokens.flatten(1, 2), weight)
            value = value_loss(condition.draft_logits, exact.flatten(1, 2), weight)
            total, value, logs["draft"] = self.draft * draft, self.draft * value, float(draft.detach())
            if self.pixels:
                logits, most = condition.draft_logits, self.pixel_tokens
                painted = pixel_loss(self.tokenizer, logits, batch, weight, most, condition.held)
                total, logs["pixels"] = total + self.pixels * painted, float(painted.detach())
        if self.causal:
            asked = weight if noisy is None else weight * ~noisy.rows[:, None]  # its past is never noisy
            causal, more = self._causal_loss(condition, tokens, exact, asked, batch, logs)
            total, value = total + self.causal * causal, value + self.causal * more
        total = total + self.value_weight * value
        logs["value"] = float(value.detach())
        pointer = pointer_loss(condition.pointer, batch["labels"], pixels)
        if pointer is not None:
            total = total + self.pointer_weight * pointer
            logs["pointer"] = float(pointer.detach())
        return total, logs

    def _times(self) -> int:
        """How often this batch's drafts are made again."""
        most = self.painter.config.recycles
        return int(torch.randint(0, most + 1, ())) if most and self.drawn else most

    def _given(self, tokens: Tensor, prompts: Sequence[Prompt]) -> tuple[Tensor, Tensor] | None:
        """The truth's tokens (B, N, C) and which of them are shown (B, N).

        What the orders themselves hold, and a hole's surroundings in a share of the other samples.
        """
        rng = np.random.default_rng(int(torch.randint(0, 2**31, ())))
        size = (tokens.shape[1], tokens.shape[2])
        keep = np.zeros(tokens.shape[:3], bool)
        for row, prompt in enumerate(prompts):
            if prompt.held is not None:
                keep[row] = prompt.held.keep
            elif rng.random() < self.held:
                keep[row] = holes.draw(rng, *size)
        if not keep.any():
            return None
        given, shown = tokens.flatten(1, 2), torch.from_numpy(keep).to(tokens.device).flatten(1)
        held = self.painter.hold(list(prompts), size)
        if held is not None:  # an order's own tokens: beside a hole they are not the truth's
            given = torch.where(held[1][..., None], held[0], given)
        return given, shown

    def _noisy(
        self, tokens: Tensor, given: tuple[Tensor, Tensor] | None, batch: dict[str, Any]
    ) -> Noisy | None:
        """A share ``noised`` of the photos to paint, their tokens (B, N, C) under noise; None for none."""
        if not self.noised:
            return None
        photo = torch.tensor([p.task == PHOTO for p in batch["prompts"]])
        rows = (photo & (torch.rand(len(photo)) < self.noised)).to(tokens.device)
        if not bool(rows.any()):
            return None
        time = torch.stack([draw_times(tokens.shape[1]) for _ in photo]).to(tokens.device)
        values = to_values(tokens, self.painter.levels)
        noise, start = torch.randn_like(values), values.clone()
        if self.scaled:  # without it no number is drawn, and what is drawn after stays as it was
            scaled = rows & (torch.rand(len(photo)) < self.scaled).to(rows.device)
            small = half_as_large(self.tokenizer, batch["target"][scaled]) if bool(scaled.any()) else None
            if small is not None:
                start[scaled], time[scaled] = small, START * torch.rand(len(small), 1, device=time.device)
        if given is not None:
            time = time.masked_fill(given[1], 0.0)
        return Noisy(on_the_way(values, start, noise, time), time, rows)

    def _causal_loss(
        self,
        condition: Condition,
        tokens: Tensor,
        exact: Tensor,
        weight: Tensor,
        batch: dict[str, Any],
        logs: dict[str, float],
    ) -> tuple[Tensor, Tensor]:
        """Cross-entropy and value loss of the causal picture on one band of rows."""
        first, rows = self._choose_band(*tokens.shape[1:3])
        past = self._noisy_past(tokens, condition, batch, first, rows)
        logits, state = self.painter.follow(condition, past, first, rows)
        span = slice(first * tokens.shape[2], (first + rows) * tokens.shape[2])
        true = tokens.flatten(1, 2)[:, span]
        causal = cross_entropy(logits, true, weight[:, span])
        logs["causal"] = float(causal.detach())
        logs["hits"] = hit_rate(condition.draft_logits.detach()[:, span], logits.detach())
        value = value_loss(logits, exact.flatten(1, 2)[:, span], weight[:, span])
        if self.painter.chain is not None:  # on top of what the head says, which it must not bend
            together = logits.detach() + self.painter.chain(state, true)
            chain = cross_entropy(together, true, weight[:, span])
            causal, logs["chain"] = causal + chain, float(chain.detach())
        return causal, value

    def _choose_band(self, height: int, width: int) -> tuple[int, int]:
        rows = min(height, max(1, self.band // width))
        return int(torch.randint(0, height - rows + 1, ())), rows

    @torch.no_grad()
    def _rewritten(self, guess: Tensor, condition: Condition, first: int, rows: int, mean: Tensor) -> Tensor:
        """The draft after a random number of Jacobi rounds of the causal branch on its band."""
        for _ in range(int(torch.randint(0, self.own + 1, ()))):
            best = read(self.painter.teach(condition, guess, first, rows), mean)
            guess = guess.clone()
            guess[:, first : first + rows] = best.unflatten(1, (rows, -1))
            guess = _as_held(guess, condition)
        return guess

    def _noisy_past(
        self, tokens: Tensor, condition: Condition, batch: dict[str, Any], first: int, rows: int
    ) -> Tensor:
        """What decoding would have painted so far: partly the truth, else guesses; and what is held."""
        tokens = _as_held(tokens, condition)
        if not self.draft:  # what an untrained head guesses is no past that anybody meets
            return tokens
        tasks = self.painter.config.mean_tasks  # its own, or those of what it started from
        mean = torch.tensor([p.task in tasks for p in batch["prompts"]], device=tokens.device)
        guess = _as_held(read(condition.draft_logits.detach(), mean).view_as(tokens), condition)
        guess = self._rewritten(guess, condition, first, rows, mean)
        share = torch.rand(len(tokens), 1, 1, 1, device=tokens.device)
        share = share * (torch.rand_like(share) >= self.clean)
        blank = batch["photo_blank"][batch["photo_index"]].view(-1, 1, 1, 1)
        swap = torch.rand(tokens.shape[:3], device=tokens.device)[..., None] < share
        return torch.where(swap & ~blank, guess, tokens)


def _untrained() -> ImageTokenizer:
    """The same one whenever a recipe is built: its tokens must not change their meaning."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ImageTokenizer(TokenizerConfig.preset("nano"))


def _check_options(
    mean: Sequence[str], recycles: int, draft: float, pixels: float, shares: dict[str, float]
) -> None:
    """UsageError for what would be trained silently as something else."""
    if isinstance(mean, str):
        raise UsageError(f"painting: mean = {mean!r}; give a list of tasks")
    for task in mean:
        TASKS.get(task)
    for name, share in shares.items():
        if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
            raise UsageError(f"painting: {name} = {share!r}; give a share from 0 to 1")
    if isinstance(recycles, bool) or not isinstance(recycles, int) or recycles < 0:
        raise UsageError(f"painting: recycles = {recycles!r}; give a whole number from 0")
    if not draft and (pixels or recycles):
        raise UsageError("painting: pixels and recycles are of the draft, which draft = 0 leaves untrained")
    if shares["scaled"] and not shares["noised"]:
        raise UsageError("painting: scaled is a share of the photos under noise; set noised")
    if not draft and shares["noised"]:
        raise UsageError("painting: noise is cleared up by the draft, which draft = 0 leaves untrained")


def _as_held(tokens: Tensor, condition: Condition) -> Tensor:
    """Tokens (B, h, w, C) with those that the condition holds in their places, as decoding has them."""
    if condition.held is None:
        return tokens
    given, keep = condition.held
    return torch.where(keep[..., None], given, tokens.flatten(1, 2)).view_as(tokens)


def exactly(device: torch.device) -> torch.autocast:
    """No autocast: the frozen tokenizer writes the tokens that it will write when it is used."""
    return torch.autocast(device.type, enabled=False)
