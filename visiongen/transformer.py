"""The painter: one sequence of photo, prompt and map, that writes the map token by token.

    photo prefix   continuous features, bidirectional, free of the prompt: computed once per photo
    prompt         the instruction and the legend (name + colour), sees the photo
    map            FSQ tokens in raster order, causal, sees everything before it

Before the causal pass one bidirectional pass over the map's positions (the *draft*) sees photo and
prompt. Its hidden state at the position being predicted is added to each map token's input (aligned
injection, as ControlAR, arXiv 2410.02705, does with a control image), and its own head proposes all
tokens at once. The causal head adds corrections to the draft's logits, so that draft and final
picture agree wherever the map's own past has nothing to add.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from visiongen.blocks import Block, ResBlock, rope_table
from visiongen.channel_chain import ChannelChain
from visiongen.conditioning import Cache, Condition, PhotoPrefix
from visiongen.errors import InputError, UsageError
from visiongen.example_reader import ExampleReader
from visiongen.held import HeldEmbedding, gather
from visiongen.legend_copy import LegendCopy
from visiongen.legend_encoder import PromptEncoder
from visiongen.noisy import Noisy, NoisyEmbedding, evidence
from visiongen.painter_config import PainterConfig
from visiongen.prompt import PHOTO, Prompt
from visiongen.trunk import Trunk, grid_positions
from visiongen.units import PATCH, to_unit

SUB = 4  # the legend pointer looks at SUB x SUB cells of a token (2 x 2 pixels each)


def _no_tokenizer(_: Tensor) -> Tensor:
    raise UsageError("the painter has no tokenizer: set its palette and encode to the tokenizer's functions")


class Painter(nn.Module):
    """Photo and prompt in, tokens of the painted map out. See the module's docstring."""

    allowed: Tensor
    levels: Tensor
    channel_offset: Tensor

    def __init__(self, config: PainterConfig | None = None, **options: Any) -> None:
        super().__init__()
        c = self.config = config or PainterConfig.from_dict(options)
        self.channels, self.depth_levels = len(c.levels), max(c.levels)
        self.head_dim = c.dim // c.heads
        # Set at assembly: colours (K, 3) in [-1, 1] -> their flat token values (K, C) in [-1, 1].
        self.palette: Callable[[Tensor], Tensor] = _no_tokenizer
        # Set at assembly: images (B, 3, H, W) in [-1, 1] -> tokens (B, h, w, C), for what is held.
        self.encode: Callable[[Tensor], Tensor] = _no_tokenizer
        shape = (c.dim, c.heads, c.kv_heads, c.hidden)
        self.trunk = Trunk(c.widths, c.dim, c.photo_blocks, c.heads, c.kv_heads, c.hidden, c.trunk_extra)
        self.blank = nn.Parameter(torch.zeros(c.dim))  # stands for "no photo"
        self.prompt = PromptEncoder(c.dim, self.channels, deep=c.context)
        self.draft = nn.ModuleList(Block(*shape) for _ in range(c.draft_blocks))
        self.local = nn.Sequential(*[ResBlock(c.dim) for _ in range(c.draft_convs)])
        self.query = nn.Linear(c.dim, SUB * SUB * 32)
        self.key = nn.Linear(c.dim, 32)
        self.null_key = nn.Parameter(torch.zeros(32))
        self.pointed = nn.Linear(SUB * SUB * self.channels, c.dim)
        self.mix = nn.Sequential(
            nn.LayerNorm(c.dim, eps=1e-6, bias=False),
            nn.Linear(c.dim, c.hidden),
            nn.SiLU(),
            nn.Linear(c.hidden, c.dim),
        )
        self.copy = LegendCopy(c.levels, SUB * SUB)
        self.recycle = nn.Linear(self.channels * self.depth_levels, c.dim, bias=False) if c.recycles else None
        self.draft_norm = nn.LayerNorm(c.dim, eps=1e-6, bias=False)
        self.draft_head = nn.Linear(c.dim, self.channels * self.depth_levels)
        self.embed = nn.Linear(self.channels * self.depth_levels, c.dim, bias=False)
        self.begin = nn.Parameter(torch.zeros(c.dim))
        self.inject = nn.Linear(c.dim, c.dim)
        self.causal = nn.ModuleList(Block(*shape) for _ in range(c.causal_blocks))
        self.head_norm = nn.LayerNorm(c.dim, eps=1e-6, bias=False)
        self.head = nn.Linear(c.dim, self.channels * self.depth_levels)
        self.chain = ChannelChain(c.dim, self.channels, self.depth_levels, c.chain) if c.chain else None
        if self.recycle is not None:  # the second draft starts as the first
            nn.init.zeros_(self.recycle.weight)
        if c.context:
            self.examples = ExampleReader(c.dim)
            self.held = HeldEmbedding(c.levels, c.dim)
        self.noisy = NoisyEmbedding(self.channels, c.dim) if c.noise else None
        nn.init.zeros_(self.head.weight)  # the causal picture starts as the draft
        nn.init.zeros_(self.head.bias)
        allowed = torch.arange(self.depth_levels)[None] < torch.tensor(c.levels)[:, None]
        self.register_buffer("allowed", allowed, persistent=False)
        self.register_buffer("levels", torch.tensor(c.levels), persistent=False)
        offset = torch.arange(self.channels) * self.depth_levels
        self.register_buffer("channel_offset", offset, persistent=False)

    # -- photo ------------------------------------------------------------------------------

    def encode_photo(self, photos: Tensor, blank: Tensor | None = None) -> PhotoPrefix:
        """(P, 3, H, W) in [-1, 1], sides multiples of 8 -> prefix. ``blank`` (P,) bool: no photo."""
        h, w = photos.shape[-2:]
        if h % 8 or w % 8 or not h or not w:
            raise InputError(f"photo of {w} x {h} pixels: both sides must be multiples of 8")
        features, context, (gh, gw) = self.trunk(photos)
        features = features.flatten(2).transpose(1, 2)
        if blank is not None:
            hole = blank[:, None, None]
            features = torch.where(hole, self.blank.to(features.dtype), features)
            context = torch.where(hole, self.blank.to(context.dtype), context)
        rope = rope_table(*grid_positions(gh, gw, 2.0, photos.device), self.head_dim)
        keys = []
        for block in self.causal:
            context, own = block(context, rope)
            keys.append(own)
        return PhotoPrefix(features, keys, (h // PATCH, w // PATCH))

    # -- prompt and draft -------------------------------------------------------------------

    def _codes(self, prompts: list[Prompt]) -> list[Tensor]:
        """The legend colours of every prompt as flat token values, all in one palette call."""
        device = self.blank.device
        counts = [len(p.legend) if p.legend else 0 for p in prompts]
        colours = [c for p in prompts if p.legend for c in p.legend.colours]
        if not colours:
            return [torch.zeros(0, self.channels, device=device) for _ in prompts]
        rgb = to_unit(torch.tensor(colours, device=device, dtype=torch.float32))
        return list(self.palette(rgb).float().split(counts))

    def _point(
        self, x: Tensor, names: Tensor, values: Tensor, there: Tensor, alike: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Which legend entry lies in each cell of each token; returns (addition to x, logits).

        ``values`` (B, 1 + K, C): the entries' colours as token values, entry 0 for "none". ``alike``
        (B, N, K) is added for all cells of a token: what the examples say.
        """
        batch, length, _ = x.shape
        query = self.query(x).view(batch, length * SUB * SUB, 32)
        null = self.null_key.to(x.dtype).expand(batch, 1, 32)
        keys = torch.cat([null, self.key(names).to(x.dtype)], dim=1)
        logits = (query @ keys.transpose(1, 2)).float() * 32**-0.5
        if alike is not None:
            logits = logits + F.pad(alike.repeat_interleave(SUB * SUB, dim=1), (1, 0))
        absent = torch.cat([torch.zeros_like(there[:, :1]), ~there[:, 1:]], dim=1)
        logits = logits.masked_fill(absent[:, None], -1e4)
        read = (logits.softmax(-1) @ values).view(batch, length, -1)
        logits = logits.view(batch, length, SUB * SUB, -1)
        return self.pointed(read.to(x.dtype)), logits

    def _shown(self, prompts: list[Prompt], entries: int) -> tuple[Tensor, Tensor, Tensor] | None:
        """What the prompts' examples say, see ``ExampleReader``."""
        if not any(prompt.examples for prompt in prompts):
            return None
        if not self.config.context:
            raise UsageError("examples: these weights do not read any; use others or ask in words")

        def features(photos: Tensor) -> Tensor:
            return self.trunk(photos.to(self.blank.dtype))[0].flatten(2).transpose(1, 2)

        return self.examples(prompts, entries, features)

    def hold(self, prompts: list[Prompt], grid: tuple[int, int]) -> tuple[Tensor, Tensor] | None:
        """What the prompts hold, see ``visiongen.held.gather``."""
        return gather(prompts, (*grid, self.channels), self.encode, self.blank.device)

    def condition(
        self,
        photo: PhotoPrefix,
        prompts: list[Prompt],
        held: tuple[Tensor, Tensor] | None = None,
        recycles: int | None = None,
        noisy: Noisy | None = None,
    ) -> Condition:
        """Draft pass: photo prefixes (batch B) and B prompts -> what the map is painted from.

        ``held``: see ``hold``, which gives it from the prompts unless the caller does. ``recycles``: how
        often the draft is made again with the probabilities of the one before in sight (recycling, as in
        AlphaFold 2, Jumper et al. 2021; gradients of the last pass alone); None: as the weights say.
        ``noisy``: the map's tokens under noise, for what the draft then says of them.
        """
        tokens, there, names, codes = self.prompt(prompts, self._codes(prompts))
        shown = self._shown(prompts, names.shape[1])
        alike = None
        if shown is not None:
            names, tokens = names + shown[0], tokens + torch.cat([shown[1], shown[0]], dim=1)
            alike = self.examples.alike(photo.features, shown[2])
        held = self.hold(prompts, photo.grid) if held is None else held
        values = torch.cat([codes.new_zeros(len(codes), 1, self.channels), codes], dim=1)
        # The legend of an order for a photo says what the given map means; its colours are not painted.
        map_asked = torch.tensor([p.task != PHOTO for p in prompts], device=tokens.device)
        legend = (names, values, there & map_asked[:, None], alike)
        seen_here = photo.features
        if held is not None and self.config.context:
            seen_here = seen_here + self.held(*held).to(seen_here.dtype)
        if noisy is not None:
            if self.noisy is None:
                raise UsageError("mode diffuse: these weights did not learn from noise; use another mode")
            seen_here = seen_here + self._through_noise(noisy).to(seen_here.dtype)
        count = self.config.recycles if recycles is None else recycles
        if count and self.recycle is None:
            raise UsageError(f"recycles {count}: these weights did not learn it; leave it out")
        before, told = None, 0.0 if noisy is None else evidence(noisy, self.levels)
        for _ in range(count):
            with torch.no_grad():
                before = self._draft(tokens, there, seen_here, photo.grid, legend, before)[2] + told
            torch.clear_autocast_cache()  # else weights cast here have no gradient in the last pass, either
        prompt_tokens, x, logits, pointer = self._draft(tokens, there, seen_here, photo.grid, legend, before)
        prefix, seen = self._prompt_prefix(prompt_tokens, there, photo)
        return Condition(x, logits + told, pointer, prefix, seen, photo.grid, held)

    def _through_noise(self, noisy: Noisy) -> Tensor:
        """What is seen of noisy tokens (B, N, d): as if they were held, and how noisy they are."""
        assert self.noisy is not None
        seen = self.noisy(noisy)
        if self.config.context:
            values = self.held.value(noisy.values.to(self.held.value.weight.dtype))
            seen = seen + values * noisy.rows[:, None, None]
        return seen

    def _draft(
        self,
        tokens: Tensor,
        there: Tensor,
        seen_here: Tensor,
        grid: tuple[int, int],
        legend: tuple[Tensor, Tensor, Tensor, Tensor | None],
        before: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One pass of the draft: prompt states (B, S, d), map states (B, N, d), logits, pointer.

        ``before``: the logits (B, N, C, L) of the pass before this one.
        """
        h, w = grid
        count = tokens.shape[1]
        rows, cols = grid_positions(h, w, 1.0, tokens.device)
        # prompt tokens have no place in the picture: they sit at the origin
        zero = torch.zeros(count, device=tokens.device)
        rope = rope_table(torch.cat([zero, rows]), torch.cat([zero, cols]), self.head_dim)
        mask = None
        if not bool(there.all()):
            mask = torch.cat([there, there.new_ones(len(there), h * w)], dim=1)[:, None, None, :]
        if before is not None and self.recycle is not None:
            seen_here = seen_here + self.recycle(before.softmax(-1).flatten(2).to(seen_here.dtype))
        x = torch.cat([tokens.to(seen_here.dtype), seen_here + tokens[:, :1]], dim=1)
        for block in self.draft:
            x, _ = block(x, rope, mask=mask)
        prompt_tokens, x = x[:, :count], x[:, count:]
        if len(self.local):
            x = self.local(x.transpose(1, 2).unflatten(2, (h, w))).flatten(2).transpose(1, 2)
        names, values, named, alike = legend
        addition, pointer = self._point(x, names, values, named, alike)
        x = x + addition
        x = self.draft_norm(x + self.mix(x))
        logits = self.draft_head(x).float().unflatten(-1, (self.channels, self.depth_levels))
        logits = logits + self.copy(pointer.argmax(-1), values)
        return prompt_tokens, x, logits.masked_fill(~self.allowed, -1e4), pointer

    def _prompt_prefix(
        self, prompt_tokens: Tensor, there: Tensor, photo: PhotoPrefix
    ) -> tuple[list[tuple[Tensor, Tensor]], Tensor | None]:
        """Keys and values of photo and prompt, a causal block each, and which of them are there."""
        zero = torch.zeros(prompt_tokens.shape[1], device=prompt_tokens.device)
        rope, seen, mask = rope_table(zero, zero, self.head_dim), None, None
        if not bool(there.all()):
            seen = torch.cat([there.new_ones(len(there), photo.keys[0][0].shape[2]), there], dim=1)
            mask = seen[:, None, None, :]
        prefix = []
        for block, past in zip(self.causal, photo.keys, strict=True):
            prompt_tokens, (k, v) = block(prompt_tokens, rope, past=past, mask=mask)
            prefix.append((torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)))
        return prefix, seen

    # -- map --------------------------------------------------------------------------------

    def _inputs(self, tokens: Tensor, aligned: Tensor) -> Tensor:
        """Preceding tokens (B, T, C), -1 for "none yet", and aligned features -> (B, T, d)."""
        flat = F.one_hot(tokens.clamp(min=0), self.depth_levels).to(aligned.dtype).flatten(2)
        first = (tokens[..., :1] < 0).to(aligned.dtype)
        return self.embed(flat) * (1 - first) + self.begin.to(aligned.dtype) * first + self.injected(aligned)

    def injected(self, aligned: Tensor) -> Tensor:
        """What the causal branch is told of the places being predicted, (B, T, d) -> (B, T, d)."""
        return self.inject(aligned if self.config.inject else torch.zeros_like(aligned))

    def new_cache(self, condition: Condition) -> Cache:
        """An empty map behind the condition's prefix."""
        return Cache(self, condition)

    def window(self, condition: Condition, cache: Cache, inputs: Tensor, start: int | Tensor) -> Tensor:
        """Logits (B, T, C, L) of positions start..start+T-1 given the T tokens preceding them.

        See ``look``.
        """
        return self.look(condition, cache, inputs, start)[0]

    def look(
        self, condition: Condition, cache: Cache, inputs: Tensor, start: int | Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logits (B, T, C, L) of a window and the states (B, T, d) that the chain of channels reads.

        ``inputs`` (B, T, C) int64 holds the tokens at start-1..start+T-2 (-1s in front of position
        0). Keys and values are written into the cache at the window's places; later entries of an
        earlier window are overwritten. ``start`` is one int, or (B,) int64 where rows of the batch
        stand at different places.
        """
        batch, length, _ = inputs.shape
        place: int | Tensor
        if isinstance(start, Tensor):
            spot = start[:, None] + torch.arange(length, device=inputs.device)  # (B, T)
            row = torch.arange(batch, device=inputs.device)[:, None]
            x, draft = cache.injected[row, spot], condition.draft_logits[row, spot]
            rope = cache.rope[:, spot][:, :, None].unbind(0)  # (B, 1, T, hd) each
            place, stop = cache.size + spot, cache.size + int(start.max()) + length
        else:
            x = cache.injected.narrow(1, start, length)
            draft = condition.draft_logits.narrow(1, start, length)
            rope = cache.rope.narrow(1, start, length).unbind(0)
            place, stop = cache.size + start, cache.size + start + length
        begins = isinstance(start, Tensor) or start == 0
        x = x + self._embed_tokens(inputs, cache.table, begins)
        mask = cache.mask(length, self.config.heads // self.config.kv_heads, start)
        for block, past in zip(cast(list[Block], list(self.causal)), cache.past, strict=True):
            x = block.step(x, rope, past, place, stop, mask)
        return self._final(draft, x)

    def _embed_tokens(self, tokens: Tensor, table: Tensor, begins: bool) -> Tensor:
        """(B, T, C) tokens, -1s for "none yet" (only if ``begins``) -> (B, T, d): C rows' sum."""
        index = (tokens + self.channel_offset).clamp_(min=0).flatten(0, 1)
        x = F.embedding_bag(index, table, mode="sum").view(*tokens.shape[:2], -1)
        return torch.where(tokens[..., :1] < 0, self.begin.to(x.dtype), x) if begins else x

    def _final(self, draft: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """The causal picture's logits from the draft's and the last block's output, and its state."""
        state = self.head_norm(x)
        correction = self.head(state).float().unflatten(-1, (self.channels, self.depth_levels))
        if self.config.residual:
            return draft + correction, state
        return correction.masked_fill(~self.allowed, -1e4), state

    def _causal_mask(self, condition: Condition, count: int) -> Tensor:
        """Bool (B or 1, 1, T, prefix + T): each of ``count`` tokens sees the prefix and those up to it."""
        past = torch.ones(count, count, dtype=torch.bool, device=condition.aligned.device).tril()[None]
        front = past.new_ones(1, count, condition.prefix[0][0].shape[2])
        if condition.there is not None:
            front = condition.there[:, None, :].expand(-1, count, -1)
            past = past.expand(len(front), -1, -1)
        return torch.cat([front, past], dim=-1)[:, None]

    def teach(
        self, condition: Condition, tokens: Tensor, first_row: int = 0, rows: int | None = None
    ) -> Tensor:
        """Teacher forcing: logits (B, T, C, L) of ``rows`` whole rows given the tokens before each.

        See ``follow``.
        """
        return self.follow(condition, tokens, first_row, rows)[0]

    def follow(
        self, condition: Condition, tokens: Tensor, first_row: int = 0, rows: int | None = None
    ) -> tuple[Tensor, Tensor]:
        """As ``teach``, and the states (B, T, d) that the chain of channels reads.

        ``tokens`` (B, h, w, C). A band that starts below the top is treated as if nothing had been
        painted before it, which the top row teaches anyway; it makes training on big maps cheap.
        """
        h, w = condition.grid
        rows = h if rows is None else rows
        span = slice(first_row * w, (first_row + rows) * w)
        target = tokens.flatten(1, 2)[:, span]
        inputs = torch.cat([torch.full_like(target[:, :1], -1), target[:, :-1]], dim=1)
        place = torch.arange(span.start, span.stop, device=tokens.device)
        rope = rope_table(place // w, place % w, self.head_dim)
        mask = self._causal_mask(condition, rows * w)
        x = self._inputs(inputs, condition.aligned[:, span])
        for block, past in zip(self.causal, condition.prefix, strict=True):
            x, _ = block(x, rope, past=past, mask=mask)
        return self._final(condition.draft_logits[:, span], x)
