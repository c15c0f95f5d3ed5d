from __future__ import annotations

import numpy as np
import pytest

from visiongen.benchmarks.metrics.calibration import area_under_risk_coverage, expected_calibration_error
from visiongen.errors import InputError


def test_ece_by_hand() -> None:
    confidence = np.array([[0.9, 0.9, 0.9, 0.9], [0.1, 0.1, 1.0, 1.0]])
    correct = np.array([[1, 1, 1, 0], [0, 0, 1, 1]], bool)
    assert expected_calibration_error(confidence, correct) == pytest.approx((4 * 0.15 + 2 * 0.1) / 8)
    assert expected_calibration_error(np.ones(5), np.zeros(5, bool)) == 1
    assert expected_calibration_error(np.empty(0), np.empty(0, bool)) == 0


def test_ece_of_honest_confidence_vanishes() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.uniform(size=200_000)
    assert expected_calibration_error(confidence, rng.uniform(size=200_000) < confidence) < 0.006


def test_aurc_is_the_mean_risk_over_coverage() -> None:
    rng = np.random.default_rng(1)
    confidence, correct = rng.permutation(50) / 50, rng.uniform(size=50) < 0.7
    order = np.argsort(-confidence)
    risks = [1 - correct[order[:n]].mean() for n in range(1, 51)]
    assert area_under_risk_coverage(confidence, correct) == pytest.approx(np.mean(risks))


def test_aurc_orders() -> None:
    """Errors doubted first beat no order, which is the error rate, and that beats errors trusted."""
    correct = np.arange(100) >= 20
    good, none, bad = (
        area_under_risk_coverage(c, correct) for c in (correct * 1.0, np.ones(100), ~correct * 1.0)
    )
    assert good < 0.03 and none == pytest.approx(0.2) and bad > 0.5
    assert area_under_risk_coverage(np.empty(0), np.empty(0, bool)) == 0


def test_bad_input() -> None:
    with pytest.raises(InputError, match="shape"):
        expected_calibration_error(np.ones(3), np.ones(4, bool))
    with pytest.raises(InputError, match=r"outside 0\.\.1"):
        area_under_risk_coverage(np.array([np.nan]), np.array([True]))
