"""Several turns: the little language, what is held, and that what is held stays identical."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from visiongen.backbones.base import Canvas
from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.errors import UsageError
from visiongen.prompt import Legend
from visiongen.tasks import ask, predict
from visiongen.tasks.legend_change import change_legend, find, forms, singular
from visiongen.tasks.orders import followed
from visiongen.tasks.semantic import Semantic

LEGEND = Legend.parse("sky=#3077fb,car=#df0816,bus=#f9e03e,person=#0ca86c")
REST = Legend.parse("car=#df0816,other=#101010")
PHOTO = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)


@pytest.mark.parametrize(
    ("words", "names", "unchanged"),
    [
        ("only the cars", "car,other", (1,)),
        ("Only the cars and buses.", "car,bus,other", (1, 2)),
        ("now only cars, the bus & persons", "car,bus,person,other", (1, 2, 3)),
        ("without the sky", "car,bus,person,other", (1, 2, 3)),
        ("remove all cars and the sky", "bus,person,other", (2, 3)),
        ("also the poles", "sky,car,bus,person,pole", (0, 1, 2, 3)),
        ("add traffic lights and bushes", "sky,car,bus,person,traffic light,bush", (0, 1, 2, 3)),
        ("the cars in #00ffff", "sky,car,bus,person", (0, 2, 3)),
        ("cars in white", "sky,car,bus,person", (0, 2, 3)),
        ("rename car to van", "sky,van,bus,person", (0, 1, 2, 3)),
        ("only sky, car, bus and person", "sky,car,bus,person", (0, 1, 2, 3)),
    ],
)
def test_language(words: str, names: str, unchanged: tuple[int, ...]) -> None:
    change = change_legend(LEGEND, words)
    assert ",".join(change.legend.names) == names and change.unchanged == unchanged
    for old in unchanged:
        assert LEGEND.colours[old] in change.legend.colours
    gaps = np.linalg.norm(change.legend.array()[:, None] - change.legend.array()[None].astype(int), axis=2)
    assert gaps[~np.eye(len(gaps), dtype=bool)].min() > 60, "new colours are far from the others"


def test_an_entry_for_the_rest_is_used_again() -> None:
    change = change_legend(REST, "also the trees")
    assert change.legend.names == ("car", "other", "tree") and change.added == (2,)
    change = change_legend(change.legend, "without trees")
    assert change.legend == REST and change.unchanged == (0, 1)
    assert change_legend(LEGEND, "the bus in white").legend.colours[2] == (255, 255, 255)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("only the casr", "did you mean 'car'"),
        ("without zebras", "the legend has sky, car, bus, person"),
        ("make it nicer", 'say "only the cars"'),
        ("only", "not understood"),
        ("the cars in purplish", "CSS name"),
        ("the cars in #f8e040", "too near the colour of 'bus'"),
        ("also a car and the sky", "already"),
        ("the cars and the sky in red", "one entry"),
        ("rename car to van and truck", "one name at a time"),
        ("rename car and bus to van", "one name at a time"),
    ],
)
def test_what_is_not_understood_is_refused(words: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        change_legend(LEGEND, words)


def test_numbers() -> None:
    assert {singular(n) for n in ("poles", "Pole", "the pole"[4:])} == {"pole"}
    assert [singular(n) for n in ("bushes", "grass", "berries", "boxes")] == ["bush", "grass", "berry", "box"]
    plurals = ["school buses", "ties", "knives", "shelves", "tomatoes", "men", "houses", "gloves"]
    wanted = ["school bus", "tie", "knife", "shelf", "tomato", "man", "house", "glove"]
    assert [singular(n) for n in plurals] == wanted
    assert find(Legend.parse("man=#000000,child=#ffffff"), "the children"[4:]) == 1
    assert "knife" in forms("knives") and "bus" in forms("buses")
    assert find(Legend.parse("people=#000000,Traffic Light=#ffffff"), "traffic lights") == 1


def test_an_entry_of_that_very_name_is_meant() -> None:
    legend = Legend.parse("glass=#ff0000,glasses=#00ff00,man in black=#0000ff,other=#101010")
    assert change_legend(legend, "only the glasses").legend.names == ("glasses", "other")
    assert change_legend(legend, "only the  Glass").legend.names == ("glass", "other")
    changed = change_legend(legend, "the man in black in white").legend
    assert changed.names == legend.names and changed.colours[2] == (255, 255, 255)


@pytest.fixture(scope="module")
def backbone() -> EmbeddedBackbone:
    return EmbeddedBackbone.random("nano")


@pytest.fixture(scope="module")
def first(backbone: EmbeddedBackbone):
    """As if the generator had painted four stripes: sky, car, bus, person."""
    result = predict("semantic", PHOTO, legend=LEGEND, backbone=backbone, long_side=96)
    painted = LEGEND.array()[np.repeat(np.repeat([0, 1, 2, 3], 20)[None], 64, 0)][:, :, :]
    painted = np.concatenate([painted, painted[:, -1:].repeat(16, 1)], axis=1)
    pixels = torch.from_numpy(painted).permute(2, 0, 1)[None].float() / 127.5 - 1
    tokens = backbone.tokenizer.encode(pixels)[0].numpy()
    return dataclasses.replace(result, map=painted, drawn=painted, tokens=tokens)


def tokens_of(mask: np.ndarray) -> np.ndarray:
    h, w = mask.shape[0] // 8, mask.shape[1] // 8
    return np.array([[mask[8 * y : 8 * y + 8, 8 * x : 8 * x + 8].all() for x in range(w)] for y in range(h)])


@pytest.mark.parametrize("words", ["only the persons and the sky", "without the cars", "the bus in white"])
def test_unchanged_regions_are_token_identical(first, backbone: EmbeddedBackbone, words: str) -> None:
    change = change_legend(LEGEND, words)
    labels = first.codec.decode(first.map)[0]
    keep = tokens_of(np.isin(labels, change.unchanged))
    assert 8 < keep.sum() < keep.size - 8
    result = ask(first, words, backbone=backbone)
    assert result.legend == change.legend and result.stats["tokens_kept"] == keep.sum()
    assert result.stats["turn"] == 2 and result.stats["instruction"] == words
    assert np.array_equal(result.tokens[keep], first.tokens[keep])
    assert result.prompt.held is not None and np.array_equal(result.prompt.held.keep, keep)
    assert result.labels.shape == PHOTO.shape[:2]
    third = ask(result, "rename person to people", backbone=backbone)
    assert third.stats["turn"] == 3 and "people" in third.legend.names


def test_a_guided_turn_is_followed_by_guided_turns(first, backbone: EmbeddedBackbone) -> None:
    """Else what is held would be read with other borders than before."""
    assert first.guided
    guided, plain = (
        ask(dataclasses.replace(first, guided=one), "without the cars", backbone=backbone)
        for one in (True, False)
    )
    assert (guided.guided, plain.guided) == (True, False) and np.array_equal(guided.tokens, plain.tokens)
    canvas = Canvas(plain.map, plain.tokens, True, 0, len(plain.map), None)
    (wanted,) = followed([Semantic()], [plain.prompt], [canvas], first.seen)
    assert np.array_equal(guided.map, wanted.image) and not np.array_equal(guided.map, plain.map)


def test_a_turn_that_paints_nothing_is_as_sure_as_before(backbone: EmbeddedBackbone) -> None:
    for options in ({}, {"guided": False}, {"mirror": True}):
        start = predict("semantic", PHOTO, legend=LEGEND, backbone=backbone, long_side=96, **options)
        again = ask(start, "rename car to van", backbone=backbone)
        assert np.allclose(again.confidence, start.confidence, atol=1e-6), options
        assert np.array_equal(again.certainty, start.certainty)


def test_renaming_paints_nothing(first) -> None:
    class Idle:
        weights = None

    unknown = first.map.copy()
    unknown[20:30, 30:60] = (128, 128, 128)  # of no entry: it has no name that could change
    codec = dataclasses.replace(first.codec, unknown_distance=40.0)
    strict = dataclasses.replace(first, map=unknown, drawn=unknown, codec=codec)
    again = ask(strict, "rename car to van", backbone=Idle())  # type: ignore[arg-type]
    assert np.array_equal(again.map, unknown) and (again.labels == 255).any()
    result = ask(first, "rename car to van", backbone=Idle())  # type: ignore[arg-type]
    assert np.array_equal(result.map, first.map) and (result.labels[:, :20] == 0).all()
    assert result.legend is not None and result.legend.names[1] == "van"
    assert result.stats["tokens_kept"] == result.tokens[..., 0].size


class Scripted:
    """A backbone that paints given pictures one after the other, and keeps what it was asked."""

    weights = None

    def __init__(self, *images: np.ndarray) -> None:
        self.images, self.prompts = list(images), []

    def scene(self, photo=None, size=None):
        return self

    def paint(self, prompts, sampler=None):
        self.prompts += prompts
        image = self.images.pop(0)
        tokens = np.zeros((image.shape[0] // 8, image.shape[1] // 8, 2), np.int64)
        return [Canvas(image, tokens, True, 0, image.shape[0], None)]


def flat(legend: Legend, grid: list[list[int]]) -> np.ndarray:
    return legend.array()[np.kron(np.array(grid), np.ones((8, 8), int))]


def test_a_new_entry_is_looked_for_first() -> None:
    change = change_legend(REST, "also the trees")
    before = [[0, 1, 1, 1, 1, 1]] * 6
    after = [row.copy() for row in before]
    after[2] = [0, 1, 1, 1, 2, 1]
    backbone = Scripted(flat(REST, before), flat(change.legend, after), flat(change.legend, after))
    photo = np.zeros((48, 48, 3), np.uint8)
    first = predict("semantic", photo, legend=REST, backbone=backbone, long_side=48)
    result = ask(first, "also the trees", backbone=backbone)
    look, paint = backbone.prompts[1:]
    assert look.held is None and look.legend == paint.legend == change.legend
    open_tokens = np.argwhere(~paint.held.keep)
    assert open_tokens.min(0).tolist() == [1, 3] and open_tokens.max(0).tolist() == [3, 5], "one around"
    assert len(open_tokens) == 9 and result.stats["tokens_kept"] == 27


def test_words_about_a_painted_photo() -> None:
    picture = np.full((48, 48, 3), 90, np.uint8)
    backbone = Scripted(picture, picture, picture)
    first = predict("image", flat(REST, [[0] * 6] * 6), source="semantic", legend=REST, backbone=backbone)
    result = ask(first, "the same legend, at night", backbone=backbone)
    assert result.prompt.text == "photo from segment at night" and result.prompt.legend == REST
    assert np.array_equal(result.seen, first.seen) and "may not heed" in result.stats["note"]
    assert ask(result, "in the rain", backbone=backbone).prompt.text.endswith("at night in the rain")


def test_refusals(first, backbone: EmbeddedBackbone) -> None:
    depth = predict("depth", PHOTO, backbone=backbone, long_side=64)
    tiled = predict("semantic", PHOTO, backbone=backbone, long_side=64, tile=True)
    for prediction, words, hint in (
        (depth, "only the cars", "depth takes no further"),
        (tiled, "only the cars", "tiles"),
        (first, "  ", "empty"),
    ):
        with pytest.raises(UsageError, match=hint):
            ask(prediction, words, backbone=backbone)


def test_a_turn_keeps_how_far_a_colour_may_be_off(backbone: EmbeddedBackbone) -> None:
    strict = predict(Semantic(unknown_distance=1.0), PHOTO, legend=LEGEND, backbone=backbone, long_side=64)
    assert (strict.labels == 255).mean() > 0.5
    for words in ("rename car to van", "only the cars"):
        after = ask(strict, words, backbone=backbone)
        assert after.codec.unknown_distance == 1.0, words
    assert np.array_equal(ask(strict, "rename car to van", backbone=backbone).labels, strict.labels)


def test_other_weights_do_not_go_on(first) -> None:
    """Their tokens mean other colours, though they may be as many."""
    from visiongen.weights import entry

    claimed = dataclasses.replace(first, weights={"name": "tiny", "sha256": entry("tiny").sha256})
    with pytest.raises(UsageError, match="tiny painted it"):
        ask(claimed, "only the cars", backbone=EmbeddedBackbone.random("nano"))


def test_a_prediction_from_examples_takes_no_words(backbone: EmbeddedBackbone) -> None:
    """Its entries are known by what the examples show; a turn would paint their bare names."""
    flat = LEGEND.array()[np.repeat([[0, 1, 2, 3]], 64, 0).repeat(20, 1)]
    pair = (np.ascontiguousarray(PHOTO[:64, :80]), flat.astype(np.uint8))
    shown = predict("semantic", PHOTO, examples=[pair], backbone=backbone, long_side=64)
    with pytest.raises(UsageError, match="examples said what its entries mean"):
        ask(shown, f"without {shown.legend.names[0]}", backbone=backbone)


def test_a_turn_says_that_it_is_painted_once(backbone: EmbeddedBackbone) -> None:
    twice = predict("semantic", PHOTO, legend=LEGEND, backbone=backbone, long_side=64, mirror=True)
    assert twice.sample["mirror"] is True
    assert ask(twice, "without the cars", backbone=backbone).sample["mirror"] is False


def test_no_held_token_shows_what_is_removed() -> None:
    """Where the photo's borders took the last of it out of a token, it was drawn in it all the same."""
    drawn = flat(LEGEND, [[0, 0, 0, 2, 2, 2]] * 6)
    drawn[20:22, 10:13] = LEGEND.colours[1]  # a car that the photo does not show
    backbone = Scripted(drawn, drawn)
    photo = np.full((48, 48, 3), 90, np.uint8)
    start = predict("semantic", photo, legend=LEGEND, backbone=backbone, long_side=48)
    assert not (start.codec.decode(start.map)[0] == 1).any() and np.array_equal(start.drawn, drawn)
    ask(start, "without the car", backbone=backbone)
    keep = backbone.prompts[-1].held.keep
    assert not keep[2, 1] and keep.sum() == keep.size - 1
    held = start.codec.decode(start.drawn)[0][np.kron(keep, np.ones((8, 8), bool))]
    assert not (held == 1).any()


def test_a_turn_refuses_what_its_mode_does_not_use(first, backbone: EmbeddedBackbone) -> None:
    with pytest.raises(UsageError, match="steps: mode verified does not use it"):
        ask(first, "without the cars", backbone=backbone, steps=2)


def test_a_turn_is_painted_as_it_is_asked(first, backbone: EmbeddedBackbone) -> None:
    def turn(**options) -> np.ndarray:
        result = ask(first, "without the cars", backbone=backbone, **options)
        assert result.stats["mode"] == result.sample["mode"] == options.get("mode", "verified")
        return result.tokens

    drawn = [turn(mode="sample", seed=seed) for seed in (1, 1, 2)]
    assert np.array_equal(*drawn[:2]) and not np.array_equal(*drawn[1:])
    assert not np.array_equal(turn(mode="draft"), turn(trust=0.0))
