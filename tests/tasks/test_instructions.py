"""Orders in words name the colours that the codecs read."""

from __future__ import annotations

import re

import numpy as np
import pytest

from visiongen.errors import UsageError
from visiongen.prompt import Legend, parse_colour
from visiongen.registry import TASKS
from visiongen.tasks.instructions import ORDERS, TEXTURED, instruction


def colours(text: str) -> np.ndarray:
    return np.uint8([[parse_colour(found) for found in re.findall(r"#[0-9a-f]{6}", text)]])


@pytest.mark.parametrize("name", list(ORDERS))
def test_every_order_asks_for_the_photos_framing(name: str) -> None:
    text = instruction(TASKS.get(name)(), size=(120, 160))
    assert "160 x 120 pixels" in text and "nothing cropped" in text
    assert ("no texture" in text) == (name not in TEXTURED)


def test_material_anchors_read_as_what_they_say() -> None:
    """What is called metal decodes to metal, what faces right has x > 0."""
    text = instruction(TASKS.get("orm")())
    occlusion, rough, metal = np.moveaxis(TASKS.get("orm")().codec().decode(colours(text))[0], 2, 0)
    assert metal[0].round().tolist() == [0, 0, 1, 0] and occlusion[0].round().tolist() == [1, 1, 1, 0]
    assert rough[0, 0] > rough[0, 1] > rough[0, 2]
    tangent = TASKS.get("tangent")()
    flat, right, up = tangent.codec().decode(colours(instruction(tangent)))[0][0]
    assert flat[2] > 0.99 and right[0] > 0.6 and abs(right[1]) < 0.02 and up[1] > 0.6 and abs(up[0]) < 0.02


def test_tasks_that_words_cannot_order_say_so() -> None:
    with pytest.raises(UsageError, match="no order in words"):
        instruction(TASKS.get("image")())


def anchors(text: str) -> dict[str, tuple[int, int, int]]:
    """Name -> colour of every line "- NAME: #rrggbb"."""
    return {
        name: parse_colour(colour) for name, colour in re.findall(r"^- (.+): (#[0-9a-f]{6})$", text, re.M)
    }


def test_depth_anchors_are_the_colours_of_their_metres() -> None:
    corners = np.array(
        [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1], [1, 1, 1]]
    )
    found = anchors(instruction(TASKS.get("depth")()))
    assert found.pop("sky or infinitely far") == (255, 255, 255) and len(found) == 15
    for name, colour in found.items():
        along = 7 * (1 - (1 + float(name.removesuffix(" m")) / 10) ** -2)
        edge = min(int(along), 6)
        wanted = corners[edge] + (along - edge) * (corners[edge + 1] - corners[edge])
        assert abs(np.array(colour) - 255 * wanted).max() <= 0.51, name


def test_normal_anchors_and_legends_are_named_rightly() -> None:
    found = anchors(instruction(TASKS.get("normals")()))
    assert found == {
        "right": (255, 128, 128), "left": (0, 128, 128), "up (floors)": (128, 255, 128),
        "down (ceilings)": (128, 0, 128), "the camera": (128, 128, 255), "nowhere (sky)": (128, 128, 128),
    }  # fmt: skip
    legend = Legend.parse("road=#804080,car=#102fe0,border=#ffffff")
    pairs = dict(zip(legend.names, legend.colours, strict=True))
    assert anchors(instruction(TASKS.get("panoptic")(), legend)) == pairs
    assert anchors(instruction(TASKS.get("semantic")(), legend)) == pairs
