"""Alpha mattes: foregrounds with known opacity over other photos, and alphamatting.com's own photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from visiongen.data import pack
from visiongen.errors import InputError, UsageError
from visiongen.registry import TASKS
from visiongen.resize import nearest_fill
from visiongen.training.batches import Batch, BatchBuilder
from visiongen.training.sources.augment import jitter, random_view
from visiongen.training.sources.base import check_chances, check_list, check_tasks
from visiongen.training.sources.ecssd import read_pair, train_photos
from visiongen.training.sources.encoded import EncodedPhotos
from visiongen.training.sources.maps import MapSource, at_most, listed
from visiongen.training.sources.reading import read_rgb
from visiongen.training.targets.gray import gray_target

TRAIN = 14  # alphamatting GT01-GT14 train; GT15-GT18 are kept for scoring
SIDE = 320  # longer side kept in memory
KINDS = ("own", "mattes", "objects", "masks")


@dataclass(frozen=True)
class Cutout:
    """A foreground alone: colours uint8 (H, W, 3), opacity uint8 (H, W); cropped to where it is."""

    colours: np.ndarray
    alpha: np.ndarray


class MatteSource(MapSource):
    """Targets "matting" and/or "salient" (opacity from a half on), see ``MapSource``.

    ``shares`` of the four ``KINDS`` of photos: alphamatting.com's own with their alpha; its
    foregrounds over other photos; rendered objects with exact alpha; ECSSD's train objects, their
    masks frayed as fur is with chance ``fray``, else feathered. ``backgrounds``: folders of photos,
    see ``EncodedPhotos``. ``root`` is the pack matting_alpha, ``masks`` the pack ecssd.
    """

    name = "mattes"

    def __init__(
        self,
        *,
        tasks: Sequence[str] = ("matting",),
        shares: Sequence[float] = (0.15, 0.25, 0.1, 0.5),
        fray: float = 0.5,
        backgrounds: Sequence[str] = ("imagenet1k_sample256/images", "bsds500/train/images"),
        masks: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.tasks = check_tasks(tasks, ("matting", "salient"), self.name)
        if len(shares) != len(KINDS) or min(shares) < 0 or sum(shares) <= 0:
            raise UsageError(f"source mattes: shares = {list(shares)}; give one a kind of {', '.join(KINDS)}")
        if not backgrounds:
            raise UsageError("source mattes: backgrounds is empty; give folders of photos")
        self.shares = np.asarray(shares, float) / sum(shares)
        check_chances(self.name, fray=fray)
        self.fray, self.masks = fray, masks
        self.backgrounds = check_list(backgrounds, self.name, "backgrounds")
        self._own: list[tuple[np.ndarray, np.ndarray]] = []
        self._cutouts: dict[str, list[Cutout]] = {}
        self._photos: EncodedPhotos | None = None

    def prepare(self) -> None:
        """Read everything once, and free the foregrounds' colours of their backgrounds."""
        if self._photos is not None:
            return
        wanted = {kind for kind, share in zip(KINDS, self.shares, strict=True) if share > 0}
        if wanted - {"masks"}:
            root = Path(self.root) if self.root else pack("matting_alpha", self.data)
            self._own = read_own(root)[: self.limit] if wanted & {"own", "mattes"} else []
            self._cutouts["mattes"] = [separate(photo, alpha) for photo, alpha in self._own]
            self._cutouts["objects"] = read_objects(root)[: self.limit] if "objects" in wanted else []
        if "masks" in wanted:
            folder = Path(self.masks) if self.masks else pack("ecssd", self.data)
            pairs = (read_pair(path, SIDE) for path in train_photos(folder)[: self.limit])
            self._cutouts["masks"] = [separate(photo, feather(mask)) for photo, mask in pairs]
        self._photos = EncodedPhotos(self.backgrounds, self.data)

    def batch(self, index: int, seed: int) -> Batch:
        """``batch`` photos, each composed anew."""
        self.prepare()
        rng = self.generator(index, seed)
        builder = BatchBuilder(self.draw_size(rng))
        for kind in rng.choice(KINDS, size=self.count, p=self.shares):
            photo, alpha = (
                self._own_view(builder, rng) if kind == "own" else self._composed(kind, builder, rng)
            )
            values = {"matting": alpha, "salient": (alpha >= 0.5).astype(np.float32)}
            self.add(builder, photo, [gray_target(task, values[task]) for task in self.tasks], rng)
        return builder.build()

    def _own_view(self, builder: BatchBuilder, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        photo, alpha = self._own[int(rng.integers(len(self._own)))]
        view = self.view((photo.shape[0], photo.shape[1]), builder.size, rng)
        return view.photo(photo), view.photo(alpha).astype(np.float32) / 255

    def _composed(
        self, kind: str, builder: BatchBuilder, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        cutouts = self._cutouts[kind]
        colours, alpha = place(cutouts[int(rng.integers(len(cutouts)))], builder.size, rng)
        if kind == "masks" and rng.uniform() < self.fray:
            alpha = fray(alpha, rng)
        assert self._photos is not None
        behind = self._photos.draw(rng)
        view = random_view((behind.shape[0], behind.shape[1]), builder.size, rng, self.scale)
        behind = jitter(view.photo(behind), rng, self.jitter).astype(np.float32)
        if rng.uniform() < 0.3:  # out of focus, as behind a subject
            behind = cv2.GaussianBlur(behind, (0, 0), float(rng.uniform(0.7, 3)))
        mixed = behind + alpha[..., None] * (jitter(colours, rng, self.jitter) - behind)
        return (mixed + 0.5).astype(np.uint8), alpha


def place(cutout: Cutout, size: tuple[int, int], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A foreground scaled, mirrored and put somewhere: colours uint8 (h, w, 3), opacity float32 (h, w)."""
    (h, w), (tall, wide) = size, cutout.alpha.shape
    scale = min(h / tall, w / wide) * float(np.exp(rng.uniform(np.log(0.5), np.log(1.15))))
    small = (max(2, round(wide * scale)), max(2, round(tall * scale)))
    mode = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    colours = cv2.resize(cutout.colours, small, interpolation=mode)
    alpha = cv2.resize(cutout.alpha, small, interpolation=mode)
    if rng.uniform() < 0.5:
        colours, alpha = colours[:, ::-1], alpha[:, ::-1]
    y, x = rng.normal(0.5, 0.15, 2)
    top, left = round((h - small[1]) * float(y)), round((w - small[0]) * float(x))
    if rng.uniform() < 0.4:  # standing on the lower rim, as people in portraits
        top = h - small[1]
    move = np.array([[1, 0, left], [0, 1, top]], np.float32)
    # Beyond the cutout its rim's colours go on: fraying may reach out there.
    colours = cv2.warpAffine(colours, move, (w, h), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpAffine(alpha, move, (w, h), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
    return colours, alpha.astype(np.float32) / 255


def fray(alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Opacity (H, W) with its border displaced by noise of two scales and softened, like fur or grass."""
    h, w = alpha.shape
    y, x = np.indices((h, w), np.float32)
    for sigma, reach in ((1.0, rng.uniform(0.3, 1.5)), (3.0, rng.uniform(0, 2))):
        grain = rng.standard_normal((h, w, 2), np.float32)
        grain *= np.float32(reach * 2 * np.sqrt(np.pi) * sigma)  # blurred, its deviation is the reach
        noise = cv2.GaussianBlur(grain, (0, 0), sigma)
        y += noise[..., 0]
        x += noise[..., 1]
    moved = cv2.remap(alpha, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.clip(cv2.GaussianBlur(moved, (0, 0), float(rng.uniform(0.4, 1.2))), 0, 1)


def feather(mask: np.ndarray) -> np.ndarray:
    """A hard mask uint8 (H, W) with the soft border that a photo of its size has."""
    return cv2.GaussianBlur(mask, (0, 0), 1.0)


def separate(photo: np.ndarray, alpha: np.ndarray) -> Cutout:
    """The foreground of a photo uint8 (H, W, 3) under alpha uint8 (H, W), with its own colours."""
    colours = TASKS.get("matting").foreground(photo, alpha.astype(np.float32) / 255)
    return crop(colours, alpha)


def crop(colours: np.ndarray, alpha: np.ndarray) -> Cutout:
    """Without the empty rows and columns around; what is cut by the photo's rim stays cut."""
    rows, columns = np.flatnonzero((alpha > 4).any(1)), np.flatnonzero((alpha > 4).any(0))
    if not len(rows):
        return Cutout(colours, alpha)
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Cutout(np.ascontiguousarray(colours[box]), np.ascontiguousarray(alpha[box]))


def read_own(root: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """alphamatting.com's train photos and alphas of ``root``, GT01-GT14, uint8."""
    pairs = []
    for path in listed(root / "alphamatting_train27", "_rgb.jpg"):
        if int(path.name[2:4]) <= TRAIN:
            alpha = cv2.imread(str(path).replace("_rgb.jpg", "_alpha.png"), cv2.IMREAD_GRAYSCALE)
            photo = read_rgb(path)
            if alpha is None or alpha.shape != photo.shape[:2]:
                raise InputError(f"{path}: no alpha of its size beside it; restore the pack")
            pairs.append((at_most(photo, SIDE), at_most(alpha, SIDE)))
    return pairs


def read_objects(root: Path) -> list[Cutout]:
    """Rendered objects with straight alpha, RGBA PNG."""
    found = []
    for path in listed(root / "lego_cutouts_rgba", ".png"):
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if image is None or image.ndim != 3 or image.shape[2] != 4:
            raise InputError(f"{path}: not an RGBA PNG; restore the pack")
        # What cannot be seen is black there, and would darken the border as soon as pixels are averaged.
        image[..., :3] = nearest_fill(image[..., :3], image[..., 3] == 0)[0]
        small = at_most(image, SIDE)
        found.append(crop(np.ascontiguousarray(small[..., 2::-1]), np.ascontiguousarray(small[..., 3])))
    return found
