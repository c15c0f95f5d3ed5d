"""Rooms (first version)."""

from __future__ import annotations

from visiongen.world.scene import Scene


def build_room(scene: Scene) -> None:
    """Fill ``scene``."""
    from visiongen.world.street import build_street

    build_street(scene)
