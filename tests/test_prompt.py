from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visiongen.errors import UsageError
from visiongen.prompt import MAX_BYTES, MAX_LEGEND, Legend, Prompt, parse_colour


def test_parse_and_print() -> None:
    legend = Legend.parse(" road=#804080, sky = #8080FF ,")
    assert legend.names == ("road", "sky")
    assert legend.colours == ((128, 64, 128), (128, 128, 255))
    assert str(legend) == "road=#804080,sky=#8080ff"
    assert legend.array().dtype == np.uint8 and legend.array().shape == (2, 3)


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=30, unique=True))
def test_text_round_trip(colours: list) -> None:
    legend = Legend(tuple(f"class {i}" for i in range(len(colours))), tuple(colours))
    assert Legend.parse(str(legend)) == legend


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("road", "no colour"),
        ("road=red", "#rrggbb"),
        ("road=#12345", "#rrggbb"),
        ("road=#nannan", "#rrggbb"),
        ("=#123456", "no name"),
        ("a=#123456,b=#123456", "colour .* used by both 'a' and 'b'"),
        ("a=#123456,a=#654321", "name 'a' is used by both"),
    ],
)
def test_bad_legends(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        Legend.parse(text)
    assert caught.value.exit_code == 2 and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "colour", [(float("nan"), 0, 0), (0, 0), (0, 0, 256), (-1, 0, 0), (0.5, 0, 0), None, 7]
)
def test_bad_colours(colour: object) -> None:
    with pytest.raises(UsageError, match="legend entry 'road'"):
        Legend.of([("road", colour)])


def test_lengths_and_limits() -> None:
    with pytest.raises(UsageError, match="2 names but 1 colours"):
        Legend(("a", "b"), ((0, 0, 0),))
    many = MAX_LEGEND + 1
    with pytest.raises(UsageError, match="at most"):
        Legend(tuple(map(str, range(many))), tuple((i // 256, i % 256, 0) for i in range(many)))


def test_recolour_keeps_names() -> None:
    legend = Legend.parse("a=#000001,b=#000002").recolour([(9, 9, 9), (8, 8, 8)])
    assert legend.names == ("a", "b") and legend.colours[1] == (8, 8, 8)
    assert parse_colour("#0a0B0c") == (10, 11, 12)


def test_words_that_would_be_cut_are_refused() -> None:
    fits = "ä" * (MAX_BYTES // 2)
    assert Prompt("semantic", fits, Legend((fits,), ((0, 0, 0),))).text == fits
    with pytest.raises(UsageError, match=f"instruction '{fits}ä': 98 bytes, at most 96"):
        Prompt("image", fits + "ä")
    with pytest.raises(UsageError, match=f"legend entry '{fits}!': 97 bytes, at most 96"):
        Prompt("semantic", "segment", Legend(("a", fits + "!"), ((0, 0, 0), (9, 9, 9))))


def test_words_that_are_not_utf_8_are_refused() -> None:
    """A command line in another encoding: Python hands on its bytes as surrogates."""
    words = b"caf\xe9".decode(errors="surrogateescape")
    for prompt in (
        lambda: Prompt("semantic", words),
        lambda: Prompt("semantic", "a", Legend.of([(words, "#ff0000")])),
    ):
        with pytest.raises(UsageError, match="not UTF-8"):
            prompt()
