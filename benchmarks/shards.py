"""A run shared by several processes or machines: each takes every n-th image, the folder holds all of it.

Under ``torchrun`` rank and number come from the environment and the ranks wait for each other (gloo); with
``--shard I/N`` nobody waits, and whoever finishes last writes the result.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from visiongen.errors import UsageError

T = TypeVar("T")
WAIT = timedelta(days=2)  # ranks may have very unequal work


@dataclass(frozen=True)
class Shard:
    """Part ``index`` of ``count``; ``launched``: torchrun started it, so that ranks can wait."""

    index: int = 0
    count: int = 1
    launched: bool = False

    @classmethod
    def parse(cls, text: str | None) -> Shard:
        """``"2/4"`` is the second of four; None: what torchrun says, else the whole. UsageError."""
        if text is None:
            return cls.from_environment()
        found = re.fullmatch(r"(\d+)/(\d+)", text.strip())
        index, count = (int(g) for g in found.groups()) if found else (0, 0)
        if not 1 <= index <= count:
            raise UsageError(f"--shard {text!r}: write I/N with 1 <= I <= N, such as 1/4")
        return cls(index - 1, count)

    @classmethod
    def from_environment(cls) -> Shard:
        """RANK and WORLD_SIZE as torchrun and accelerate set them."""
        count = int(os.environ.get("WORLD_SIZE", "1"))
        if count < 2:
            return cls()
        return cls(int(os.environ.get("RANK", "0")), count, "MASTER_ADDR" in os.environ)

    @property
    def first(self) -> bool:
        """Whether this part reports."""
        return self.index == 0

    @property
    def suffix(self) -> str:
        """For the names of its files: "" for a run of one part, else "-2of4"."""
        return "" if self.count == 1 else f"-{self.index + 1}of{self.count}"

    def mine(self, everything: Sequence[T]) -> list[T]:
        """Every ``count``-th from ``index`` on."""
        return list(everything[self.index :: self.count])

    def wait(self) -> None:
        """Return when all ranks are here; a rank that died raises in the others."""
        if not self.launched:
            return
        import torch.distributed as dist

        if not dist.is_initialized():
            dist.init_process_group("gloo", timeout=WAIT)
        dist.barrier()
