"""Depth and normals against closed forms."""

from __future__ import annotations

import math

import torch
from world_handmade import GREY, empty, look, rays

from visiongen.world.geometry import rotations
from visiongen.world.scene import Camera


def opengl(normal: torch.Tensor) -> torch.Tensor:
    return normal * torch.tensor([1.0, 1.0, -1.0], dtype=normal.dtype)


def test_ground_plane_has_depth_of_height_over_slope():
    scene = empty(Camera(0, 1.5, 0))
    scene.thing("floor").box((0, -1, 0), (500, 1, 500), GREY)
    frames, _ = look(scene)
    d = rays(frames, 48, 64)
    expected = 1.5 / -d[..., 1]
    seen = (d[..., 1] < 0) & (expected < 400)
    assert torch.equal(frames.valid[0] & (frames.depth[0] < 400), seen)
    assert torch.allclose(frames.depth[0][seen].double(), expected[seen], rtol=1e-5)
    assert torch.allclose(
        frames.normals[0][seen], torch.tensor([0.0, 1.0, 0.0]).expand(int(seen.sum()), 3), atol=1e-6
    )
    assert torch.isinf(frames.depth[0][~frames.valid[0]]).all()


def test_sphere_meets_the_quadratic_formula():
    scene = empty()
    centre, r = torch.tensor([0.4, -0.2, 5.0], dtype=torch.float64), 1.2
    scene.thing("ball").ball(tuple(centre.tolist()), r, GREY)
    frames, _ = look(scene)
    d = rays(frames, 48, 64)
    a, b = (d * d).sum(-1), (d * centre).sum(-1)
    disc = b * b - a * ((centre * centre).sum() - r * r)
    hit = disc > 1e-3
    t = (b - disc.clamp(min=0).sqrt()) / a
    assert (frames.valid[0] == (disc >= 0))[hit | (disc < -1e-3)].all()
    assert torch.allclose(frames.depth[0][hit].double(), t[hit], rtol=2e-5)
    normal = opengl((t[..., None] * d - centre) / r)
    cosine = (frames.normals[0].double() * normal).sum(-1)[hit]
    assert cosine.min() > math.cos(math.radians(0.3))


def test_small_far_sphere_keeps_its_outline_and_depth():
    scene = empty(Camera(y=0.0, hfov=math.radians(2)))
    scene.thing("ball").ball((0.0, 0.0, 60.0), 0.3, GREY)
    frames, _ = look(scene)
    d = rays(frames, 48, 64)
    a, b = (d * d).sum(-1), d[..., 2] * 60.0
    disc = b * b - a * (3600 - 0.09)
    hit = disc > 0.02
    t = (b - disc.clamp(min=0).sqrt()) / a
    assert hit.sum() > 100
    assert (frames.depth[0][hit].double() - t[hit]).abs().max() < 2e-3


def test_turned_box_against_slabs():
    scene = empty()
    yaw, pitch, roll = 0.6, 0.3, -0.2
    half = torch.tensor([0.8, 0.5, 1.1], dtype=torch.float64)
    centre = torch.tensor([-0.3, 0.2, 4.0], dtype=torch.float64)
    scene.thing("box").box(
        tuple(centre.tolist()), tuple(half.tolist()), GREY, yaw=yaw, pitch=pitch, roll=roll
    )
    frames, _ = look(scene)
    d = rays(frames, 48, 64)
    turn = rotations(*(torch.tensor([v], dtype=torch.float64) for v in (yaw, pitch, roll)))[0]
    local_d, local_o = d @ turn, -(centre @ turn)
    t1, t2 = (-half - local_o) / local_d, (half - local_o) / local_d
    near = torch.minimum(t1, t2)
    enter, leave = near.amax(-1), torch.maximum(t1, t2).amin(-1)
    hit = enter < leave
    sure = (enter - leave).abs() > 1e-4
    assert torch.equal(frames.valid[0][sure], hit[sure])
    both = hit & sure
    assert torch.allclose(frames.depth[0][both].double(), enter[both], rtol=1e-5)
    axis = near.argmax(-1)
    normal = -torch.sign(torch.gather(local_d, -1, axis[..., None])) * turn.T[axis]
    cosine = (frames.normals[0].double() * opengl(normal)).sum(-1)[both]
    assert (cosine > 1 - 1e-6).float().mean() > 0.99  # an edge pixel may name the other face


