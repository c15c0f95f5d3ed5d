"""The shapes that a painter can have, and their names."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from visiongen.errors import UsageError

# fmt: off
_PRESETS: dict[str, dict[str, Any]] = {
    "nano": dict(
        dim=64, heads=2, kv_heads=1, hidden=96, widths=(16, 24, 32),
        photo_blocks=1, draft_blocks=1, causal_blocks=2, trust=0.0, context=True,
    ),
    "mini": dict(
        dim=96, heads=2, kv_heads=1, hidden=256, widths=(16, 40, 80),
        photo_blocks=2, draft_blocks=1, causal_blocks=2, context=True,
    ),
    "tiny": dict(context=True),
    "tiny-deep": dict(photo_blocks=8, draft_blocks=3, trunk_extra=(1, 2, 1, 1), context=True),
    "tiny-deeper": dict(
        photo_blocks=8, draft_blocks=3, draft_convs=2, trunk_extra=(1, 2, 1, 1), chain=256,
        context=True,
    ),
    "small": dict(
        dim=512, heads=8, kv_heads=4, hidden=1408, widths=(64, 128, 320),
        photo_blocks=8, draft_blocks=4, causal_blocks=6, context=True,
    ),
    "base": dict(
        dim=768, heads=12, kv_heads=4, hidden=2048, widths=(96, 192, 448),
        photo_blocks=12, draft_blocks=6, causal_blocks=10, context=True,
    ),
}
# fmt: on
# Says how maps are read, or is an option of training: no part of a preset's shape.
_NO_SHAPE = ("trust", "mean_tasks", "words", "inject", "recycles", "noise", "residual")


@dataclass(frozen=True)
class PainterConfig:
    """Shape of a painter.

    Presets: ``nano`` (tests), ``mini`` (ablations), ``tiny`` and ``tiny-deep`` (earlier series),
    ``tiny-deeper`` (shipped), ``small``, ``base``.
    """

    levels: tuple[int, ...] = (8,) * 12  # FSQ levels of each channel of a token
    dim: int = 192  # width of prompt, draft and map tokens
    heads: int = 3  # query heads
    kv_heads: int = 1  # key/value heads (grouped-query attention)
    hidden: int = 512  # SwiGLU width
    widths: tuple[int, int, int] = (32, 80, 160)  # trunk channels at 2, 4 and 8 px
    photo_blocks: int = 4  # bidirectional blocks on the photo at 16 px
    trunk_extra: tuple[int, int, int, int] = (0, 0, 0, 0)  # further trunk blocks, see Trunk
    draft_blocks: int = 2  # bidirectional blocks over prompt and map positions
    draft_convs: int = 0  # convolutional blocks on the map's positions behind them
    causal_blocks: int = 3  # causal blocks over the map tokens
    chain: int = 0  # width of what lets a drawn token's channels see each other (ChannelChain); 0: none
    trust: float = 16.0  # nats a token must gain to overrule the draft's (decoding/board.py, choose)
    mean_tasks: tuple[str, ...] = ()  # their maps take each channel's mean level (decoding/board.py, read)
    words: tuple[str, ...] = ()  # what classes may be called: names of its training's legends; (): not said
    context: bool = False  # reads examples, what is held, and phrases whose order matters
    inject: bool = True  # the draft's state at a token's place goes into the causal branch (ablation: False)
    recycles: int = 0  # how often the draft is made again, with the one before in sight (Painter.condition)
    noise: bool = False  # reads tokens under noise, so that the order ``diffuse`` can paint
    residual: bool = True  # the causal head corrects the draft's logits; False: it stands alone (ablation)

    @classmethod
    def preset(cls, name: str, levels: tuple[int, ...] = (8,) * 12) -> PainterConfig:
        """A named configuration for a tokenizer with these ``levels``."""
        if name not in _PRESETS:
            raise UsageError(f"unknown preset {name!r}: choose one of {', '.join(_PRESETS)}")
        return cls(levels=tuple(levels), **_PRESETS[name])

    def preset_name(self) -> str | None:
        """The preset whose shape this is, at these levels; None where no preset has it."""
        shape = {key: value for key, value in asdict(self).items() if key not in _NO_SHAPE}
        for name in _PRESETS:
            if shape.items() <= asdict(PainterConfig.preset(name, self.levels)).items():
                return name
        return None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a checkpoint's JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PainterConfig:
        """Inverse of ``to_dict`` (lists become tuples)."""
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**plain)
