"""A PBR set as a MaterialX document: the gltf_pbr surface of the standard library, textures beside it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

#: Position of each number in the ORM picture.
CHANNELS = {"occlusion": 0, "roughness": 1, "metallic": 2}


def document(
    name: str, base_colour: str, normal: str, orm: str, height: tuple[str, float, float] | None = None
) -> str:
    """XML text; file names are relative to the document.

    ``height``: file name, and the displacement in patch widths that black and white stand for.
    """
    stem = _identifier(name)
    root = ElementTree.Element("materialx", {"version": "1.38", "colorspace": "lin_rec709"})
    graph = ElementTree.SubElement(root, "nodegraph", {"name": f"NG_{stem}"})
    _image(graph, "base_colour", "color3", base_colour, "srgb_texture")
    _image(graph, "normal_picture", "vector3", normal)
    bend = ElementTree.SubElement(graph, "normalmap", {"name": "bent_normal", "type": "vector3"})
    _input(bend, "in", "vector3", nodename="normal_picture")
    _image(graph, "orm", "vector3", orm)
    for channel, index in CHANNELS.items():
        pick = ElementTree.SubElement(graph, "extract", {"name": channel, "type": "float"})
        _input(pick, "in", "vector3", nodename="orm")
        _input(pick, "index", "integer", value=str(index))
    outputs = {"base_color": ("color3", "base_colour"), "normal": ("vector3", "bent_normal")}
    outputs |= {channel: ("float", channel) for channel in CHANNELS}
    if height is not None:
        _displacement(graph, *height)
        outputs["displacement"] = ("float", "relief")
    for output, (kind, node) in outputs.items():
        entry = {"name": f"{output}_output", "type": kind, "nodename": node}
        ElementTree.SubElement(graph, "output", entry)
    surface = ElementTree.SubElement(root, "gltf_pbr", {"name": f"SR_{stem}", "type": "surfaceshader"})
    for output, (kind, _) in outputs.items():
        if output != "displacement":
            _input(surface, output, kind, nodegraph=f"NG_{stem}", output=f"{output}_output")
    material = ElementTree.SubElement(root, "surfacematerial", {"name": stem, "type": "material"})
    _input(material, "surfaceshader", "surfaceshader", nodename=f"SR_{stem}")
    if height is not None:
        relief = {"name": f"DR_{stem}", "type": "displacementshader"}
        shader = ElementTree.Element("displacement", relief)
        root.insert(len(root) - 1, shader)
        _input(shader, "displacement", "float", nodegraph=f"NG_{stem}", output="displacement_output")
        _input(material, "displacementshader", "displacementshader", nodename=f"DR_{stem}")
    ElementTree.indent(root)
    return '<?xml version="1.0"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _identifier(name: str) -> str:
    """A name that MaterialX takes: ASCII letters, digits and _, a letter first; "material" for none."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "material"
    return plain if plain[0].isalpha() else f"m{plain}"


def _input(parent: ElementTree.Element, name: str, kind: str, **source: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, "input", {"name": name, "type": kind, **source})


def _image(
    graph: ElementTree.Element, name: str, kind: str, file: str, colourspace: str | None = None
) -> None:
    node = ElementTree.SubElement(graph, "image", {"name": name, "type": kind})
    entry = _input(node, "file", "filename", value=file)
    if colourspace:
        entry.set("colorspace", colourspace)


def _displacement(graph: ElementTree.Element, file: str, black: float, white: float) -> None:
    _image(graph, "height", "float", file)
    node = ElementTree.SubElement(graph, "remap", {"name": "relief", "type": "float"})
    _input(node, "in", "float", nodename="height")
    _input(node, "outlow", "float", value=f"{black:.6g}")
    _input(node, "outhigh", "float", value=f"{white:.6g}")