def test_cylinder_side_and_cap():
    scene = empty(Camera(0, 2.0, 0, pitch=-0.5))
    scene.thing("can").tube((0, 0.5, 3.0), 0.7, 0.5, GREY)
    frames, _ = look(scene)
    d = rays(frames, 48, 64)
    c, s = math.cos(-0.5), math.sin(-0.5)
    world = torch.stack([d[..., 0], c * d[..., 1] + s * d[..., 2], -s * d[..., 1] + c * d[..., 2]], -1)
    cap = (1.0 - 2.0) / world[..., 1]
    on_cap = (world[..., 1] < 0) & (torch.hypot(cap * world[..., 0], cap * world[..., 2] - 3.0) < 0.699)
    assert on_cap.sum() > 50
    assert torch.allclose(frames.depth[0][on_cap].double(), cap[on_cap], rtol=1e-5)
    a = world[..., 0] ** 2 + world[..., 2] ** 2
    b = -3.0 * world[..., 2]
    disc = b * b - a * (9 - 0.49)
    t = (-b - disc.clamp(min=0).sqrt()) / a
    y = 2.0 + t * world[..., 1]
    on_side = (disc > 1e-3) & (y > 0.001) & (y < 0.999)
    assert on_side.sum() > 50
    assert torch.allclose(frames.depth[0][on_side].double(), t[on_side], rtol=1e-5)


def test_cone_seen_from_above_shows_its_flank():
    scene = empty(Camera(0, 4.0, 0, pitch=-math.pi / 2))
    scene.thing("toy").tube((0, 1.0, 0), 1.0, 1.0, GREY, top=0.0)
    frames, _ = look(scene, 64, 64)
    d = rays(frames, 64, 64)
    # from height 4 the flank at radius r has height 2 (1 - r): r = q t, t = 4 - 2 (1 - r)
    q = torch.hypot(d[..., 0], d[..., 1])
    t = 2 / (1 - 2 * q)
    inside = (q < 0.24) & (q * t < 0.99)
    assert inside.sum() > 100
    assert torch.allclose(frames.depth[0][inside].double(), t[inside], rtol=1e-4)


def test_gable_roof_slope():
    scene = empty(Camera(0, 1.0, 0))
    scene.thing("building").box((0, 1.0, 6.0), (2.0, 1.0, 1.0), GREY, kz=1.0)
    frames, _ = look(scene)
    d = rays(frames, 48, 64)
    # the front slope runs from (y 0, z 5) to (y 2, z 6): z = 5 + y / 2
    t = (5 + 0.5) / (1 - d[..., 1] / 2)
    y = 1.0 + t * d[..., 1]
    hit = (y > 0.01) & (y < 1.99) & ((t * d[..., 0]).abs() < 1.99)
    assert torch.allclose(frames.depth[0][hit].double(), t[hit], rtol=1e-5)
    slope = torch.tensor([0.0, 0.5, 1.0]) / math.sqrt(1.25)
    assert torch.allclose(frames.normals[0][hit], slope.expand(int(hit.sum()), 3), atol=1e-5)


def test_height_field_points_lie_on_the_surface():
    from visiongen.world.geometry import Primitives, field_height, field_waves

    scene = empty(Camera(0, 2.0, -4.0, pitch=-0.4))
    scene.thing("grass").relief((0, 0, 1.0), (3.0, 0.4, 3.0), GREY, waves=1.5)
    frames, _ = look(scene)
    prims = Primitives.build(torch.from_numpy(scene.table()), torch.zeros(1, dtype=torch.long))
    d = rays(frames, 48, 64)
    c, s = math.cos(-0.4), math.sin(-0.4)
    world = torch.stack([d[..., 0], c * d[..., 1] + s * d[..., 2], -s * d[..., 1] + c * d[..., 2]], -1)
    valid = frames.valid[0]
    point = torch.tensor([0.0, 2.0, -4.0]) + frames.depth[0][valid].double()[:, None] * world[valid]
    local = (point - torch.tensor([0.0, 0.0, 1.0])) / torch.tensor([3.0, 0.4, 3.0])
    height = field_height(field_waves(prims), local[None, :, 0], local[None, :, 2])[0]
    inner = (local[:, 0].abs() < 0.98) & (local[:, 2].abs() < 0.98)
    gap = (local[:, 1] - height).abs()[inner]
    assert inner.sum() > 500
    assert (gap < 2e-3).float().mean() > 0.99
