"""The demo's page: whole, self-contained, and its examples need no network."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from visiongen.cli import demo_examples
from visiongen.cli.demo_page import DepthScale, build


class Tags(HTMLParser):
    """Collects addresses and checks that tags nest."""

    VOID = ("meta", "img", "br", "link")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.images = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.images += tag == "img"
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def example() -> demo_examples.Example:
    photo = np.random.default_rng(0).integers(0, 256, (40, 56, 3), np.uint8)
    depth = np.linspace(1, 30, 40 * 56, dtype=np.float32).reshape(40, 56)
    depth[:8] = np.inf
    normals = np.zeros((40, 56, 3), np.float32)
    normals[..., 2] = 1
    normals[:8] = np.nan
    classes = np.zeros((40, 56), np.uint8)
    classes[:8] = 255
    truth = {"semantic": classes, "depth": depth, "normals": normals}
    return demo_examples.Example("Noise <tag>", "made here", photo, None, truth)


def test_page_is_whole_and_self_contained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from visiongen.backbones.embedded import EmbeddedBackbone
    from visiongen.cli import demo_page

    monkeypatch.setattr(demo_page, "BACK_SIZE", 32)
    monkeypatch.setattr(demo_page, "NOTHING_SIZE", (16, 24))
    path = build(tmp_path, EmbeddedBackbone.random("nano"), [example()])
    html = path.read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    # 5 pictures and a bar a task with truth, one more bar for depth; 3 pairs back; 4 from nothing
    assert tags.images == 3 * 5 + 3 + 1 + 6 + 4
    assert all(address.startswith("data:image/") for address in tags.addresses)
    assert "Noise &lt;tag&gt;" in html and "<tag>" not in html
    assert re.search(r"AbsRel \d", html) and "mIoU" in html and "mean error" in html
    assert [p.name for p in tmp_path.iterdir()] == ["index.html"]


def test_the_command_writes_the_page_and_names_it(
    tmp_path: Path, nano_weights: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    from visiongen.cli import demo_page
    from visiongen.cli.main import main

    monkeypatch.setattr(demo_page, "examples", lambda: [example()])
    monkeypatch.setattr(demo_page, "BACK_SIZE", 32)
    monkeypatch.setattr(demo_page, "NOTHING_SIZE", (16, 24))
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)  # of this process: the other tests'
    assert main(["demo", "--out", str(tmp_path / "o"), "--weights", nano_weights]) == 0
    named = Path(capsys.readouterr().out.strip())
    assert named == (tmp_path / "o" / "index.html").resolve() and "weights random-nano" in named.read_text()
    assert main(["demo", "--out", str(tmp_path / "p"), "--weights", "nosuch"]) == 3
    assert not (tmp_path / "p").exists()


def test_photos_come_from_the_installed_package(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refused(*_: object) -> None:
        raise AssertionError("the demo went to the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    found = demo_examples.examples()
    assert len(found) >= 3
    for shown in found:
        assert shown.photo.dtype == np.uint8 and shown.photo.shape[2] == 3
        for truth in shown.truth.values():
            assert truth.shape[:2] == shown.photo.shape[:2]


def test_motorcycle_depth_is_in_metres() -> None:
    disparity = np.array([[60.0, 7.2, np.inf, np.nan, 0.0]], np.float32)
    depth = demo_examples.motorcycle_depth(disparity)[0]
    assert depth[0] == pytest.approx(2.108, abs=1e-3) and depth[1] == pytest.approx(5.016, abs=1e-3)
    assert np.isnan(depth[2:]).all()


def test_depth_colours_order() -> None:
    scale = DepthScale(np.linspace(1, 50, 1000)[None])
    near, far, sky, unknown = scale.paint(np.array([[1.0, 49.0, np.inf, np.nan]]))[0].astype(int)
    assert near[0] > near[2] and far[2] > far[0]
    assert (sky == scale.paint(np.array([[1e9]]))[0, 0]).all()
    assert (unknown == 128).all()
