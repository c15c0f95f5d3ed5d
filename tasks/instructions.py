"""The whole order in words, for an image model that knows nothing of visiongen.

``visiongen prompt`` prints it; what comes back is read with ``visiongen decode``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from visiongen.errors import UsageError
from visiongen.prompt import Legend, hex_colour
from visiongen.tasks.base import Task
from visiongen.tasks.codecs.base import Codec
from visiongen.tasks.codecs.instance import palette
from visiongen.tasks.codecs.panoptic import BorderPanoptic

ANCHORS = (0.5, 1, 1.5, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100)
"""Metres whose colours a depth order lists."""


def instruction(task: Task, legend: Legend | None = None, size: tuple[int, int] | None = None) -> str:
    """The text to send with a photo of ``size`` (height, width): what to paint, in which colours.

    Several lines of plain text. A task without an order in words raises UsageError.
    """
    prompt = task.prompt(legend)
    codec = task.codec_of(prompt)
    if task.name not in ORDERS:
        raise UsageError(f"task {task.name!r}: no order in words; choose one of {', '.join(ORDERS)}")
    plain = PLAIN if task.name not in TEXTURED else UNLIT
    return "\n".join([*ORDERS[task.name](codec, prompt.legend), *_frame(size, plain)])


def _semantic(codec: Codec, legend: Legend | None) -> list[str]:
    assert legend is not None
    lines = [
        "Paint a semantic segmentation map of the attached photo: every pixel in the colour of its class."
    ]
    lines += ["Use exactly these colours and no others, flat and without gradients:"]
    lines += [
        f"- {name}: {hex_colour(colour)}" for name, colour in zip(legend.names, legend.array(), strict=True)
    ]
    return [*lines, "A pixel of none of these classes takes the colour of the most similar one."]


def _depth(codec: Codec, legend: Legend | None) -> list[str]:
    if codec.unit != "m":
        return [
            "Paint a depth map of the attached photo in pure gray (red = green = blue).",
            "Gray is inverse depth: white (#ffffff) is the nearest surface, black (#000000) the farthest "
            "and the sky, in between in proportion to 1 / distance.",
        ]
    colours = codec.encode(np.array([[0, *ANCHORS, np.inf]], np.float32))[0]
    lines = [
        "Paint a metric depth map of the attached photo: the colour of a pixel is the distance in metres "
        "of what it shows, measured along the camera's axis.",
        "With growing distance the colour runs along the edges of the colour cube, one channel at a time: "
        "black, red, yellow, green, cyan, blue, magenta, white. Anchors:",
        f"- 0 m: {hex_colour(colours[0])}",
    ]
    lines += [
        f"- {metres:g} m: {hex_colour(colour)}" for metres, colour in zip(ANCHORS, colours[1:-1], strict=True)
    ]
    return [
        *lines,
        f"- sky or infinitely far: {hex_colour(colours[-1])}",
        "Between two anchors the colour changes evenly along those edges. Keep depth edges sharp: never mix "
        "the colours of two surfaces.",
    ]


def _normals(codec: Codec, legend: Legend | None) -> list[str]:
    axes = np.array([[[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, 0]]], np.float32)
    names = ["right", "left", "up (floors)", "down (ceilings)", "the camera", "nowhere (sky)"]
    lines = [
        "Paint a surface normal map of the attached photo in camera coordinates: x right, y up, z toward the "
        "camera; red = (1 + x) / 2, green = (1 + y) / 2, blue = (1 + z) / 2.",
        "So a surface that faces",
    ]
    colours = codec.encode(axes)[0]
    return lines + [f"- {name}: {hex_colour(colour)}" for name, colour in zip(names, colours, strict=True)]


def _edges(codec: Codec, legend: Legend | None) -> list[str]:
    return [
        "Paint an edge map of the attached photo: light lines on pure black (#000000), in pure gray "
        "(red = green = blue).",
        "Draw a line where one object ends and another begins, where a surface ends in front of another, and "
        "where it folds sharply; none along textures, shadows, reflections or printed patterns.",
        "The lighter a line, the surer the edge: white (#ffffff) where everybody would draw it, gray where "
        "only some people would. Lines are about 1 % of the picture's longer side wide, with soft sides.",
    ]


def _matting(codec: Codec, legend: Legend | None) -> list[str]:
    return [
        "Paint the alpha matte of the foreground of the attached photo, in pure gray (red = green = blue).",
        "White (#ffffff) is the foreground, black (#000000) the background; where a pixel shows both, at the "
        "border, in hair, fur, glass or motion blur, its gray is the foreground's share: half is #808080.",
    ]


def _salient(codec: Codec, legend: Legend | None) -> list[str]:
    return [
        "Paint a mask of the one object in the attached photo that people look at first.",
        "White (#ffffff) is the object, all of it, without holes where there are none; black (#000000) is "
        "everything else. Where you are not sure, use the gray in between that says how sure.",
    ]


def _instance(codec: Codec, legend: Legend | None) -> list[str]:
    """In the convention instance/distinct@1: a model that was not trained cannot place centre colours."""
    return [
        "Paint an instance segmentation map of the attached photo: every single object that can be counted "
        "(each car, person, chair, cup ... on its own) in one flat colour of its own.",
        "No two objects share a colour, and neighbouring colours differ strongly; parts of one "
        "object that something else separates have the same colour. For example:",
        f"- {', '.join(hex_colour(colour) for colour in palette()[1:13])}",
        "- everything that is no single object (sky, ground, walls, vegetation): #000000",
    ]


def _panoptic(codec: Codec, legend: Legend | None) -> list[str]:
    assert isinstance(codec, BorderPanoptic) and codec.border is not None
    pairs = zip(codec.legend.names, codec.legend.array(), strict=True)
    *classes, border = [f"- {name}: {hex_colour(colour)}" for name, colour in pairs]
    lines = [
        "Paint a panoptic segmentation map of the attached photo: every pixel in the colour of its class.",
        "Use exactly these colours and no others, flat and without gradients:",
        *classes,
        "A pixel of none of these classes takes the colour of the most similar one.",
    ]
    if codec.things:
        lines += [
            f"Where two separate objects of one of the classes {', '.join(codec.things)} touch or overlap in "
            "the picture, draw a line four pixels wide along their common contour in the colour",
            border,
            "so that every object is an area of its own. Draw that line nowhere else.",
        ]
    return lines


def _referring(codec: Codec, legend: Legend | None) -> list[str]:
    assert legend is not None
    rest, meant = (hex_colour(colour) for colour in legend.array())
    return [
        f"In the attached photo, find {legend.names[1]!r} and paint a segmentation mask of it alone.",
        f"- every pixel of it: {meant}",
        f"- everything else, other objects of the same kind too: {rest}",
    ]


def _basecolor(codec: Codec, legend: Legend | None) -> list[str]:
    return [
        "Paint the base colour (albedo) of the attached photo: the colour of every surface itself, as sRGB, "
        "as if lit evenly by white light. Keep the surfaces' own patterns; remove shadows, highlights and "
        "reflections.",
        "A metal takes the colour that it reflects.",
    ]


def _orm(codec: Codec, legend: Legend | None) -> list[str]:
    values = np.array([[[1, 1, 0], [1, 0.5, 0], [1, 0.2, 1], [0, 1, 0]]], np.float32)
    names = ["open, rough, not metal (paper, plaster)", "open, half rough, not metal (varnished wood)"]
    names += ["open, smooth metal (polished steel)", "the depth of a crack in something rough, not metal"]
    lines = [
        "Paint the material parameters of the attached photo as one picture, as glTF packs them, without "
        "gamma: red = ambient occlusion (255 open, 0 closed), green = roughness (0 mirror, 255 matt), "
        "blue = metallic (255 metal, 0 not). Anchors:",
    ]
    colours = codec.encode(values)[0]
    return lines + [f"- {name}: {hex_colour(colour)}" for name, colour in zip(names, colours, strict=True)]


def _tangent(codec: Codec, legend: Legend | None) -> list[str]:
    axes = np.array([[[0, 0, 1], [0.7, 0, 0.714], [0, 0.7, 0.714]]], np.float32)
    names = ["flat", "a slope that faces right", "a slope that faces up in the picture"]
    lines = [
        "Paint the tangent-space normal map (OpenGL, green up) of the surface in the attached photo, seen "
        "from the front: red = (1 + x) / 2 to the right, green = (1 + y) / 2 up, blue = (1 + z) / 2 out of "
        "the surface. Anchors:",
    ]
    colours = codec.encode(axes)[0]
    return lines + [f"- {name}: {hex_colour(colour)}" for name, colour in zip(names, colours, strict=True)]


PLAIN = "No shading, no lighting, no texture"
UNLIT = "No shading, no lighting"
TEXTURED = ("basecolor", "orm", "tangent")
"""Tasks whose maps show the surfaces' own patterns."""


def _frame(size: tuple[int, int] | None, plain: str = PLAIN) -> list[str]:
    shape = f" ({size[1]} x {size[0]} pixels)" if size else ""
    return [
        f"Same framing as the photo: same size and aspect ratio{shape}, every object exactly where it is "
        "in the photo, nothing cropped, moved, added or left out.",
        f"{plain}, no other outlines, no text, no legend, no frame, no "
        "watermark. Answer with the picture only, as a lossless, opaque PNG if you can.",
    ]


ORDERS: dict[str, Callable[[Codec, Legend | None], list[str]]] = {
    "semantic": _semantic,
    "depth": _depth,
    "normals": _normals,
    "edges": _edges,
    "matting": _matting,
    "salient": _salient,
    "instance": _instance,
    "panoptic": _panoptic,
    "referring": _referring,
    "basecolor": _basecolor,
    "orm": _orm,
    "tangent": _tangent,
}
