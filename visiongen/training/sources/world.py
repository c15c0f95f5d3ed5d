"""The rendered world: exact depth, normals and classes, as fresh frames or from a pool on disk."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from visiongen.data import data_root
from visiongen.errors import UsageError
from visiongen.registry import TARGETS
from visiongen.training.batches import REVERSED, Batch, BatchBuilder, photo_prompt
from visiongen.training.sources.augment import View, degrade, jitter, random_view, whole_view
from visiongen.training.sources.backdrops import TASKS as BEHIND
from visiongen.training.sources.backdrops import Backdrops
from visiongen.training.sources.base import (
    Size,
    Source,
    check_chances,
    check_list,
    check_names,
    check_per_photo,
    check_scale,
    check_strength,
    check_tasks,
)
from visiongen.training.sources.pool import Frame, FramePool, default_cache, describe
from visiongen.training.targets import Seen
from visiongen.training.targets.classes import check_colours
from visiongen.world.synonyms import spoken

NAMING = ("semantic", "panoptic", "referring")  # tasks whose orders name classes
#: Training uses seeds below this one; the benchmarks world-depth and world-normals start there.
END_OF_TRAINING_SEEDS = 1_000_000


class WorldSource(Source):
    """Several tasks on every rendered photo; the photo is shared through ``photo_index``.

    ``kinds``: scenes of visiongen.world. ``tasks``: of the registry's TARGETS, and photo (the photo
    from nothing). ``per_photo``: at most so many tasks, drawn anew for each photo. ``reverse``:
    chance per photo that one of its maps is given and the photo asked back. ``whole``: share of
    photos seen whole. Only those have a depth target, unless ``zoom_depth``: a window's metres then
    shrink as its side does (``View.depth``).
    ``pool``: render that many frames once (``pool_size``, in ``cache_dir``) and draw from them;
    0 renders every batch anew. ``fresh``: a pool of its own, whose frames ``visiongen train --refresh``
    replaces by others meanwhile. ``first_seed``: of the pool. ``device``: where the pool is rendered.
    ``materials``: folder of PBR sets (below the data root, or absolute) for textures of kind "set"; a pool
    is of the sets whose names and sizes were there when it was rendered.
    ``colours``: of the legends of semantic maps, "random" (drawn anew) or "fixed" (a class's own).
    ``synonyms``: chance that a class is called by another word, in legends and in phrases.
    ``backdrops``: folders of photos, of which one stands behind a frame with chance ``behind``; such a frame
    is asked only for what can leave the photo out (visiongen.training.sources.backdrops).
    """

    name = "world"

    def __init__(
        self,
        *,
        kinds: Sequence[str] = ("mixed",),
        size: Size = (120, 160),
        batch: int = 4,
        tasks: Sequence[str] = ("semantic", "depth", "normals"),
        per_photo: int | None = None,
        reverse: float = 0.0,
        whole: float = 0.6,
        scale: tuple[float, float] = (0.4, 1.0),
        subset: float = 1.0,
        distractors: int = 4,
        colours: str = "random",
        zoom_depth: bool = False,
        jitter: float = 0.5,
        degrade: float = 0.1,
        pool: int = 0,
        pool_size: Sequence[int] = (240, 320),
        cache_dir: str | None = None,
        first_seed: int = 0,
        fresh: bool = False,
        materials: Any = None,
        backdrops: Sequence[str] = (),
        behind: float = 0.3,
        synonyms: float = 0.0,
        device: str = "cpu",
        chunk: int = 16,
        data: str | None = None,
    ) -> None:
        super().__init__(size=size, batch=batch, data=data)
        from visiongen.world import KINDS

        self.kinds = check_names(kinds, KINDS, self.name, "kinds", "kind")
        self.tasks = check_tasks(tasks, (*TARGETS, "photo"), self.name)
        if first_seed < 0 or first_seed + pool > END_OF_TRAINING_SEEDS:
            raise UsageError(
                f"source world: first_seed = {first_seed} with pool = {pool}; seeds from "
                f"{END_OF_TRAINING_SEEDS} on are kept for scoring, stay below"
            )
        self.per_photo = check_per_photo(per_photo, self.name)
        self.reverse, self.whole = reverse, whole
        self.scale = check_scale(scale, self.name)
        self.subset, self.distractors = subset, distractors
        self.colours, self.synonyms = check_colours(colours, self.name), synonyms
        self.zoom_depth, self.degrade = zoom_depth, degrade
        self.jitter = check_strength(jitter, self.name)
        self.pool_count, self.pool_size = int(pool), (int(pool_size[0]), int(pool_size[1]))
        self.cache_dir, self.first_seed, self.fresh = cache_dir, first_seed, fresh
        if fresh and not pool:
            raise UsageError(
                f"source {self.name}: fresh = true, but there is no pool; give pool, or leave it out"
            )
        self.materials, self.device, self.chunk = materials, device, chunk
        self.backdrops, self.behind = check_list(backdrops, self.name, "backdrops"), behind
        chances = {"reverse": reverse, "whole": whole, "subset": subset, "degrade": degrade, "behind": behind}
        check_chances(self.name, **chances, synonyms=synonyms)
        if backdrops and not set(self.tasks) & set(BEHIND):
            raise UsageError(
                f"source world: backdrops with tasks {', '.join(self.tasks)}, none of which can leave a "
                f"photo out; give one of {', '.join(BEHIND)}, or no backdrops"
            )
        self._backdrops: Backdrops | None = None
        self._pool: FramePool | None = None
        self._names: tuple[str, ...] | None = None

    # --- frames ------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Render the pool if one is asked for and not there yet; read the backdrops."""
        if self.backdrops and self._backdrops is None:
            self._backdrops = Backdrops(self.backdrops, self.names, self.data)
        if self._pool is not None or not self.pool_count:
            return
        pool = FramePool(self.pool_folder, self.pool_count, self.pool_size, self.fresh)
        pool.fill(self._render_pool, self._described(), self.chunk)
        self._pool = pool

    @property
    def pool_folder(self) -> Path:
        """Where the pool is, or will be: the same for all that are asked for the same frames."""
        cache = Path(self.cache_dir).expanduser() if self.cache_dir else default_cache()
        return cache / FramePool.folder_name(self._described())

    @property
    def replaced(self) -> int:
        """How many frames of the pool have been replaced since it was rendered."""
        self.prepare()
        assert self._pool is not None
        return self._pool.replaced

    def _described(self) -> dict[str, Any]:
        more = {"names": list(self.names), "device": self.device} | self._described_sets()
        more |= {"fresh": True} if self.fresh else {}
        return describe(self.kinds, self.pool_count, self.pool_size, self.first_seed, **more)

    @property
    def names(self) -> tuple[str, ...]:
        """Class names of the world."""
        if self._names is None:
            from visiongen.world.classes import CLASS_NAMES

            self._names = tuple(CLASS_NAMES)
        return self._names

    def replace(self, start: int, stop: int, first_seed: int) -> None:
        """Frames of seeds from ``first_seed`` + ``start`` in the place of ``start`` to ``stop`` - 1."""
        self.prepare()
        assert self._pool is not None
        other = copy.copy(self)
        other.first_seed = first_seed
        self._pool.replace(start, other._render_pool(start, stop))

    def _render_pool(self, start: int, stop: int) -> list[Frame]:
        """Frames start..stop-1 of the pool; frame i is of kind i modulo the number of kinds."""
        frames: dict[int, Frame] = {}
        for number, kind in enumerate(self.kinds):
            wanted = [i for i in range(start, stop) if i % len(self.kinds) == number]
            if wanted:
                seeds = [self.first_seed + i for i in wanted]
                rendered = self._render(kind, seeds, self.pool_size, self.device)
                frames.update(zip(wanted, rendered, strict=True))
        return [frames[i] for i in range(start, stop)]

    def _render(self, kind: str, seeds: Sequence[int], size: tuple[int, int], device: str) -> list[Frame]:
        from visiongen.world import render

        out = render(kind, list(seeds), size[0], size[1], device=device, materials=self._sets())
        orm = torch.stack([out.occlusion, out.roughness, out.metallic], dim=-1)
        maps = (out.photo, out.depth, out.normals, out.classes, out.instance, out.base_colour, orm)
        arrays = [t.cpu().numpy() for t in maps]
        return [Frame(*parts) for parts in zip(*arrays, strict=True)]

    def _sets(self) -> Any:
        """``materials`` as the renderer takes it: a name is a folder below the data root."""
        if not isinstance(self.materials, str) or Path(self.materials).is_absolute():
            return self.materials
        return data_root(self.data) / self.materials

    def _described_sets(self) -> dict[str, Any]:
        """What a pool's name says of ``materials``: which sets a folder holds, not where it lies."""
        if not isinstance(self.materials, (str, Path)):
            return {"materials": self.materials}
        from visiongen.world.materials import sets_digest

        return {"materials": Path(self.materials).name, "sets": sets_digest(Path(self._sets()))}

    def _draw(self, rng: np.random.Generator, size: tuple[int, int]) -> list[Frame]:
        if self._pool is not None:
            return [self._pool[int(i)] for i in rng.integers(len(self._pool), size=self.count)]
        kind = self.kinds[int(rng.integers(len(self.kinds)))]
        seeds = rng.integers(END_OF_TRAINING_SEEDS, size=self.count)
        return self._render(kind, [int(s) for s in seeds], size, "cpu")

    @property
    def words(self) -> tuple[str, ...]:
        """The classes' names, and their synonyms where these are drawn."""
        return spoken(self.names, self.synonyms) if set(self.tasks) & set(NAMING) else ()

    # --- batches -----------------------------------------------------------------------------

    def batch(self, index: int, seed: int) -> Batch:
        """``batch`` photos and their tasks; as many again while none of them has anything to show."""
        self.prepare()
        rng = self.generator(index, seed)
        size = self.draw_size(rng)
        builder = BatchBuilder(size)
        while not len(builder):
            for frame in self._draw(rng, size):
                self._add(builder, frame, size, rng)
        return builder.build()

    def _add(
        self, builder: BatchBuilder, frame: Frame, size: tuple[int, int], rng: np.random.Generator
    ) -> None:
        put = self._put(frame, rng)
        frame = put or frame
        source = (frame.photo.shape[0], frame.photo.shape[1])
        whole = rng.uniform() < self.whole or (self.tasks == ("depth",) and not self.zoom_depth)
        flip = bool(rng.uniform() < 0.5)
        view = whole_view(source, size, flip) if whole else random_view(source, size, rng, self.scale)
        asked = [task for task in self.tasks if put is None or task in BEHIND]
        tasks = self._draw_tasks([t for t in asked if whole or self.zoom_depth or t != "depth"], rng)
        clean = jitter(view.photo(frame.photo), rng, self.jitter)
        seen = self._look(frame, view, clean, whole)
        given = degrade(clean, rng, self.degrade)
        place = builder.photo(given, seen.depth, seen.normals) if tasks != ["photo"] else -1
        maps = []
        for task in tasks:
            if task == "photo":
                builder.target(builder.photo(None), photo_prompt(), clean)
                continue
            target = TARGETS.get(task)(seen, rng)
            if target is None:
                continue
            builder.target(place, target.prompt, target.map, target.valid, target.labels)
            if task in REVERSED and put is None:
                maps.append((task, target))
        if maps and rng.uniform() < self.reverse:
            task, target = maps[int(rng.integers(len(maps)))]
            builder.target(builder.photo(target.map), photo_prompt(task, target.prompt.legend), clean)

    def _put(self, frame: Frame, rng: np.random.Generator) -> Frame | None:
        """The frame before a photo; None where it keeps its own background."""
        if self._backdrops is None or rng.uniform() >= self.behind:
            return None
        return self._backdrops.put(frame, rng)

    def _draw_tasks(self, tasks: Sequence[str], rng: np.random.Generator) -> list[str]:
        """``per_photo`` of them, each at most once; one that is named twice is drawn as often again."""
        names = list(dict.fromkeys(tasks))
        if self.per_photo is None or len(names) <= self.per_photo:
            return names
        share = np.array([tasks.count(name) for name in names]) / len(tasks)
        chosen = rng.choice(len(names), self.per_photo, replace=False, p=share)
        return [names[i] for i in sorted(chosen.tolist())]

    def _look(self, frame: Frame, view: View, photo: np.ndarray, whole: bool) -> Seen:
        return Seen(
            photo=photo,
            depth=self._depth(frame, view, whole),
            normals=view.normals(frame.normals),
            classes=view.nearest(frame.classes),
            instance=view.nearest(frame.instance),
            base_colour=view.mean(frame.base_colour, frame.instance > 0),
            orm=view.mean(frame.orm, frame.instance > 0),
            names=self.names,
            subset=self.subset,
            distractors=self.distractors,
            colours=self.colours,
            enlarged=view.size[0] / view.height,
            synonyms=self.synonyms,
        )

    def _depth(self, frame: Frame, view: View, whole: bool) -> np.ndarray | None:
        """Metres of what is seen; None for a window, unless ``zoom_depth``."""
        return view.depth(frame.depth) if whole or self.zoom_depth else None
