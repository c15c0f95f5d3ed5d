"""What is to be painted of one photo, and painting it: as it is, or twice and averaged with its mirror image.

Maps of tasks that say so (``Task.follow``) then take their borders from the photo.

An answer that a mirrored photo changes is partly chance: the mean of both is nearer to the truth, for
twice the time. Marigold calls it an ensemble (arXiv 2312.02145, there over noise), segmentation papers flip
testing. Labels are averaged, not colours, as where tiles overlap: class probabilities, log depth, vectors.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from visiongen.backbones.base import Backbone, Canvas, DecodeStats, Sampler
from visiongen.errors import UsageError
from visiongen.geometry import Geometry
from visiongen.prompt import Prompt
from visiongen.tasks.base import Task
from visiongen.tasks.codecs.base import Codec


@dataclass(frozen=True)
class Orders:
    """Tasks of one size, a prompt each, who paints them and how.

    ``mirror``: the mean with the mirrored photo, of tasks that pass :func:`check_mirror`.
    """

    tasks: Sequence[Task]
    prompts: Sequence[Prompt]
    backbone: Backbone
    sampler: Sampler
    mirror: bool = False

    def of(self, chosen: Sequence[int]) -> Orders:
        """Some of them, by position."""
        tasks, prompts = [self.tasks[i] for i in chosen], [self.prompts[i] for i in chosen]
        return dataclasses.replace(self, tasks=tasks, prompts=prompts)

    def at(self, top: int, left: int) -> Orders:
        """The same for the part of a photo that begins at these pixels, with a seed of its own.

        Drawn by one seed, every tile would have the same random numbers, and one pattern would repeat.
        """
        name = f"{self.sampler.seed}/{top}/{left}"
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
        return dataclasses.replace(self, sampler=self.sampler.with_(seed=seed))

    def look(self, photo: np.ndarray, geometry: Geometry) -> np.ndarray:
        """What all of them are shown of the input; UsageError where that differs."""
        first, *others = self.tasks
        view = first.look(photo, geometry)
        for task in others:  # one after the other: a view each of a large photo would fill the memory
            alike = type(task).look is type(first).look is Task.look
            if not alike and not np.array_equal(task.look(photo, geometry), view):
                names = ", ".join(task.name for task in self.tasks)
                raise UsageError(f"tasks {names}: one of them reads a map, not a photo; ask for it alone")
        return view

    def paint(self, view: np.ndarray) -> list[Canvas]:
        """One canvas a task of what is seen, uint8 (h, w, 3), sides multiples of 8."""
        canvases = self._paint(view, self.prompts)
        if not self.mirror:
            return followed(self.tasks, self.prompts, canvases, view)
        turned = [task.mirrored(prompt) for task, prompt in zip(self.tasks, self.prompts, strict=True)]
        back = self._paint(view[:, ::-1], turned)
        pairs = zip(self.tasks, self.prompts, canvases, back, strict=True)
        return [mean_canvas(task, prompt, one, two, view) for task, prompt, one, two in pairs]

    def _paint(self, view: np.ndarray, prompts: Sequence[Prompt]) -> list[Canvas]:
        return self.backbone.scene(np.ascontiguousarray(view)).paint(prompts, self.sampler)


def followed(
    tasks: Sequence[Task], prompts: Sequence[Prompt], canvases: Sequence[Canvas], view: np.ndarray
) -> list[Canvas]:
    """The canvases of ``view`` uint8 (h, w, 3), each as its task's ``follow`` has it.

    They keep their tokens; how far a map was from the codec's colours goes into ``confidence``. A canvas
    without tokens was not painted in tokens, has its own borders and is left alone.
    """
    return [
        _followed(task, prompt, canvas, view) if _to_follow(task, canvas) else canvas
        for task, prompt, canvas in zip(tasks, prompts, canvases, strict=True)
    ]


def _to_follow(task: Task, canvas: Canvas) -> bool:
    return canvas.tokens is not None and task.follows


def _followed(task: Task, prompt: Prompt, canvas: Canvas, view: np.ndarray) -> Canvas:
    codec = task.codec(prompt.legend)
    values, sure = _softened(task, canvas, codec)
    image, agreed = task.repaint(task.follow(values, view), codec)
    sure = (sure * agreed).astype(np.float32)
    return dataclasses.replace(canvas, image=image, confidence=sure, drawn=canvas.image)


def _softened(task: Task, canvas: Canvas, codec: Codec) -> tuple[np.ndarray, np.ndarray]:
    """``soften``'s values, and its confidence times the painter's own where there is one."""
    values, sure = task.soften(canvas.image, codec)
    return values, sure if canvas.confidence is None else sure * canvas.confidence


def check_mirror(tasks: Sequence[Task]) -> None:
    """UsageError unless each of ``tasks`` has a mean with the mirrored photo's answer."""
    for task in tasks:
        if not task.mirrors:
            raise UsageError(f"mirror: {task.name} has no mean with the mirrored photo; ask for it without")


def mean_canvas(task: Task, prompt: Prompt, one: Canvas, back: Canvas, view: np.ndarray) -> Canvas:
    """The mean of the canvas of ``view`` and of the mirrored view's, as they were painted. It has no tokens.

    The mean then takes its borders from ``view`` as one canvas would (:func:`followed`). Made hard before
    it, the surer of two classes would weigh no more than the other. The map is the mean labels', painted
    anew, so how far each map was from the codec's colours, and the two from one another, goes into
    ``confidence``.
    """
    codec = task.codec(prompt.legend)
    (values, sure), (others, unsure) = (_softened(task, canvas, codec) for canvas in (one, back))
    mean = (values + codec.flip(others)) / 2
    image, agreed = task.repaint(task.follow(mean, view) if _to_follow(task, one) else mean, codec)
    return Canvas(
        image=image,
        tokens=None,
        final=True,
        index=0,
        rows_done=len(image),
        confidence=(agreed * (sure + unsure[:, ::-1]) / 2).astype(np.float32),
        stats=DecodeStats.sum([one.stats, back.stats]),
    )
