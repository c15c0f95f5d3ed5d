"""In-context prediction: what is made of the examples, and what is refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pictures

from visiongen.errors import InputError, MissingDataError, UsageError
from visiongen.prompt import Legend
from visiongen.registry import CODECS
from visiongen.tasks import predict
from visiongen.tasks.codecs import write_map_png
from visiongen.tasks.codecs.depth import CubeWalk
from visiongen.tasks.codecs.gray import AlphaGray
from visiongen.tasks.codecs.importers.depth import MarigoldDepth
from visiongen.tasks.codecs.importers.painter import PainterPalette
from visiongen.tasks.codecs.legend import LegendNearest
from visiongen.tasks.codecs.panoptic import BorderPanoptic
from visiongen.tasks.depth import DepthPrediction
from visiongen.tasks.example_pairs import flat_colours, read_pairs
from visiongen.tasks.matting import MattingPrediction
from visiongen.tasks.panoptic import PanopticPrediction
from visiongen.training.targets.rules import TEXT

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (96, 128, 3), np.uint8)
RED, BLUE, BLACK = (220, 30, 40), (30, 60, 220), (0, 0, 0)


def disc(colour=RED, rest=BLACK, size=(96, 128)) -> np.ndarray:
    image = np.empty((*size, 3), np.uint8)
    image[:] = rest
    return cv2.circle(image, (size[1] // 2, size[0] // 2), size[0] // 4, colour, -1)


def save(path: Path, image: np.ndarray) -> Path:
    Pictures.fromarray(image).save(path)
    return path


def test_flat_maps_become_an_unnamed_legend(known_backbone) -> None:
    result = predict("incontext", PHOTO, examples=[(PHOTO, disc())], backbone=known_backbone())
    assert result.task == "incontext" and result.prompt.text == TEXT and result.unit == "class id"
    assert result.legend == Legend(("?1", "?2"), (RED, BLACK)), "the largest entry is the last"
    assert set(np.unique(result.labels)) == {0, 1} and result.labels.shape == (96, 128)
    (example,) = result.prompt.examples
    assert example.photo.shape == example.map.shape == (96, 128, 3)
    assert set(result.summary()["share"]) == {"?1", "?2"}


def test_colours_are_collected_over_all_examples(known_backbone) -> None:
    pairs = [(PHOTO, disc()), (PHOTO[:48, :64].copy(), disc(BLUE, size=(48, 64)))]
    prompt = predict("incontext", PHOTO, examples=pairs, backbone=known_backbone()).prompt
    assert prompt.legend is not None and set(prompt.legend.colours) == {RED, BLUE, BLACK}
    assert prompt.legend.colours[-1] == BLACK
    assert len({example.map.shape for example in prompt.examples}) == 1
    for example in prompt.examples:
        assert {tuple(c) for c in example.map.reshape(-1, 3).tolist()} <= set(prompt.legend.colours)


def test_jpeg_and_soft_borders_stay_flat(tmp_path: Path) -> None:
    sharp = disc(size=(240, 320))
    soft = cv2.GaussianBlur(sharp, (0, 0), 1.0)
    Pictures.fromarray(soft).save(tmp_path / "m.jpg", quality=85)
    big = cv2.resize(PHOTO, (320, 240))
    pairs = read_pairs([(big, tmp_path / "m.jpg")])
    assert pairs.legend is not None and len(pairs.legend) == 2
    gap = np.abs(np.array(pairs.legend.colours) - [RED, BLACK]).max()
    assert gap <= 10
    wanted = cv2.resize(sharp, (128, 96), interpolation=cv2.INTER_NEAREST)
    away = abs(pairs.examples[0].map.astype(int) - wanted).max(axis=2)
    assert (away > 10).mean() < 0.01


def test_what_is_flat() -> None:
    ramp = np.repeat(np.linspace(0, 255, 128).astype(np.uint8)[None, :, None], 96, 0).repeat(3, 2)
    assert flat_colours([ramp]) is None and flat_colours([PHOTO]) is None
    colours = flat_colours([disc(), disc(BLUE)])
    assert colours is not None and {tuple(c) for c in colours.tolist()} == {RED, BLUE, BLACK}
    near = disc((9, 0, 0))
    one, two = flat_colours([near]), flat_colours([near], tolerance=5)
    assert one is not None and len(one) == 1 and two is not None and len(two) == 2
    for pixels, count in ((12, 2), (60, 3)):  # of 12288: 0.1 and 0.5 %
        speckled = disc()
        speckled[:3, : pixels // 3] = BLUE
        found = flat_colours([speckled])
        assert found is not None and len(found) == count
    for share, flat in ((0.05, True), (0.15, False)):  # pixels of any colour
        noisy = disc()
        noisy[:, : int(128 * share)] = RNG.integers(0, 256, (96, int(128 * share), 3))
        assert (flat_colours([noisy]) is not None) == flat
    line = np.zeros((96, 128, 3), np.uint8)
    line[:, 90:], line[:, 40] = 100, 200  # on the line of the other two, but not between them
    found = flat_colours([line])
    assert found is not None and found[:, 0].tolist() == [0, 100, 200]
    cells = np.kron(RNG.permutation(27).reshape(3, 9), np.ones((10, 10), int))
    grid = (np.stack([cells // 9, cells // 3 % 3, cells % 3], -1) * 120).astype(np.uint8)
    found = flat_colours([grid])
    assert found is not None and len(found) == 27


def test_every_pixel_of_a_flat_map_is_compared_once(monkeypatch) -> None:
    """Once for each colour that is a mix of others, a map of a camera's size took a minute."""
    from visiongen.tasks import example_pairs
    from visiongen.tasks.codecs import legend

    compared, plain = [], legend.squared_distances
    for module in (legend, example_pairs):
        monkeypatch.setattr(
            module, "squared_distances", lambda p, c: (compared.append(len(p)), plain(p, c))[1]
        )
    colours = np.stack([np.arange(27) // 9, np.arange(27) // 3 % 3, np.arange(27) % 3], -1)
    wide = np.where((colours == 1).any(axis=1), 20, 40)  # mixes of others are rarer than these
    cells = np.arange(27).repeat(wide)[None].repeat(100, 0)
    grid = (colours[cells] * 120).astype(np.uint8)
    found = flat_colours([grid])
    assert found is not None and len(found) == 27, "many are mixes, but none is thin"
    assert max(compared) < cells.size <= sum(compared) < 2 * cells.size


def test_named_maps_keep_their_names(tmp_path: Path, known_backbone) -> None:
    legend = Legend.parse("car=#dc1e28,sky=#00ff00,other=#000000")
    path = write_map_png(tmp_path / "m.png", disc(), LegendNearest(legend))
    result = predict("incontext", PHOTO, examples=[(PHOTO, path)], backbone=known_backbone())
    assert result.prompt.legend is not None and result.prompt.legend.names == ("?1", "?2")
    assert result.legend is not None and result.legend.names == ("car", "other"), "no example shows sky"
    assert set(result.summary()["share"]) == {"car", "other"}
    assert [name for name, _ in result.as_dict()["legend"]] == ["car", "other"]


PANOPTIC = BorderPanoptic(
    Legend.parse("car=#dc1e28,cup=#20d040,sky=#30d0f0,road=#2040a0,border=#ffffff"),
    things=("car", "cup"),
    min_area=9,
    width=3,
)


def two_cars() -> np.ndarray:
    """Two cars that touch, on a road, and no sky and no cup; int (96, 128)."""
    labels = np.full((96, 128), 3000)
    labels[20:60, 20:60], labels[20:60, 60:100] = 1, 2
    return labels


def test_panoptic_maps_keep_their_things_and_their_border(tmp_path: Path) -> None:
    """Of the example's codec: the border, which is not the largest, is last, and cars are counted."""
    painted = PANOPTIC.encode(two_cars())
    path = write_map_png(tmp_path / "x.panoptic.map.png", painted, PANOPTIC)
    pairs = read_pairs([(PHOTO, path)])
    assert isinstance(pairs.codec, BorderPanoptic) and pairs.codec.things == ("car",)
    assert pairs.codec.legend.names == ("car", "road", "border")
    assert (pairs.codec.width, pairs.codec.min_area) == (3, 9)
    assert pairs.legend is not None and pairs.legend.colours[-1] == (32, 64, 160), "largest last"
    for task in ("incontext", "panoptic"):
        result = predict(task, PHOTO, examples=[(PHOTO, path)], backbone=Fixed(painted), long_side=128)
        assert isinstance(result, PanopticPrediction) and result.task == task
        assert result.legend is not None and result.legend.names == ("car", "road", "border")
        assert result.summary()["segments"] == {"car": 2, "road": 1}
        files = [file.name for file in result.save(tmp_path, "photo")]
        assert f"photo.{task}.coco.png" in files
    with pytest.raises(UsageError, match="ask for panoptic"):
        predict("semantic", PHOTO, examples=[(PHOTO, path)], backbone=Fixed(painted))


def test_panoptic_examples_in_tiles(tmp_path: Path) -> None:
    path = write_map_png(tmp_path / "x.png", PANOPTIC.encode(two_cars()), PANOPTIC)
    codec = read_pairs([(PHOTO, path)]).codec
    result = predict(
        "incontext", PHOTO, examples=[(PHOTO, path)], long_side=64, tile=True,
        backbone=Window(lambda size: codec.encode(np.where(np.indices(size)[1] < 40, 1, 1000))),
    )  # fmt: skip
    assert isinstance(result, PanopticPrediction) and {"car", "road"} == set(result.summary()["segments"])
    assert np.array_equal(codec.decode(result.map)[0], result.labels)


def test_what_has_no_name_is_counted_only_when_told(known_backbone) -> None:
    asked = {"examples": [(PHOTO, disc())], "long_side": 64}
    found = predict("panoptic", PHOTO, backbone=known_backbone(), **asked)
    assert found.codec.things == () and not (found.labels % 1000).any(), "black is no counted thing"
    told = predict("panoptic", PHOTO, backbone=Fixed(disc()), things="?1", **asked | {"long_side": 128})
    assert told.codec.things == ("?1",) and set(np.unique(told.labels)) == {1, 1000}
    with pytest.raises(UsageError, match="'\\?3' is no class"):
        predict("panoptic", PHOTO, backbone=known_backbone(), things=("?3",), **asked)


def test_maps_of_other_painters_palettes() -> None:
    """Nearest colour of those shown, under the palette's names; never a bare assertion."""
    codec = PainterPalette()
    labels = np.where(np.indices((96, 128))[1] < 50, 2, 13)
    painted = codec.encode(labels)
    result = predict(
        "incontext", PHOTO, examples=[(PHOTO, painted)], example_codec="legend/painter@1",
        backbone=Fixed(painted), long_side=128,
    )  # fmt: skip
    assert result.legend is not None and result.legend.names == ("ade20k 2", "ade20k 13")
    assert np.array_equal(result.labels, labels == 13)


def test_maps_that_no_task_reads_are_refused_before_painting(tmp_path: Path, known_backbone) -> None:
    codec, backbone = MarigoldDepth(), known_backbone()
    path = write_map_png(tmp_path / "m.png", codec.encode(np.ones((96, 128), np.float32)), codec)
    with pytest.raises(UsageError, match="depth/marigold@1 have no task"):
        predict("incontext", PHOTO, examples=[(PHOTO, path)], backbone=backbone)
    assert not backbone.seen


def test_continuous_maps_are_decoded_by_their_codec(tmp_path: Path) -> None:
    """The canvas is what the generator painted; metres come from the codec that the examples carry."""
    metres = np.linspace(1, 20, 96 * 128, dtype=np.float32).reshape(96, 128)
    path = write_map_png(tmp_path / "d.png", CubeWalk().encode(metres), CubeWalk())
    for example_codec, given in ((None, path), ("depth/cubewalk@1", CubeWalk().encode(metres))):
        backbone = Fixed(CubeWalk().encode(metres))
        result = predict(
            "incontext", PHOTO, examples=[(PHOTO, given)], backbone=backbone, example_codec=example_codec,
            long_side=128,
        )  # fmt: skip
        assert isinstance(result, DepthPrediction) and result.unit == "m" and result.task == "incontext"
        assert result.prompt.legend is None and np.abs(result.labels / metres - 1).max() < 0.01


class Fixed:
    """A backbone that paints one picture, whatever it is asked."""

    weights = None

    def __init__(self, image: np.ndarray) -> None:
        self.image = image

    def scene(self, photo=None, size=None):
        return self

    def paint(self, prompts, sampler=None):
        from visiongen.backbones.base import Canvas

        return [Canvas(self.image, None, True, 0, 96, None) for _ in prompts]


class Window(Fixed):
    """A backbone that paints ``picture(size)`` of every scene, whatever it is asked."""

    def __init__(self, picture) -> None:
        self.picture = picture

    def scene(self, photo=None, size=None):
        self.image = self.picture(photo.shape[:2])
        return self


@pytest.mark.parametrize("name", ["instance/distinct@1", "instance/centre@1"])
def test_instances_in_tiles(name: str) -> None:
    """Blended tiles have no ids yet: they are found in the blend, as by the task of instances itself."""
    codec = CODECS.get(name)()
    ids = np.zeros((96, 128), np.int32)
    ids[20:70, 10:50], ids[30:80, 70:120] = 1, 2

    def paint(size: tuple[int, int]) -> np.ndarray:
        return codec.encode(cv2.resize(ids, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT))

    result = predict(
        "incontext", PHOTO, examples=[(PHOTO, codec.encode(ids))], example_codec=name,
        backbone=Window(paint), long_side=64, tile=True,
    )  # fmt: skip
    assert result.labels.shape == PHOTO.shape[:2] and result.labels.max() >= 1


def test_more_instances_in_tiles_than_there_are_colours() -> None:
    """No tile shows more than six; together they are 13 x 21, and all of them are found."""
    codec = CODECS.get("instance/distinct@1")()

    def paint(size: tuple[int, int]) -> np.ndarray:
        y, x = np.indices(size)  # tiles begin at multiples of 24
        return codec.encode(np.where((y % 24 < 16) & (x % 24 < 16), y // 24 * 5 + x // 24 + 1, 0))

    photo, small = np.zeros((304, 496, 3), np.uint8), np.zeros((40, 64, 3), np.uint8)
    result = predict(
        "incontext", photo, examples=[(small, paint((40, 64)))], example_codec=codec.name,
        backbone=Window(paint), long_side=64, tile=True,
    )  # fmt: skip
    assert len(np.unique(result.labels)) == 1 + 13 * 21
    assert np.array_equal(result.map.any(axis=2), result.labels > 0)


def test_gray_maps(tmp_path: Path) -> None:
    alpha = np.tile(np.linspace(0, 1, 128, dtype=np.float32), (96, 1))
    path = write_map_png(tmp_path / "a.png", AlphaGray().encode(alpha), AlphaGray())
    backbone = Fixed(AlphaGray().encode(alpha))
    result = predict("incontext", PHOTO, examples=[(PHOTO, path)], backbone=backbone, long_side=128)
    assert isinstance(result, MattingPrediction) and np.abs(result.labels - alpha).max() < 0.01
    assert result.prompt.legend is not None and set(result.prompt.legend.colours) == {(255,) * 3, BLACK}
    assert set(np.unique(result.prompt.examples[0].map)) == {0, 255}, "examples with a legend are flat"


def test_small_maps_of_large_photos(tmp_path: Path) -> None:
    """visiongen's own maps are smaller than the photo: they go together when the shape is the same."""
    photo = cv2.resize(PHOTO, (500, 333))
    pairs = read_pairs([(photo, disc(size=(104, 160)))])
    assert pairs.examples[0].map.shape[:2] == (88, 128)
    with pytest.raises(InputError, match="example 1: the photo is 500x333, its map 100x100"):
        read_pairs([(photo, disc(size=(100, 100)))])


def test_refusals(tmp_path: Path, known_backbone) -> None:
    backbone = known_backbone()
    pair = (PHOTO, disc())
    legend = write_map_png(tmp_path / "l.png", disc(), LegendNearest(Legend.parse("a=#dc1e28,b=#000000")))
    flat = CubeWalk().encode(np.full((96, 128), 3, np.float32))
    depth = write_map_png(tmp_path / "d.png", flat, CubeWalk())
    (tmp_path / "bad.png").write_bytes(b"no picture")
    cases = [
        ([], UsageError, "none given"),
        ([pair] * 5, UsageError, "5 given; at most 4"),
        ([pair[0]], UsageError, "give a pair"),
        ([(PHOTO, tmp_path / "bad.png")], InputError, "not an image"),
        ([(PHOTO, tmp_path / "missing.png")], MissingDataError, "no such file"),
        ([(PHOTO, legend), (PHOTO, depth)], UsageError, "example 2: painted with depth"),
        ([(PHOTO.astype(float), disc())], InputError, "example 1"),
    ]
    for pairs, kind, words in cases:
        with pytest.raises(kind, match=words):
            predict("incontext", PHOTO, examples=pairs, backbone=backbone)
    with pytest.raises(UsageError, match="none given"):
        predict("incontext", PHOTO, backbone=backbone)
    assert not backbone.seen, "nothing was painted"


def test_any_task_may_be_shown(tmp_path: Path, known_backbone) -> None:
    metres = CubeWalk().encode(np.full((96, 128), 3, np.float32))
    result = predict("depth", PHOTO, examples=[(PHOTO, metres)], backbone=known_backbone())
    assert result.prompt.text == TEXT and result.task == "depth" and len(result.prompt.examples) == 1
    with pytest.raises(UsageError, match="example 1: painted with"):
        path = write_map_png(tmp_path / "l.png", disc(), LegendNearest(Legend.parse("a=#dc1e28")))
        predict("depth", PHOTO, examples=[(PHOTO, path)], backbone=known_backbone())
    result = predict(
        "semantic", PHOTO, legend="ball=#d01020,other=#101010", examples=[(PHOTO, disc())],
        backbone=known_backbone(),
    )  # fmt: skip
    assert result.legend is not None and result.legend.names == ("ball", "other")
    colours = {tuple(c) for c in result.prompt.examples[0].map.reshape(-1, 3).tolist()}
    assert colours == set(result.legend.colours), "snapped to the legend that was asked for"
    result = predict("semantic", PHOTO, examples=[(PHOTO, disc())], backbone=known_backbone())
    assert result.legend is not None and result.legend.names == ("?1", "?2")


def test_maps_are_brought_to_the_callers_legend_by_their_names(tmp_path: Path, known_backbone) -> None:
    """By colour alone the car, which is blue in the caller's legend, would become a road."""
    own = LegendNearest(Legend.parse("car=#dc1e28,other=#000000"))
    path = write_map_png(tmp_path / "m.png", disc(), own)
    legend = Legend.parse("road=#e02020,car=#1e3cdc,rest=#101010")
    result = predict("semantic", PHOTO, legend=legend, examples=[(PHOTO, path)], backbone=known_backbone())
    shown = result.prompt.examples[0].map
    assert result.legend == legend and tuple(shown[48, 64]) == legend.colours[1]
    assert tuple(shown[0, 0]) == legend.colours[2], "what the legend does not name takes the nearest colour"
    with pytest.raises(UsageError, match=r"example 1: give a pair"):
        predict("semantic", PHOTO, legend=legend, examples=[PHOTO], backbone=known_backbone())


def test_things_of_panoptic_maps_are_counted_in_the_callers_legend_too(tmp_path: Path) -> None:
    from visiongen.tasks.predicting import make_orders

    path = write_map_png(tmp_path / "m.png", PANOPTIC.encode(two_cars()), PANOPTIC)
    legend = "cup=#20d040,lamp=#f0f000,car=#ff00ff,road=#2040a0"
    (task,), (prompt,) = make_orders(["panoptic"], PHOTO, legend=legend, examples=[(PHOTO, path)])
    codec = task.codec(prompt.legend)
    assert isinstance(codec, BorderPanoptic) and set(codec.things) == {"car", "cup"}, "a lamp is none there"
    assert tuple(prompt.examples[0].map[50, 40]) == (255, 0, 255)
    with pytest.raises(UsageError, match="ask for panoptic"):
        make_orders(["semantic"], PHOTO, legend=legend, examples=[(PHOTO, path)])


def test_the_nano_backbone_reads_examples() -> None:
    """With random weights the answer means nothing, but other examples give another one."""
    from visiongen.backbones.embedded import EmbeddedBackbone

    asked = {"backbone": EmbeddedBackbone.random("nano"), "long_side": 64, "guided": False}
    maps = [disc(), disc(size=(96, 128))[:, ::-1].copy()]
    maps[1][:, :64] = RED
    results = [predict("incontext", PHOTO, examples=[(PHOTO, m)], **asked) for m in maps]
    again = predict("incontext", PHOTO, examples=[(PHOTO, maps[0])], **asked)
    assert np.array_equal(results[0].map, again.map)
    assert not np.array_equal(results[0].map, results[1].map)
