"""In-context episodes from the rendered world: "paint it as in these examples", endlessly."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from visiongen.errors import UsageError
from visiongen.files import write_atomic
from visiongen.prompt import MAX_EXAMPLES
from visiongen.registry import TARGETS
from visiongen.training.batches import Batch, BatchBuilder, Target
from visiongen.training.sources.augment import degrade, jitter, random_view, whole_view
from visiongen.training.sources.base import Size, check_chances, parse_sizes
from visiongen.training.sources.pool import Frame, FramePool
from visiongen.training.sources.world import WorldSource
from visiongen.training.targets import Seen
from visiongen.training.targets.rules import Bank, order, same_task
from visiongen.unnamed import UNNAMED
from visiongen.world import rules
from visiongen.world.rules import draw_rule

THIN = 4  # every fourth row and column says well enough what a frame shows
DRAWS = 12
#: Options of the source ``world`` that an episode has no use for: its examples are whole answers, and what
#: each frame of its pool shows is noted once.
NOT_TAKEN = ("reverse", "subset", "distractors", "colours", "backdrops", "behind", "synonyms", "fresh")
UNNAMED_TASKS = ("depth", "normals", "basecolor", "orm", "instance")  # their maps have no legend


class EpisodeSource(WorldSource):
    """Rules shown by 1 to 4 examples, to be followed in another frame; see ``visiongen.world.rules``.

    Takes the options of the source ``world`` that say which frames there are and how they are seen
    (the same pool is used; not those of ``NOT_TAKEN``); a pool is needed. ``batch``: query photos a batch;
    ``per_photo``: at most so many rules for one query and its examples; ``example_size``: [height, width]
    of the examples, by default 0.8 of the query's; ``tasks_share``: share of episodes whose pairs show
    one of ``tasks`` (those without a legend) instead of a rule; ``none``: share of rules given
    without any example, so that the generator also learns what it cannot know; ``absent``: chance to keep
    a query in which the rule finds nothing; ``named``: share of rules whose legend has the names of classes
    beside the examples. Only rules that may be trained are drawn.
    """

    name = "episodes"

    def __init__(
        self,
        *,
        size: Size = (120, 160),
        example_size: Sequence[int] | None = None,
        batch: int = 4,
        per_photo: int = 2,
        tasks: Sequence[str] = ("depth", "normals", "basecolor"),
        tasks_share: float = 0.15,
        none: float = 0.05,
        absent: float = 0.1,
        named: float = 0.1,
        whole: float = 0.7,
        pool: int = 0,
        **world: Any,
    ) -> None:
        if idle := [option for option in NOT_TAKEN if option in world]:
            raise UsageError(f"source episodes: {idle[0]} is of the source world alone; leave it out")
        super().__init__(
            size=size, batch=batch, tasks=tasks, per_photo=per_photo, whole=whole, pool=pool, **world
        )
        if pool < 2:
            raise UsageError(f"source episodes: pool = {pool}; examples are other frames of it, give 2")
        untaught = [task for task in tasks if task not in UNNAMED_TASKS]
        if untaught:
            known = ", ".join(UNNAMED_TASKS)
            raise UsageError(f"source episodes: tasks has {untaught[0]!r}; shown by pairs alone are {known}")
        self.example_size = None if example_size is None else parse_sizes(example_size, self.name)[0]
        check_chances(self.name, tasks_share=tasks_share, none=none, absent=absent, named=named)
        self.tasks_share, self.none, self.absent, self.named = tasks_share, none, absent, named
        self._bank: Bank | None = None

    def prepare(self) -> None:
        """Render the pool if needed, and note what each of its frames shows (a few ms a frame)."""
        super().prepare()
        pool = self._pool
        if self._bank is None and pool is not None:
            self._bank = Bank(pool.__getitem__, _kept_table(pool))

    @property
    def words(self) -> tuple[str, ...]:
        """Classes' names, where some stand beside the examples."""
        return self.names if self.named > 0 else ()

    @property
    def bank(self) -> Bank:
        """The frames and what they show."""
        self.prepare()
        assert self._bank is not None
        return self._bank

    def batch(self, index: int, seed: int) -> Batch:
        """``batch`` query photos with their episodes; every prompt carries its examples."""
        self.prepare()
        rng = self.generator(index, seed)
        size = self.draw_size(rng)
        builder = BatchBuilder(size)
        for _ in range(self.count):
            task = rng.uniform() < self.tasks_share
            while not (self._add_task(builder, size, rng) if task else self._add_rules(builder, size, rng)):
                pass
        return builder.build()

    # --- one query ---------------------------------------------------------------------------

    def _add_rules(self, builder: BatchBuilder, size: tuple[int, int], rng: np.random.Generator) -> bool:
        """A query and its rules; False when the frames that were drawn do not show the rule after all."""
        count = int(rng.integers(1, MAX_EXAMPLES + 1))
        rule = draw_rule(rng)
        chosen = self.bank.draw(rule, 1 + count, rng)
        if chosen is None:
            return False
        whole = rule.metric or rng.uniform() < self.whole
        query, *examples = self._look_at(chosen, size, whole, rng)
        found: list[Target] = []
        for _ in range(DRAWS):
            named = bool(rng.uniform() < self.named)
            target = order(rule, query, examples, rng, self.absent, named)
            if target is None and not found:
                return False
            if target is not None:
                found.append(target)
            if len(found) >= (self.per_photo or 1):
                break
            rule = draw_rule(rng)
            while rule.metric and not whole:
                rule = draw_rule(rng)
        place = builder.photo(query.photo)
        for target in found:
            prompt = target.prompt
            names = prompt.legend.names if prompt.legend else ()
            if rng.uniform() < self.none and all(name.startswith(UNNAMED) for name in names):
                prompt = dataclasses.replace(prompt, examples=())
            builder.target(place, prompt, target.map, target.valid, target.labels)
        return True

    def _add_task(self, builder: BatchBuilder, size: tuple[int, int], rng: np.random.Generator) -> bool:
        """A query whose examples show a task; False when its frame has nothing to show for it."""
        count = int(rng.integers(1, MAX_EXAMPLES + 1))
        task = self.tasks[int(rng.integers(len(self.tasks)))]
        chosen = [int(i) for i in rng.choice(len(self.bank.table), 1 + count)]
        if len(set(chosen)) < len(chosen):  # a query among its own examples would be answered by them
            return False
        whole = task == "depth" or rng.uniform() < self.whole
        query, *examples = self._look_at(chosen, size, whole, rng)
        target = same_task(TARGETS.get(task), query, examples, rng)
        if target is None:
            return False
        builder.target(builder.photo(query.photo), target.prompt, target.map, target.valid)
        return True

    def _look_at(
        self, numbers: Sequence[int], size: tuple[int, int], whole: bool, rng: np.random.Generator
    ) -> list[Seen]:
        """The query at ``size``, the examples at their own, as the source ``world`` would show them."""
        small = self.example_size or smaller(size)
        wanted = [size] + [small] * (len(numbers) - 1)
        return [self._see(self.bank.frame(n), s, whole, rng) for n, s in zip(numbers, wanted, strict=True)]

    def _see(self, frame: Frame, size: tuple[int, int], whole: bool, rng: np.random.Generator) -> Seen:
        source = (frame.photo.shape[0], frame.photo.shape[1])
        flip = bool(rng.uniform() < 0.5)
        view = whole_view(source, size, flip) if whole else random_view(source, size, rng, self.scale)
        clean = jitter(view.photo(frame.photo), rng, self.jitter)
        return self._look(frame, view, degrade(clean, rng, self.degrade), whole)


def _kept_table(pool: FramePool) -> np.ndarray:
    """What each frame shows (``Bank.table``), noted once and kept beside the frames."""
    said = hashlib.sha256(f"{THIN} {inspect.getsource(rules)}".encode()).hexdigest()[:12]
    path = pool.folder / f"shows-{said}.npy"
    if path.is_file():
        return np.load(path)
    table = Bank.of(len(pool), pool.__getitem__, lambda i: pool.glance(i, THIN)).table
    write_atomic(path, lambda file: np.save(file, table))
    return table


def smaller(size: tuple[int, int]) -> tuple[int, int]:
    """0.8 of a size, in multiples of 8: examples are looked at, not painted."""
    return (max(8, round(size[0] / 10) * 8), max(8, round(size[1] / 10) * 8))
