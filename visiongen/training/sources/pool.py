"""Frames of the rendered world kept on disk: rendered once, then read by memory map.

photo uint8 (N, H, W, 3); depth uint16 (N, H, W), logarithmic, 0 = invalid, 65535 = +inf (sky);
normals int8 (N, H, W, 3) times 127, zero = invalid; classes uint8 (N, H, W), 255 = none; instance
uint16 (N, H, W), 0 = sky; base_colour uint8 sRGB; orm uint8 (occlusion, roughness, metallic) / 255.
A killed rendering goes on where it stopped; two processes that want the same pool take turns.
A pool whose frames are replaced while others read it (``visiongen.training.refresh``) also has ``turn``
uint32 (N,): odd while a frame is written, and another number for each (a sequence lock).
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from visiongen.errors import UsageError
from visiongen.files import write_json
from visiongen.locks import in_turn

TRIES = 50  # looks at a frame that is being written, 2 ms apart
NEAR, FAR = 0.02, 2000.0
_SPAN = np.log(FAR / NEAR)
_SHAPES = {
    "photo": (np.uint8, (3,)),
    "depth": (np.uint16, ()),
    "normals": (np.int8, (3,)),
    "classes": (np.uint8, ()),
    "instance": (np.uint16, ()),
    "base_colour": (np.uint8, (3,)),
    "orm": (np.uint8, (3,)),
}


@dataclass(frozen=True)
class Frame:
    """One rendered view: photo uint8, depth metres (NaN invalid, inf sky), normals, class ids.

    instance: a number a thing (0 = sky); base_colour uint8 sRGB (H, W, 3); orm float32 (H, W, 3)
    in [0, 1]: ambient occlusion (1 = open), roughness, metallic.
    """

    photo: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    classes: np.ndarray
    instance: np.ndarray
    base_colour: np.ndarray
    orm: np.ndarray


def pack_depth(depth: np.ndarray) -> np.ndarray:
    """Metres float32 -> uint16; relative error at most 1e-4 between 2 cm and 2 km."""
    with np.errstate(divide="ignore", invalid="ignore"):
        code = np.log(np.clip(depth, NEAR, FAR) / NEAR) / _SPAN * 65533 + 1
    code = np.where(np.isnan(depth), 0, np.where(np.isposinf(depth), 65535, np.rint(code)))
    return code.astype(np.uint16)


def unpack_depth(code: np.ndarray) -> np.ndarray:
    """Inverse of ``pack_depth``: float32 metres, NaN invalid, +inf sky."""
    metres = NEAR * np.exp((code.astype(np.float32) - 1) / 65533 * _SPAN)
    metres[code == 0] = np.nan
    metres[code == 65535] = np.inf
    return metres.astype(np.float32)


def describe(
    kinds: Sequence[str], count: int, size: tuple[int, int], first_seed: int, **more: Any
) -> dict[str, Any]:
    """All that the frames of a pool depend on, the renderer's version among it; see ``folder_name``."""
    from visiongen.world.render import VERSION

    return {
        "renderer": VERSION,
        "kinds": list(kinds),
        "count": count,
        "size": list(size),
        "first_seed": first_seed,
        "maps": FramePool.MAPS,
    } | more


