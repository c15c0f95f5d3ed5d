"""In-context episodes for scoring: never a trained frame or rule, and scores that mean what they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from visiongen.backbones.embedded import EmbeddedBackbone
from visiongen.benchmarks.datasets import incontext
from visiongen.benchmarks.datasets.incontext import episodes
from visiongen.benchmarks.incontext.report import blind, main, measure, paint
from visiongen.benchmarks.incontext.scoring import difference, row, scores, statistics
from visiongen.errors import UsageError
from visiongen.tasks import predict
from visiongen.world.rules import HELD_OUT


@pytest.fixture(scope="module", autouse=True)
def few_frames(tmp_path_factory: pytest.TempPathFactory):
    """A small and quick version of the protocol: 24 frames of 48 x 64, two rules."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
    protocol = incontext.load_protocol("world-incontext")
    small = protocol | {
        "frames": 24,
        "width": 64,
        "height": 48,
        "kinds": ["room", "tabletop"],
        "least": 0.005,
    }
    patch.setattr(incontext, "load_protocol", lambda name: small)
    patch.setattr(
        incontext, "HELD_OUT", tuple(r for r in HELD_OUT if r.name in ("furniture", "round things"))
    )
    incontext._frames.cache_clear()
    yield
    incontext._frames.cache_clear()
    patch.undo()


def test_episodes_are_fixed_and_for_scoring() -> None:
    found = episodes(4)
    assert [e.rule for e in found] == ["round things", "furniture"] * 2
    for one, two in zip(found, episodes(4)[:4], strict=True):
        assert one.frames == two.frames and np.array_equal(one.truth, two.truth) and one.legend == two.legend
    assert episodes(4, seed=1)[0].frames != found[0].frames
    for episode in found:
        assert min(episode.frames) >= 1_000_000 and len(set(episode.frames)) == 5
        assert episode.photo.shape == (48, 64, 3) and episode.truth.shape == (48, 64)
        assert set(np.unique(episode.truth)) == {0, 1} and len(episode.examples) == 4
        colours = set(episode.legend.colours)
        for example in episode.examples:
            assert {tuple(c) for c in example.map.reshape(-1, 3).tolist()} == colours
    with pytest.raises(UsageError, match="at least 1"):
        episodes(0)
    with pytest.raises(UsageError, match="trained on"):
        episodes(1, first_seed=5)


def test_a_shorter_run_has_the_same_episodes() -> None:
    assert [e.frames for e in episodes(3)] == [e.frames for e in episodes(5)][:3]


def test_scores_by_hand() -> None:
    """Rule a: 2 of 4 right, one false alarm: IoU 2/5. Rule b: all right. Mean .7."""
    truth = np.array([[0, 0, 0, 0, 1, 1, 1, 1]], np.uint8)
    answer = np.array([[0, 0, 1, 1, 0, 1, 1, 1]], np.uint8)
    rows = statistics([truth, truth], [answer, truth], ["a", "b"])
    assert scores(rows.sum(0))["mIoU"] == pytest.approx((2 / 5 + 1) / 2)
    assert scores(rows.sum(0))["FB_IoU"] == pytest.approx((6 / 9 + 7 / 10) / 2)
    found = row(rows, ["a", "b"])
    assert found["rules"] == {"a": 0.4, "b": 1.0} and found["mIoU"]["low"] <= 0.7 <= found["mIoU"]["high"]


def test_pixels_of_a_rule_are_pooled() -> None:
    """Against a direct computation, episodes in any order."""
    rng = np.random.default_rng(0)
    truths = [rng.integers(0, 2, (6, 7)).astype(np.uint8) for _ in range(12)]
    answers = [rng.integers(0, 2, (6, 7)).astype(np.uint8) for _ in range(12)]
    rules = ["a", "b", "c"] * 4
    got = scores(statistics(truths, answers, rules).sum(0))["mIoU"]
    expected = []
    for rule in "abc":
        t, a = (np.stack([x[i] for i in range(12) if rules[i] == rule]) == 0 for x in (truths, answers))
        expected.append((t & a).sum() / (t | a).sum())
    assert got == pytest.approx(np.mean(expected))


def test_bad_answers_score_badly_and_better_ones_better() -> None:
    found = episodes(12)
    truths, rules = [e.truth for e in found], [e.rule for e in found]
    nothing = statistics(truths, [np.ones_like(t) for t in truths], rules)
    wrong = statistics(truths, [1 - t for t in truths], rules)
    right = statistics(truths, truths, rules)
    assert scores(nothing.sum(0))["mIoU"] == 0 == scores(wrong.sum(0))["mIoU"]
    assert scores(right.sum(0))["mIoU"] == 1
    guess = statistics(truths, [blind(e) for e in found], rules)
    assert 0 < scores(guess.sum(0))["mIoU"] < 0.7
    assert difference(guess, right)["verdict"] == "better" and difference(right, guess)["value"] < 0
    assert difference(guess, guess)["verdict"] == "no difference shown"


def test_report(nano_weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--episodes", "2", "--weights", nano_weights, "--json", str(tmp_path / "r.json")])
    text = capsys.readouterr().out
    assert "4 examples" in text and "blind" in text and "ceiling" in text
    report = json.loads((tmp_path / "r.json").read_text())
    assert set(report["rows"]) == {"0", "1", "2", "4", "blind", "ceiling"} and report["episodes"] == 2
    assert set(report["differences"]) == {"1 - 0", "2 - 1", "4 - 2", "4 - 1"}
    assert report["weights"]["sha256"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--seed", "-1"], "--seed -1"),
        (["--mode", "fast"], "choose one of"),
        (["--json", "."], "is a folder"),
    ],
)
def test_bad_requests_are_refused_before_frames_are_rendered(
    words: list[str],
    told: str,
    nano_weights: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(incontext, "_frames", lambda first: pytest.fail("rendered"))
    assert main(["--episodes", "1", "--weights", nano_weights, *words]) == 2
    assert told in capsys.readouterr().err


def test_the_number_of_examples_reaches_the_backbone() -> None:
    asked = []

    class Recorder:
        weights = None
        name = "recorder"
        tokenizer = None

        def scene(self, photo):
            return self

        def paint(self, prompts, sampler=None):
            asked.extend(len(prompt.examples) for prompt in prompts)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(Recorder(), episodes(1))  # type: ignore[arg-type]
    assert asked == [0, 1, 2, 4]


def test_what_is_scored_is_what_predict_gives(nano_weights: str) -> None:
    """The borders of flat maps are the photo's, in the task that people call and in its benchmark."""
    backbone, (episode,) = EmbeddedBackbone.load(nano_weights), episodes(1)
    pairs = [(one.photo, one.map) for one in episode.examples[:2]]
    side = max(episode.photo.shape)
    asked = {"backbone": backbone, "long_side": side, "mode": "draft"}
    found = predict("incontext", episode.photo, examples=pairs, **asked)
    (answer,) = paint(backbone, episode, [2], "draft")
    assert found.guided and np.array_equal(found.legend.array()[found.labels], episode.legend.array()[answer])
