"""Light arriving at the camera: GGX metallic-roughness under sun, sky and point lights.

The specular lobe is Trowbridge-Reitz (GGX) with Smith's visibility and Schlick's Fresnel, as in
the glTF 2.0 specification's appendix B; the sky's specular part uses Karis's fit ("Physically
Based Shading on Mobile", 2014). Radiance is linear; white paper in full daylight is about 1.
"""

from __future__ import annotations

import torch
from torch import Tensor

from visiongen.world.maths import dot, take, unit
from visiongen.world.patch import Surface
from visiongen.world.shadows import SUN_DISTANCE
from visiongen.world.sky import Lights, sky_radiance
from visiongen.world.surface import Hits


def ggx(surface: Surface, view: Tensor, light: Tensor) -> Tensor:
    """Diffuse + specular reflection times the cosine, (P, 3), for unit light directions."""
    normal, rough = surface.normal, surface.rough.clamp(min=0.06)
    half = unit(view + light)
    nl, nv = dot(normal, light).clamp(min=0), dot(normal, view).abs().clamp(min=1e-3)
    nh, vh = dot(normal, half).clamp(0, 1), dot(view, half).clamp(0, 1)
    alpha2 = (rough * rough) ** 2
    spread = nh * nh * (alpha2 - 1) + 1
    distribution = alpha2 / (torch.pi * spread * spread).clamp(min=1e-6)
    visible = 0.5 / (
        nl * (nv * nv * (1 - alpha2) + alpha2).sqrt() + nv * (nl * nl * (1 - alpha2) + alpha2).sqrt()
    ).clamp(min=1e-4)
    f0 = torch.lerp(torch.full_like(surface.colour, 0.04), surface.colour, surface.metal[:, None])
    fresnel = f0 + (1 - f0) * ((1 - vh) ** 2 * (1 - vh) ** 2 * (1 - vh))[:, None]
    diffuse = surface.colour * (1 - surface.metal[:, None]) * (1 - fresnel)
    # radiance here is scaled by pi: a white diffuse surface facing a light of colour 1 gives 1
    specular = fresnel * (torch.pi * distribution * visible).clamp(max=40)[:, None]
    return (diffuse + specular) * nl[:, None]


def environment_specular(surface: Surface, view: Tensor) -> Tensor:
    """Karis's split-sum fit: the factor (P, 3) on the mirrored sky."""
    nv = dot(surface.normal, view).abs()
    rough = surface.rough
    r0, r1 = 1 - rough, -0.0275 * rough + 0.0425
    r2, r3 = -0.572 * rough + 1.04, 0.022 * rough - 0.04
    a004 = torch.minimum(r0 * r0, torch.exp(-6.4324 * nv)) * r0 + r1
    f0 = torch.lerp(torch.full_like(surface.colour, 0.04), surface.colour, surface.metal[:, None])
    return f0 * (-1.04 * a004 + r2)[:, None] + (1.04 * a004 + r3)[:, None]


def shade(
    hits: Hits, surface: Surface, lights: Lights, sun_seen: Tensor, point_seen: Tensor,
    occlusion: Tensor,
) -> Tensor:  # fmt: skip
    """Radiance (P, 3). sun_seen (P,), point_seen (P, L) and occlusion (P,) are in [0, 1]."""
    frame = hits.frame
    direction = take(lights.sun_direction, frame)
    out = ggx(surface, hits.view, direction) * take(lights.sun, frame) * sun_seen[:, None]
    for index in range(lights.points.shape[1]):
        spot = take(lights.points[:, index], frame)
        away = spot[:, :3] - hits.point
        distance2 = dot(away, away).clamp(min=0.05)
        power = (point_seen[:, index] / distance2)[:, None] * spot[:, 3:]
        out = out + ggx(surface, hits.view, away / distance2.sqrt()[:, None]) * power
    up = 0.5 + 0.5 * surface.normal[:, 1:2]
    around = torch.lerp(take(lights.ground, frame), take(0.5 * (lights.zenith + lights.horizon), frame), up)
    shade_factor = (take(lights.ambient, frame) * occlusion)[:, None]
    out = out + surface.colour * (1 - surface.metal[:, None]) * around * shade_factor
    mirror = 2 * dot(hits.view, surface.normal)[:, None] * surface.normal - hits.view
    sky = sky_radiance(lights, frame, mirror, clouds=False)
    sky = torch.lerp(sky, around, surface.rough[:, None].sqrt())
    out = out + environment_specular(surface, hits.view) * sky * shade_factor
    out = out + surface.colour * surface.emit[:, None]
    if bool((lights.fog > 0).any()):
        thick = 1 - torch.exp(-take(lights.fog, frame) * hits.depth)
        out = torch.lerp(out, take(lights.horizon, frame) * 0.95, thick[:, None])
    return out


def sun_positions(lights: Lights, origin: Tensor) -> Tensor:
    """The sun as a far point (B, 3)."""
    return origin.float() + SUN_DISTANCE * lights.sun_direction


def ambient_occlusion(depth: Tensor, normal: Tensor, focal: Tensor) -> Tensor:
    """Screen-space occlusion (B, H, W) in [0.3, 1]: nearby surfaces in front of the tangent plane.

    depth (B, H, W), inf where nothing is hit; normal (B, H, W, 3) camera axes (OpenGL).
    """
    batch, height, width = depth.shape
    finite = torch.where(torch.isfinite(depth), depth, 1e4)
    x = torch.arange(width, device=depth.device) + 0.5 - width / 2
    y = height / 2 - 0.5 - torch.arange(height, device=depth.device)
    scale = finite / focal[:, None, None]
    points = torch.stack((x * scale, y[:, None] * scale, -finite))
    nx, ny, nz = (n.contiguous() for n in normal.unbind(-1))
    total = torch.zeros_like(depth)
    near, far = max(1, height // 50), max(2, height // 22)
    offsets = ((near, 0), (-near, 0), (0, near), (0, -near), (far, far), (far, -far),
               (-far, far), (-far, -far))  # fmt: skip
    # Past the rim nothing is known: the rim's own surface goes on there.
    around = torch.nn.functional.pad(points, (far, far, far, far), mode="replicate")
    for dy, dx in offsets:
        top, left = far - dy, far - dx
        ox, oy, oz = around[:, :, top : top + height, left : left + width] - points
        length2 = (ox * ox).addcmul_(oy, oy).addcmul_(oz, oz).add_(1e-4)
        rise = (ox * nx).addcmul_(oy, ny).addcmul_(oz, nz).div_(length2.sqrt())
        total += rise.sub_(0.08).clamp_(0, 1).div_(length2.mul_(2.0).add_(1.0))
    return (1 - 1.6 * total / len(offsets)).clamp(0.3, 1)
