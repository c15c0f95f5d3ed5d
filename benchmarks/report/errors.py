"""Where a painting is wrong, as a picture: one function a family of tasks.

A function takes truth and answer as labels of the task (full size), a bool mask of the scored pixels and the
photo, and gives a :class:`Shown`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from visiongen.benchmarks.report.html import Html, chips, tag

RIGHT, MISSED, FALSE, WRONG = (0, 158, 115), (240, 170, 20), (204, 90, 170), (213, 60, 20)
UNSCORED = (70, 70, 80)
DARK = 0.55  # how bright the photo is below the colours
FOUND = 0.5  # IoU from which a segment is found
Colour = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture uint8 (H, W, 3) and what its colours mean: names, or ticks of a scale from 0 up."""

    picture: np.ndarray
    names: tuple[tuple[str, Colour], ...] = ()
    ticks: tuple[str, ...] = ()

    def key(self) -> Html:
        """The legend below the picture."""
        if self.names:
            return chips(self.names)
        steps = heat(np.linspace(0, 1, 12)[None])[0].tolist()
        stops = ",".join(f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in steps)
        bar = tag("i", style=f"background:linear-gradient(90deg,{stops})")
        return tag("div", bar, tag("div", *(tag("span", tick) for tick in self.ticks)), class_="scale")


