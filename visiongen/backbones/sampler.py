"""How tokens are chosen: modes, and the numbers that go with each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

import numpy as np

from visiongen.errors import UsageError

Mode = Literal["verified", "sequential", "draft", "masked", "sample", "diffuse", "scales"]
MODES: tuple[str, ...] = get_args(Mode)
SEEDED: tuple[Mode, ...] = ("sample", "diffuse", "scales")  # modes in which a seed changes what is painted
ENDLESS = float("inf")


def _number(
    default: Any, least: float, most: float, give: str, modes: tuple[Mode, ...] = (), kind: type = int
) -> Any:
    """A field: a number from ``least`` to ``most``, None where that is its default; ``give`` is the remedy.

    ``modes``: those in which it can change what is painted; (): all.
    """
    return field(
        default=default,
        metadata={"least": least, "most": most, "give": give, "modes": modes or MODES, "kind": kind},
    )


@dataclass(frozen=True)
class Sampler:
    """How tokens are chosen. UsageError for a mode that there is not, and numbers out of range.

    verified    greedy; drafts are checked in windows; the same tokens as sequential (default)
    sequential  greedy, one token at a time: the reference
    draft       greedy, the whole map in one pass
    masked      greedy, the whole map in each of ``steps`` passes, of which the surest tokens stay; with
                ``group`` so many tokens after another, each group in ``steps`` passes
    diffuse     from noise (of ``seed``), which clears up in ``steps`` passes; ``group`` as in masked
    scales      a small picture (a photo as in sample, a map as in draft), then one twice as large that clears
                up from it in ``steps`` passes, and so on
    sample      temperature, top-k and top-p, from ``seed``; the n-th repetition of a prompt uses seed + n

    ``window`` tokens a verifying pass, None: the backbone's choice. ``steps`` passes of masked and diffuse,
    and of each scale. ``group`` tokens a group of masked and diffuse, in raster order, None: all of them.
    ``recycles``: how often the draft is made again, None: the weights' own number. ``trust``: nats to
    overrule the draft, None: the weights' own, 0: never keep it.
    """

    mode: Mode = "verified"
    seed: int = _number(0, 0, 2**63 - 1, "a whole number from 0 and below 2^63")
    temperature: float = _number(
        1.0, np.nextafter(0, 1), np.finfo(float).max, "a number above 0", ("sample", "scales"), float
    )
    top_k: int | None = _number(None, 1, ENDLESS, "at least 1, or None for no limit", ("sample", "scales"))
    top_p: float | None = _number(
        None, np.nextafter(0, 1), 1, "a number in (0, 1], or None", ("sample", "scales"), float
    )
    window: int | None = _number(None, 1, ENDLESS, "at least 1 token, or None", ("verified",))
    # as the longest schedules of diffusion; a pass is a whole draft
    steps: int = _number(8, 1, 1000, "1 to 1000 passes", ("masked", "diffuse", "scales"))
    group: int | None = _number(
        None, 1, ENDLESS, "at least 1 token, or None for all of them", ("masked", "diffuse")
    )
    recycles: int | None = _number(None, 0, ENDLESS, "a number from 0, or None")
    trust: float | None = _number(  # JSON has no infinity
        None,
        0,
        np.finfo(float).max,
        "a finite number of nats from 0, or None",
        ("verified", "sequential"),
        float,
    )

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(f"mode {self.mode!r}: choose one of {', '.join(MODES)}")
        for one in fields(self)[1:]:
            value = _checked(one.name, getattr(self, one.name), one.default is not None, one.metadata)
            object.__setattr__(self, one.name, value)

    @classmethod
    def of(cls, mode: str, seed: int = 0, options: Mapping[str, Any] | None = None) -> Sampler:
        """As a caller asks; UsageError for ``options`` that ``mode`` does not use (None: not given)."""
        options = options or {}
        sampler = cls(mode=mode, seed=seed, **options)  # type: ignore[arg-type]
        for name, value in options.items():
            modes = USED_IN[name]
            if value is not None and mode not in modes:
                others = " or ".join(f"mode={one!r}" for one in modes)
                raise UsageError(f"{name}: mode {mode} does not use it; give {others}, or leave it out")
        return sampler

    def with_(self, **changes: Any) -> Sampler:
        """A copy with some fields changed."""
        return replace(self, **changes)

    def asked(self, names: Iterable[str] = ()) -> dict[str, Any]:
        """Mode, seed and the fields ``names``, JSON-able: what a prediction says of how it was sampled."""
        return {name: getattr(self, name) for name in ("mode", "seed", *names)}


def _checked(name: str, value: Any, needed: bool, limits: Mapping[str, Any]) -> int | float | None:
    """The value as int or float, None where a field may be; UsageError for anything else."""
    whole = limits["kind"] is int
    kinds = (int, np.integer) if whole else (int, float, np.integer, np.floating)
    if value is None and not needed:
        return None
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise UsageError(f"{name} {value!r}: give a {'whole ' if whole else ''}number")
    if not limits["least"] <= value <= limits["most"]:  # nor what is no number
        raise UsageError(f"{name} {value!r}: give {limits['give']}")
    return int(value) if isinstance(value, (int, np.integer)) else float(value)


#: The modes in which each of a sampler's numbers can change what is painted.
USED_IN: dict[str, tuple[str, ...]] = {one.name: one.metadata["modes"] for one in fields(Sampler)[1:]}
#: The numbers that go with tasks' options in one call.
SAMPLING = tuple(name for name in USED_IN if name != "seed")
