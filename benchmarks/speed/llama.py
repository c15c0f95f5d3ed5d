"""The peer of plain greedy decoding: transformers' ``generate`` on a Llama of the same shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from visiongen.errors import DependencyError
from visiongen.transformer import Painter


def build(painter: Painter, length: int) -> Any:
    """A random LlamaForCausalLM with the painter's layers, widths, heads and context ``length``.

    Its vocabulary is the number of the painter's token parts (channels x levels), so that input and
    output matrices have the same size too. DependencyError where transformers is missing.
    """
    try:
        from transformers import LlamaConfig, LlamaForCausalLM
        from transformers.utils import logging
    except ImportError as error:
        raise DependencyError(
            f"bench speed: transformers cannot be imported ({error}); pip install 'visiongen[test]'"
        ) from None
    logging.set_verbosity_error()
    c = painter.config
    config = LlamaConfig(
        vocab_size=painter.channels * painter.depth_levels,
        hidden_size=c.dim,
        intermediate_size=c.hidden,
        num_hidden_layers=c.causal_blocks,
        num_attention_heads=c.heads,
        num_key_value_heads=c.kv_heads,
        max_position_embeddings=length,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=None,
        pad_token_id=0,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LlamaForCausalLM(config).eval()


def generator(model: Any, prefix: int, count: int, cache: str | None) -> Callable[[], torch.Tensor]:
    """A call that generates ``count`` tokens greedily after a prompt of ``prefix`` tokens.

    ``cache``: None for transformers' growing cache, "static" for the preallocated one.
    """
    prompt = torch.zeros(1, prefix, dtype=torch.int64)
    options: dict[str, Any] = {
        "attention_mask": torch.ones_like(prompt),
        "max_new_tokens": count,
        "min_new_tokens": count,
        "do_sample": False,
        "use_cache": True,
    }
    if cache:
        options |= {"cache_implementation": cache, "disable_compile": True}

    def run() -> torch.Tensor:
        with torch.inference_mode():
            return model.generate(prompt, **options)[0, prefix:]

    return run


def weight_count(model: torch.nn.Module) -> int:
    """Parameters of a module."""
    return sum(p.numel() for p in model.parameters())
