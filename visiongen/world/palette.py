"""Random colours (sRGB) and skies of the kinds that photos show."""

from __future__ import annotations

import colorsys
import math
import random

from visiongen.world.scene import Colour, Lighting


def hsv(h: float, s: float, v: float) -> Colour:
    """sRGB from hue, saturation, value."""
    return colorsys.hsv_to_rgb(h % 1.0, min(max(s, 0.0), 1.0), min(max(v, 0.0), 1.0))


def grey(rng: random.Random, low: float, high: float, tint: float = 0.05) -> Colour:
    """A nearly neutral colour of value low..high."""
    return hsv(rng.random(), rng.random() * tint, rng.uniform(low, high))


def any_colour(rng: random.Random, low: float = 0.15, high: float = 0.95) -> Colour:
    """Any colour, weak or strong."""
    return hsv(rng.random(), rng.random() ** 0.8, rng.uniform(low, high))


def facade(rng: random.Random) -> Colour:
    """Stone, plaster, brick."""
    kind = rng.random()
    if kind < 0.35:
        return hsv(rng.uniform(0.06, 0.14), rng.uniform(0.08, 0.35), rng.uniform(0.5, 0.9))
    if kind < 0.6:
        return hsv(rng.uniform(0.0, 0.07), rng.uniform(0.3, 0.65), rng.uniform(0.3, 0.62))
    if kind < 0.9:
        return grey(rng, 0.35, 0.9, 0.1)
    return hsv(rng.random(), rng.uniform(0.1, 0.45), rng.uniform(0.45, 0.85))


def paint(rng: random.Random) -> Colour:
    """Car paint: mostly black, white, silver, then any."""
    kind = rng.random()
    if kind < 0.28:
        return grey(rng, 0.03, 0.16)
    if kind < 0.48:
        return grey(rng, 0.75, 0.95)
    if kind < 0.68:
        return grey(rng, 0.35, 0.65)
    return hsv(rng.random(), rng.uniform(0.5, 0.95), rng.uniform(0.2, 0.85))


def green(rng: random.Random) -> Colour:
    """Foliage, spring to autumn."""
    if rng.random() < 0.12:
        return hsv(rng.uniform(0.04, 0.14), rng.uniform(0.4, 0.8), rng.uniform(0.3, 0.65))
    return hsv(rng.uniform(0.19, 0.36), rng.uniform(0.25, 0.7), rng.uniform(0.22, 0.55))


def skin(rng: random.Random) -> Colour:
    """Skin tones."""
    return hsv(rng.uniform(0.03, 0.09), rng.uniform(0.25, 0.6), rng.uniform(0.3, 0.95))


def wooden(rng: random.Random) -> Colour:
    """Pine to walnut."""
    return hsv(rng.uniform(0.05, 0.1), rng.uniform(0.25, 0.7), rng.uniform(0.2, 0.85))


def daylight(rng: random.Random) -> Lighting:
    """Sun, overcast or dusk, with matching sky and haze."""
    light = Lighting()
    azimuth, height = rng.uniform(0, 2 * math.pi), math.radians(rng.uniform(14, 70))
    light.sun_direction = (
        math.cos(height) * math.sin(azimuth), math.sin(height), math.cos(height) * math.cos(azimuth)
    )  # fmt: skip
    warm = max(0.0, 1 - math.degrees(height) / 40)
    kind = rng.random()
    if kind < 0.5:  # sunny
        power = rng.uniform(1.2, 2.6)
        light.sun = (power, power * (0.93 - 0.2 * warm), power * (0.85 - 0.45 * warm))
        blue = rng.uniform(0.5, 1.0)
        light.zenith = (0.16 + 0.1 * (1 - blue), 0.3, 0.45 + 0.3 * blue)
        light.horizon = (0.62 + 0.2 * warm, 0.68, 0.78 - 0.1 * warm)
        light.clouds = rng.choice([0.0, rng.uniform(0.2, 0.5)])
        light.ambient = rng.uniform(0.7, 1.1)
    elif kind < 0.9:  # overcast
        value = rng.uniform(0.6, 1.0)
        light.zenith = (value * 0.95, value * 0.98, value)
        light.horizon = (value * 1.0, value * 1.02, value * 1.04)
        power = rng.choice([0.0, rng.uniform(0.1, 0.6)])
        light.sun = (power, power, power * 0.95)
        light.clouds = rng.uniform(0.0, 0.8)
        light.ambient = rng.uniform(0.9, 1.3)
    else:  # low sun
        power = rng.uniform(0.5, 1.4)
        light.sun = (power, power * 0.7, power * 0.4)
        light.zenith = (0.25, 0.3, 0.5)
        light.horizon = (0.95, 0.7, 0.5)
        light.clouds = rng.uniform(0.1, 0.5)
    floor = rng.uniform(0.14, 0.26)
    light.ground = (floor, floor * 0.97, floor * 0.9)
    light.fog = rng.choice(
        [0.0, 0.0, rng.uniform(0.0005, 0.003), rng.uniform(0.0005, 0.003), rng.uniform(0.003, 0.009)]
    )
    return light
