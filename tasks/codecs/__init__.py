"""Codecs: labels <-> painted maps. Pure: no model, no dataset."""

from __future__ import annotations

if __name__ != "visiongen.tasks.codecs":
    raise ImportError("import this package as visiongen.tasks.codecs, not by its folder name")

from visiongen.tasks.codecs.base import Codec, codec_from_spec, read_map_png, write_map_png

__all__ = ["Codec", "codec_from_spec", "read_map_png", "write_map_png"]
