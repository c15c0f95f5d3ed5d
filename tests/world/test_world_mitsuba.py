"""Depth and normals against Mitsuba's AOVs (optional extra: pip install 'visiongen[mitsuba]')."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from world_handmade import GREY, empty

from visiongen.world.camera import Cameras
from visiongen.world.geometry import Primitives
from visiongen.world.render import trace
from visiongen.world.scene import BOX, FRUSTUM, SPHERE, Camera, Scene

mi = pytest.importorskip("mitsuba", reason="the extra 'mitsuba' is not installed")
HEIGHT, WIDTH = 96, 128
FLIP = np.diag([1.0, 1.0, -1.0])  # our world is x right, y up, z forward; Mitsuba's right-handed


def hand_scene() -> Scene:
    scene = empty(Camera(0.2, 1.5, -1.0, yaw=0.1, pitch=-0.15, hfov=math.radians(60)))
    scene.thing("floor").box((0, -0.5, 10), (20, 0.5, 20), GREY)
    scene.thing("wall").box((0, 2.0, 9), (8, 2.0, 0.3), GREY, yaw=0.2)
    scene.thing("box").box((-1.2, 0.5, 4), (0.5, 0.5, 0.7), GREY, yaw=0.7, roll=0.2)
    scene.thing("ball").ball((0.9, 0.7, 3.5), 0.7, GREY)
    scene.thing("tree").ball((2.2, 1.5, 6), 0.8, GREY)
    scene.thing("pole").tube((-0.1, 1.0, 5.5), 0.25, 1.0, GREY, pitch=0.2)
    return scene


def to_mitsuba(scene: Scene):
    mi.set_variant("scalar_rgb")
    prims = Primitives.build(torch.from_numpy(scene.table()), torch.zeros(len(scene.rows), dtype=torch.long))
    world: dict = {"type": "scene"}
    for index in range(len(scene.rows)):
        matrix = np.eye(4)
        matrix[:3, :3] = FLIP @ prims.to_world[index].numpy() @ FLIP
        matrix[:3, 3] = FLIP @ prims.centre[index].numpy()
        kind = int(prims.kind[index])
        if kind == FRUSTUM:  # Mitsuba's cylinder is open, along z from 0 to 1: ours along y, closed
            turn = np.array([[1, 0, 0, 0], [0, 0, 2, -1], [0, 1, 0, 0], [0, 0, 0, 1.0]])
            matrix = matrix @ turn
        name = {BOX: "cube", SPHERE: "sphere", FRUSTUM: "cylinder"}[kind]
        world[f"p{index}"] = {"type": name, "to_world": mi.ScalarTransform4f(matrix)}
    return mi.load_dict(world)


@pytest.mark.slow
def test_depth_and_normals_equal_mitsuba():
    scene = hand_scene()
    frames, _ = trace([scene], HEIGHT, WIDTH)
    reference = to_mitsuba(scene)
    cameras = Cameras.build([scene.camera], HEIGHT, WIDTH, "cpu")
    origin, basis = cameras.origin[0].numpy(), cameras.basis[0].numpy()
    uv = cameras.ray_coordinates()[0].double().numpy()
    depth = np.full((HEIGHT, WIDTH), np.inf)
    normals = np.zeros((HEIGHT, WIDTH, 3))
    for y in range(HEIGHT):
        for x in range(WIDTH):
            ray = basis @ np.array([*uv[y, x], 1.0])
            length = np.linalg.norm(ray)
            hit = reference.ray_intersect(
                mi.Ray3f(mi.Point3f(*(FLIP @ origin)), mi.Vector3f(*(FLIP @ ray / length)))
            )
            if hit.is_valid():
                depth[y, x] = hit.t / length  # Mitsuba's t runs along the ray
                seen = basis.T @ FLIP @ np.array(hit.n)
                normals[y, x] = seen * [1, 1, -1]
    ours = frames.depth[0].numpy()
    valid = np.isfinite(depth) & np.isfinite(ours)
    assert (np.isfinite(depth) == np.isfinite(ours)).mean() > 0.995
    error = np.abs(ours[valid] - depth[valid])
    assert np.median(error) < 1e-3 and (error < 1e-3).mean() > 0.97
    cosine = np.abs((frames.normals[0].numpy() * normals).sum(-1))[valid]
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    print(f"depth median {np.median(error):.2e} m, normals median {np.median(angle):.4f} degree")
    assert np.median(angle) < 0.5 and (angle < 0.5).mean() > 0.97
