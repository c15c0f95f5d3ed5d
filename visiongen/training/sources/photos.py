"""Unlabelled photos: the order "photo" painted from nothing, and food for the tokenizer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visiongen.errors import MissingDataError
from visiongen.training.batches import Batch, BatchBuilder, photo_prompt
from visiongen.training.sources.augment import jitter, random_view
from visiongen.training.sources.base import (
    Size,
    Source,
    check_chances,
    check_list,
    check_scale,
    check_strength,
)
from visiongen.training.sources.encoded import EncodedPhotos
from visiongen.training.targets import holes


class PhotoSource(Source):
    """Random windows of the photos in ``folders`` (below the data root, or absolute).

    ``folders`` and ``hold_out``: see ``EncodedPhotos``. ``scale``: side of the window against the largest
    one. ``fill``: share of the photos that are given with a hole, which is to be filled; the others come
    from nothing.
    """

    name = "photos"

    def __init__(
        self,
        *,
        folders: Sequence[str] = ("imagenet1k_sample256/images", "bsds500/train/images"),
        size: Size = (128, 128),
        batch: int = 8,
        scale: tuple[float, float] = (0.4, 1.0),
        flips: bool = True,
        jitter: float = 0.3,
        hold_out: int = 20,
        fill: float = 0.0,
        data: str | None = None,
    ) -> None:
        super().__init__(size=size, batch=batch, data=data)
        self.folders, self.hold_out = check_list(folders, self.name, "folders"), hold_out
        self.scale = check_scale(scale, self.name)
        check_chances(self.name, fill=fill)
        self.flips, self.jitter, self.fill = flips, check_strength(jitter, self.name), fill
        self._photos: EncodedPhotos | None = None

    def prepare(self) -> None:
        """Read the encoded files once."""
        if self._photos is not None:
            return
        found = EncodedPhotos(self.folders, self.data, self.hold_out)
        if not found:
            told = ", ".join(self.folders)
            raise MissingDataError(f"source photos: {told}: no photo (every {self.hold_out}th is held out)")
        self._photos = found

    def batch(self, index: int, seed: int) -> Batch:
        """``batch`` photos as targets: of one shared blank input, or of themselves with a hole."""
        self.prepare()
        assert self._photos is not None
        rng = self.generator(index, seed)
        size = self.draw_size(rng)
        builder = BatchBuilder(size)
        blank = builder.photo(None)
        for number in rng.integers(len(self._photos), size=self.count):
            image = self._photos[int(number)]
            view = random_view((image.shape[0], image.shape[1]), size, rng, self.scale, self.flips)
            seen = jitter(view.photo(image), rng, self.jitter)
            if rng.uniform() < self.fill:
                given, order = holes.fill_order(np.ascontiguousarray(seen), rng)
                builder.target(builder.photo(given), order.prompt, order.map, order.valid)
            else:
                builder.target(blank, photo_prompt(), np.ascontiguousarray(seen))
        return builder.build()