class FramePool:
    """``count`` frames in ``folder``; ``render(start, stop)`` makes the missing ones."""

    MAPS: ClassVar[list[str]] = list(_SHAPES)

    def __init__(self, folder: Path, count: int, size: tuple[int, int], fresh: bool = False) -> None:
        """``fresh``: its frames may be replaced while it is read."""
        self.folder, self.count, self.size, self.fresh = folder, count, size, fresh
        self._maps: dict[str, np.ndarray] = {}
        self._turn: np.ndarray | None = None

    @staticmethod
    def folder_name(described: dict) -> str:
        """A name that changes with anything that changes the frames."""
        text = json.dumps(described, sort_keys=True)
        return f"world-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def fill(
        self,
        render: Callable[[int, int], list[Frame]],
        described: dict,
        chunk: int = 16,
    ) -> None:
        """Render what is missing, ``chunk`` frames at a time, then map everything read-only."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with in_turn(self.folder / "lock"):
            done = self._done()
            if done < self.count:
                write_json(self.folder / "pool.json", {"count": self.count, "of": described})
            for start in range(done, self.count, chunk):
                stop = min(self.count, start + chunk)
                self._store(start, render(start, stop))
                write_json(self.folder / "done.json", {"frames": stop})
                _say(stop, self.count)
            if self.fresh and not (self.folder / "turn.npy").is_file():
                np.save(self.folder / "turn.npy", np.zeros(self.count, np.uint32))
        self._maps = {name: self._open(name, "r") for name in _SHAPES}
        if self.fresh:
            self._turn = np.load(self.folder / "turn.npy", mmap_mode="r")

    def _done(self) -> int:
        path = self.folder / "done.json"
        return int(json.loads(path.read_text())["frames"]) if path.is_file() else 0

    def _open(self, name: str, mode: str) -> np.ndarray:
        dtype, rest = _SHAPES[name]
        path = self.folder / f"{name}.npy"
        if mode == "r+" and not path.is_file():
            mode = "w+"
        shape = (self.count, *self.size, *rest)
        if mode == "r":
            return np.load(path, mmap_mode="r")
        return np.lib.format.open_memmap(path, mode=mode, dtype=dtype, shape=shape)

    def _store(self, start: int, frames: list[Frame]) -> None:
        maps = {name: self._open(name, "r+") for name in _SHAPES}
        for number, frame in enumerate(frames, start):
            _write(maps, number, frame)
        for array in maps.values():
            array.flush()  # type: ignore[attr-defined]

    def replace(self, start: int, frames: list[Frame]) -> None:
        """Put others in the place of frames ``start``, ...; whoever reads one meanwhile reads it again."""
        if not self.fresh:
            raise UsageError(f"{self.folder}: its frames are what its name says; set fresh = true")
        with in_turn(self.folder / "lock"):
            maps = {name: self._open(name, "r+") for name in _SHAPES}
            turn = np.load(self.folder / "turn.npy", mmap_mode="r+")
            for number, frame in enumerate(frames, start):
                turn[number] |= 1  # to the next odd one, or still that of a writer that was killed
                _write(maps, number, frame)
                turn[number] += 1

    @property
    def replaced(self) -> int:
        """How many frames have been replaced, by whomever."""
        return 0 if self._turn is None else int((self._turn // 2).sum())

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> Frame:
        return self.glance(number, 1)

    def glance(self, number: int, step: int) -> Frame:
        """Frame ``number``, of every ``step``-th row and column."""
        if self._turn is None:
            return self._read(number, step)
        for _ in range(TRIES):
            before = int(self._turn[number])
            frame = self._read(number, step)
            if before % 2 == 0 and int(self._turn[number]) == before:
                return frame
            time.sleep(0.002)
        return self._read(number, step)  # its writer was killed: what there is

    def _read(self, number: int, step: int) -> Frame:
        look = np.asarray if self._turn is None else np.array  # a view would change with its frame
        m = {name: look(array[number, ::step, ::step]) for name, array in self._maps.items()}
        return Frame(
            m["photo"],
            unpack_depth(m["depth"]),
            m["normals"].astype(np.float32) / 127,
            m["classes"],
            m["instance"].astype(np.int32),
            m["base_colour"],
            m["orm"].astype(np.float32) / 255,
        )


def _write(maps: dict[str, np.ndarray], number: int, frame: Frame) -> None:
    maps["photo"][number] = frame.photo
    maps["depth"][number] = pack_depth(frame.depth)
    maps["normals"][number] = np.rint(np.nan_to_num(frame.normals) * 127).astype(np.int8)
    maps["classes"][number] = frame.classes
    maps["instance"][number] = frame.instance
    maps["base_colour"][number] = frame.base_colour
    maps["orm"][number] = np.rint(frame.orm * 255).astype(np.uint8)


def _say(done: int, count: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done >= count else ""
        print(f"\rrendering the world: {done} of {count} frames", end=end, file=sys.stderr)
        sys.stderr.flush()


def default_cache() -> Path:
    """Where pools go unless told: the user's cache folder."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "visiongen" / "world"
