"""Make the README's pictures from the shipped weights: ``python docs/make_pictures.py [--weights NAME]``.

Everything shown is what the command line gives; nothing is chosen by hand or retouched.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from visiongen.backbones.base import Backbone, Sampler
from visiongen.benchmarks.datasets.incontext import episodes
from visiongen.cli.common import load_backbone
from visiongen.cli.demo_examples import Example, examples
from visiongen.cli.demo_page import DepthScale, painted_back
from visiongen.files import write_atomic
from visiongen.geometry import Geometry
from visiongen.registry import TASKS
from visiongen.resize import resize_photo
from visiongen.tasks import Prediction, predict, predict_many
from visiongen.tasks.foreground import compose, cutout
from visiongen.tasks.materials import predict_materials
from visiongen.tasks.pictures import encode_png

FOLDER = Path(__file__).parent / "pictures"
NAMES = ("semantic", "depth", "normals")
HEIGHT, GAP, CAPTION = 180, 6, 20


def main() -> None:
    """Write the pictures into docs/pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default="tiny")
    backbone = load_backbone(parser.parse_args().weights)
    shown = examples()
    pictures = {
        "maps": maps(shown, backbone),
        "stream": stream(shown[0], backbone),
        "back": back(shown[0], backbone),
        "tasks": tasks(shown, backbone),
        "incontext": incontext(backbone),
        "materials": materials(backbone),
    }
    for name, picture in pictures.items():
        print(write_atomic(FOLDER / f"{name}.png", encode_png(picture)))


def maps(shown: list[Example], backbone: Backbone) -> np.ndarray:
    """A row a photo: input, painted maps, and the labels read from the depth map."""
    rows = []
    for example in shown:
        found = predict_many(NAMES, example.photo, legend=example.legend, backbone=backbone)
        cells = [("input", example.photo)] + [(f"painted: {p.prompt.text}", p.map) for p in found]
        cells.append(("read back: metres", metres(found[1])))
        rows.append(strip(cells))
    return stack(rows)


def metres(depth: Prediction) -> np.ndarray:
    """Decoded depth, red near and blue far on a log scale of its own."""
    return DepthScale(depth.labels).paint(depth.labels)


def stream(example: Example, backbone: Backbone) -> np.ndarray:
    """The canvases of one painting: the draft, the picture growing, the final one."""
    task = TASKS.get("semantic")()
    geometry, prompt = Geometry.fit(example.photo.shape[:2], task.long_side), task.prompt()
    canvases = list(backbone.scene(geometry.apply(example.photo)).stream(prompt, Sampler()))
    some = [canvases[i] for i in np.unique(np.linspace(0, len(canvases) - 1, 5).round().astype(int))]
    return strip([(f"{c.stats.passes} passes, {c.rows_done} rows final", c.image) for c in some])


def back(example: Example, backbone: Backbone) -> np.ndarray:
    """A photo painted from each of the example's true maps, by the same weights."""
    cells = []
    for name, painted, photo in painted_back(example, backbone):
        cells += [(f"from {name}", painted), ("a photo", photo)]
    return strip(cells)


#: What the phrase of each row means.
PHRASES = ("the nearest car", "the wheel on the left", "the white cup", "the astronaut")


def tasks(shown: list[Example], backbone: Backbone) -> np.ndarray:
    """A row a photo: what the other tasks read in it; the last column is cut out by the alpha matte."""
    rows = []
    for example, phrase in zip(shown, PHRASES, strict=True):
        cells = [("input", example.photo)]
        for name in ("instance", "panoptic", "edges", "salient", "basecolor", "orm"):
            found = predict(name, example.photo, backbone=backbone)
            cells.append((name, found.picture()))
        meant = predict("referring", example.photo, phrase=phrase, backbone=backbone)
        cells.insert(3, (phrase, meant.picture()))
        matte = predict("matting", example.photo, backbone=backbone)
        cut = compose(cutout(example.photo, matte.labels), checker(example.photo.shape[:2]))
        rows.append(strip([*cells, ("cut out", cut)]))
    return stack(rows)


def checker(size: tuple[int, int], side: int = 12) -> np.ndarray:
    """Gray squares uint8 (H, W, 3): what shows through a transparent picture."""
    y, x = np.indices(size) // side
    return np.where((x + y)[..., None] % 2, np.uint8(200), np.uint8(150)).repeat(3, 2)


def incontext(backbone: Backbone, count: int = 4) -> np.ndarray:
    """The first test episodes, by rules never trained: examples, query, answer, truth."""
    rows = []
    for episode in episodes(count):
        pairs = [(e.photo, e.map) for e in episode.examples]
        found = predict("incontext", episode.photo, examples=pairs, backbone=backbone)
        truth = episode.legend.array()[episode.truth]
        cells = [(c, i) for e in episode.examples[:2] for c, i in (("example", e.photo), ("its map", e.map))]
        cells += [("query", episode.photo), ("answer", found.picture()), (f"truth: {episode.rule}", truth)]
        rows.append(strip(cells))
    return stack(rows)


def materials(backbone: Backbone) -> np.ndarray:
    """The material set of a brick wall (scikit-image's photo), relit."""
    from skimage import data

    photo = np.repeat(data.brick()[::2, ::2, None], 3, axis=2)
    found = predict_materials(photo, backbone=backbone)
    maps = (found.roughness, found.metallic, found.occlusion)
    gray = [np.repeat(to_byte(values)[..., None], 3, 2) for values in maps]
    cells = [("input", photo), ("base colour", to_byte(found.base_colour))]
    cells.append(("normals", to_byte((found.normal + 1) / 2)))
    cells += list(zip(("roughness", "metallic", "occlusion"), gray, strict=True))
    return strip([*cells, ("relit", found.relight()[0])])


def to_byte(values: np.ndarray) -> np.ndarray:
    """[0, 1] -> uint8."""
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)


def strip(cells: list[tuple[str, np.ndarray]], height: int = HEIGHT) -> np.ndarray:
    """Pictures of one height side by side, captions below."""
    columns = []
    for caption, image in cells:
        small = resize_photo(image, (height, round(height * image.shape[1] / image.shape[0])))
        columns += [np.vstack([small, text(caption, small.shape[1])]), blank(height + CAPTION, GAP)]
    return np.hstack(columns[:-1])


def stack(rows: list[np.ndarray]) -> np.ndarray:
    """Rows of different widths below each other, on white."""
    width = max(row.shape[1] for row in rows)
    return np.vstack([np.hstack([row, blank(row.shape[0], width - row.shape[1])]) for row in rows])


def blank(height: int, width: int) -> np.ndarray:
    """White uint8 (height, width, 3)."""
    return np.full((height, width, 3), 255, np.uint8)


def text(caption: str, width: int) -> np.ndarray:
    """A line of dark text on white, uint8 (CAPTION, width, 3)."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(blank(CAPTION, width))
    ImageDraw.Draw(image).text((2, 2), caption, fill=(40, 48, 60), font=ImageFont.load_default(13))
    return np.asarray(image)


if __name__ == "__main__":
    main()