def heat(values: np.ndarray) -> np.ndarray:
    """Values in [0, 1] (H, W) -> uint8 RGB, black to yellow; NaN in the colour of what is not scored."""
    import cv2

    unknown = np.isnan(values)
    levels = (np.clip(np.where(unknown, 0, values), 0, 1) * 255 + 0.5).astype(np.uint8)
    picture = cv2.cvtColor(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    picture[unknown] = UNSCORED
    return picture


def painted(photo: np.ndarray, parts: list[tuple[str, Colour, np.ndarray]]) -> Shown:
    """Masks in their colours over the photo in dark gray; those that cover nothing are not named."""
    gray = (photo.mean(axis=2) * DARK).astype(np.uint8)
    picture = np.repeat(gray[..., None], 3, axis=2)
    for _, colour, mask in parts:
        picture[mask] = (0.25 * picture[mask] + 0.75 * np.array(colour)).astype(np.uint8)
    total = max(1, photo.shape[0] * photo.shape[1])
    shares = [(name, colour, 100 * mask.sum() / total) for name, colour, mask in parts]
    named = [(f"{name} {share:.1f} %", colour) for name, colour, share in shares if share]
    return Shown(picture, tuple(named) or (("no error", (40, 40, 40)),))


def scaled(error: np.ndarray, scored: np.ndarray, most: float, ticks: tuple[str, ...]) -> Shown:
    """Errors (H, W) from 0 to ``most`` as colours."""
    return Shown(heat(np.where(scored, error / most, np.nan)), (), ticks)


def ids(truth: np.ndarray, answer: np.ndarray, scored: np.ndarray, photo: np.ndarray) -> Shown:
    """Pixels of a wrong class."""
    wrong = scored & (truth != answer)
    return painted(photo, [("wrong", WRONG, wrong), ("not scored", UNSCORED, ~scored)])


def mask(truth: np.ndarray, answer: np.ndarray, scored: np.ndarray, photo: np.ndarray) -> Shown:
    """A mask found, missed, or claimed where it is not."""
    there, said = truth > 0, answer > 0
    return painted(
        photo,
        [
            ("found", RIGHT, there & said & scored),
            ("missed", MISSED, there & ~said & scored),
            ("false", FALSE, ~there & said & scored),
            ("not scored", UNSCORED, ~scored),
        ],
    )


def segments(truth: np.ndarray, answer: np.ndarray, scored: np.ndarray, photo: np.ndarray) -> Shown:
    """Instances (ids, 0 = none): found ones, and those that no other overlaps by IoU .5."""
    pairs = matched(truth, answer)
    found = np.isin(truth, list(pairs)) & (answer > 0)
    found &= np.isin(answer, list(pairs.values()))
    missed = (truth > 0) & ~np.isin(truth, list(pairs))
    false = (answer > 0) & ~np.isin(answer, list(pairs.values())) & ~missed
    return painted(photo, [("found", RIGHT, found), ("missed", MISSED, missed), ("false", FALSE, false)])


def panoptic(truth: np.ndarray, answer: np.ndarray, scored: np.ndarray, photo: np.ndarray) -> Shown:
    """Wrong classes, and right ones whose segment is not found."""
    kind = np.where(truth < 0, -1, truth // 1000), np.where(answer < 0, -1, answer // 1000)
    wrong = scored & (kind[0] != kind[1])
    # As panopticapi: what lies on void counts for no segment.
    found = np.isin(truth + 1, list(matched(truth + 1, np.where(scored, answer + 1, 0))))
    return painted(
        photo,
        [
            ("wrong class", WRONG, wrong),
            ("right class, segment not found", MISSED, scored & ~wrong & ~found),
            ("not scored", UNSCORED, ~scored),
        ],
    )


def matched(truth: np.ndarray, answer: np.ndarray) -> dict[int, int]:
    """True id -> the answer's id that overlaps it by IoU > .5; ids int (H, W), 0 and below = none."""
    both = (truth > 0) & (answer > 0)
    wide = int(answer.max(initial=0)) + 1
    pairs, shared = np.unique(truth[both].astype(np.int64) * wide + answer[both], return_counts=True)
    area = [dict(zip(*np.unique(a[a > 0], return_counts=True), strict=True)) for a in (truth, answer)]
    found = {}
    for pair, n in zip(pairs.tolist(), shared.tolist(), strict=True):
        t, a = divmod(pair, wide)
        if n / (area[0][t] + area[1][a] - n) > FOUND:
            found[t] = a
    return found


def ratio(truth: np.ndarray, answer: np.ndarray, scored: np.ndarray, photo: np.ndarray) -> Shown:
    """Depth: |ln answer / truth|, up to a factor of two."""
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.abs(np.log(answer) - np.log(truth))
    error = np.where(np.isfinite(error), error, np.inf)
    return scaled(error, scored, float(np.log(2)), ("× 1", "× 1.41", "× 2 or more"))


def angle(truth: np.ndarray, answer: np.ndarray, scored: np.ndarray, photo: np.ndarray) -> Shown:
    """Normals: degrees between them, up to 60."""
    lengths = np.linalg.norm(truth, axis=2) * np.linalg.norm(answer, axis=2)
    cosine = (truth * answer).sum(axis=2) / np.maximum(lengths, 1e-6)
    error = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return scaled(np.where(np.isfinite(error), error, 180), scored, 60.0, ("0°", "30°", "60° or more"))


def gray(truth: np.ndarray, answer: np.ndarray, scored: np.ndarray, photo: np.ndarray) -> Shown:
    """Numbers in [0, 1]: their difference."""
    error = np.abs(np.asarray(truth, np.float32) - answer)
    return scaled(np.where(np.isfinite(error), error, 1), scored, 1.0, ("0", "0.5", "1"))


def colours(truth: np.ndarray, answer: np.ndarray, scored: np.ndarray, photo: np.ndarray) -> Shown:
    """Maps of several numbers: their root mean square difference, up to 0.5."""
    error = np.sqrt(((np.asarray(truth, np.float32) - answer) ** 2).mean(axis=2))
    return scaled(np.where(np.isfinite(error), error, 1), scored, 0.5, ("0", "0.25", "0.5 or more"))


Error = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Shown]
ERRORS: dict[str, Error] = {
    "semantic": ids,
    "incontext": ids,
    "panoptic": panoptic,
    "instance": segments,
    "referring": mask,
    "depth": ratio,
    "normals": angle,
    "tangent": angle,
    "basecolor": colours,
    "orm": colours,
    "edges": gray,
    "salient": gray,
    "matting": gray,
}
