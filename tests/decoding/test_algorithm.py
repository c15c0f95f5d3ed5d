"""The generation orders over a painter without rounding: identity must be exact."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decoding.conftest import HashCondition, HashPainter
from visiongen.decoding.board import Board, choose, read
from visiongen.decoding.sequential import sequential
from visiongen.decoding.verified import _frontier, verified


def condition(batch: int, grid: tuple[int, int], channels: int, seed: int) -> HashCondition:
    generator = torch.Generator().manual_seed(seed)
    length = grid[0] * grid[1]
    draft = torch.rand(batch, length, channels, HashPainter.levels, generator=generator)
    salt = torch.randint(0, 1000, (batch,), generator=generator)
    return HashCondition(draft, salt, grid, torch.zeros(batch, length, 1))


def run(order, painter, cond, *args, trust=0.0, mean=None) -> Board:
    board = Board.from_draft(cond.draft_logits, trust, mean)
    for _ in order(painter, cond, board, *args):
        pass
    return board


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    batch=st.integers(1, 4),
    rows=st.integers(1, 4),
    cols=st.integers(1, 5),
    channels=st.integers(1, 2),
    window=st.integers(1, 24),
    longest=st.sampled_from([None, 1, 7, 40]),
    trust=st.sampled_from([0.0, 1.0]),
    means=st.lists(st.booleans(), min_size=4, max_size=4),
    seed=st.integers(0, 10**6),
)
def test_verified_equals_sequential(batch, rows, cols, channels, window, longest, trust, means, seed) -> None:
    """``trust`` 1 keeps a draft token that is wrong in one channel (HashPainter's logits are 0 or 1)."""
    cond = condition(batch, (rows, cols), channels, seed)
    mean = torch.tensor(means[:batch])
    one = run(sequential, HashPainter(), cond, trust=trust, mean=mean)
    many = run(verified, HashPainter(), cond, window, 0, longest, trust=trust, mean=mean)
    assert torch.equal(one.tokens, many.tokens)
    assert torch.equal(one.logits, many.logits)
    assert (many.passes <= rows * cols).all() and (
        many.passes >= -(-rows * cols // max(window, longest or 0))
    ).all()
    assert (many.done == rows * cols).all() and (one.passes == rows * cols).all()


@settings(max_examples=30, deadline=None, derandomize=True)
@given(start=st.integers(0, 11), window=st.integers(1, 15), seed=st.integers(0, 1000))
def test_both_resume_in_the_middle(start, window, seed) -> None:
    cond = condition(2, (3, 4), 2, seed)
    whole = run(sequential, HashPainter(), cond)
    for order, args in ((sequential, (start,)), (verified, (window, start))):
        board = Board.from_draft(cond.draft_logits)
        board.line[:, 1 : start + 1] = whole.tokens[:, :start]
        for _ in order(HashPainter(), cond, board, *args):
            pass
        assert torch.equal(board.tokens, whole.tokens)


@pytest.mark.parametrize(("window", "passes"), [(1, 24), (5, 5), (8, 3), (24, 1), (100, 1)])
def test_a_perfect_draft_costs_one_pass_a_window(window, passes) -> None:
    cond = condition(1, (4, 6), 2, seed=3)
    truth = run(sequential, HashPainter(), cond).tokens
    cond.draft_logits = torch.nn.functional.one_hot(truth, HashPainter.levels).float()
    painter = HashPainter()
    board = run(verified, painter, cond, window)
    assert painter.calls == passes == int(board.passes[0])
    assert int(board.draft_hits()[0]) == 24


@pytest.mark.parametrize(("longest", "passes"), [(None, 6), (4, 6), (8, 4), (16, 3), (100, 3)])
def test_windows_grow_while_the_draft_is_right(longest, passes) -> None:
    """24 tokens in windows of 4: 4, 8, 12 of 16; or 4, 8, 8, 4."""
    cond = condition(1, (4, 6), 2, seed=3)
    truth = run(sequential, HashPainter(), cond).tokens
    cond.draft_logits = torch.nn.functional.one_hot(truth, HashPainter.levels).float()
    board = run(verified, HashPainter(), cond, 4, 0, longest)
    assert int(board.passes[0]) == passes and torch.equal(board.tokens, truth)


def test_finished_pictures_leave_the_batch() -> None:
    cond = condition(2, (4, 6), 1, seed=5)
    truth = run(sequential, HashPainter(), cond).tokens
    cond.draft_logits[0] = torch.nn.functional.one_hot(truth[0], HashPainter.levels).float()
    board = run(verified, HashPainter(), cond, 24)
    assert int(board.passes[0]) == 1 < int(board.passes[1])
    assert torch.equal(board.tokens, truth)


@pytest.mark.parametrize(
    ("agree", "expected"),
    [([1, 1, 1, 1], 14), ([0, 1, 1, 1], 11), ([1, 1, 0, 1], 13), ([1, 1, 1, 0], 14)],
)
def test_frontier_keeps_the_agreeing_prefix_and_the_correction(agree, expected) -> None:
    got = _frontier(torch.tensor([agree], dtype=torch.bool), torch.tensor([10]))
    assert got.tolist() == [expected]


LIKELIEST = torch.tensor([False])


def test_choose_keeps_the_draft_below_its_trust() -> None:
    logits = torch.tensor([[[[0.0, 2.0, 1.0], [0.5, 0.0, 0.0]]]])  # (1, 1, 2 channels, 3 levels)
    best, draft = torch.tensor([[[1, 0]]]), torch.tensor([[[2, 1]]])  # the draft loses 1 + 0.5 nats
    assert torch.equal(choose(logits, draft, 0.0, LIKELIEST), best)
    assert torch.equal(choose(logits, draft, 1.4, LIKELIEST), best)
    assert torch.equal(choose(logits, draft, 1.5, LIKELIEST), draft)
    equal = torch.zeros(1, 1, 2, 3)
    assert choose(equal, draft, 0.0, LIKELIEST).tolist() == [[[0, 0]]]  # the lowest of equals


def test_what_a_board_says_of_its_tokens() -> None:
    """Confidence: the chosen levels' mean probability over channels. A hit: right in every channel."""
    probability = torch.tensor([[[[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]]]).expand(2, 3, 2, 3)
    board = Board.from_draft(probability.log())
    board.line[0, 2, 1], board.line[1, 1:] = 1, torch.tensor([1, 1])
    expected = torch.tensor([[0.65, 0.5, 0.65], [0.25] * 3])
    torch.testing.assert_close(board.confidence(), expected)
    assert board.draft_hits().tolist() == [2, 0]


def test_a_mean_lies_between_two_guesses_and_the_likeliest_does_not() -> None:
    probability = torch.tensor([[0.5, 0, 0, 0, 0.1, 0, 0, 0.4], [0, 0, 0.9, 0.1, 0, 0, 0, 0]])
    logits = probability.log().clamp(min=-1e4).expand(2, 1, 2, 8)
    tokens = read(logits, torch.tensor([False, True]))
    assert tokens.tolist() == [[[0, 2]], [[3, 2]]]  # means 3.2 and 2.1


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    trust=st.sampled_from([0.0, 0.3, 2.0]), seed=st.integers(0, 10**6), spread=st.sampled_from([0.1, 1, 4])
)
def test_no_move_below_the_margin_changes_a_choice(trust, seed, spread) -> None:
    generator = torch.Generator().manual_seed(seed)
    first, now = (torch.randn(2, 5, 3, 8, generator=generator).double() * spread for _ in range(2))
    mean = torch.tensor([True, False])
    board = Board.from_draft(first.float(), trust, mean)
    board.logits = now
    half = board.margin()[..., None, None] * 0.499  # one logit up and another down: twice as far
    moves = torch.rand(2, 5, 3, 8, generator=generator, dtype=torch.float64).round() * 2 - 1
    before = choose(now, board.draft, trust, mean)
    assert torch.equal(choose(now + moves * half, board.draft, trust, mean), before)


@pytest.mark.parametrize(
    ("trust", "expected"),
    [(0.0, 0.25), (1.0, 0.25), (1.4, 0.05), (1.9, 0.2)],
)
def test_margin_is_the_distance_to_another_choice(trust, expected) -> None:
    """Draft loses 1.25 + 0.25 = 1.5 nats; the nearest rival level is 0.25 away; two channels."""
    logits = torch.tensor([[[[0.0, 2.0, 0.75], [0.5, 0.25, 0.0]]]])
    board = Board.from_draft(logits, trust)
    board.draft = torch.tensor([[[2, 1]]])
    assert board.margin().item() == pytest.approx(expected)
