"""Calibration: does a confidence of 0.9 mean right nine times in ten, and are errors doubted first?"""

from __future__ import annotations

import numpy as np

from visiongen.errors import InputError


def expected_calibration_error(confidence: np.ndarray, correct: np.ndarray, bins: int = 15) -> float:
    """ECE in [0, 1]: mean over pixels of |confidence - accuracy| of their bin of equal width.

    ``confidence`` in [0, 1] and ``correct`` (bool) have one shape; no pixels score 0.
    """
    confidence, correct = _checked(confidence, correct)
    place = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weights=confidence - correct, minlength=bins)
    return float(np.abs(gap).sum() / max(1, confidence.size))


def area_under_risk_coverage(confidence: np.ndarray, correct: np.ndarray) -> float:
    """AURC in [0, 1]: mean error rate of the n most confident pixels over every n; lower is better.

    Pixels of one confidence have no order, so each counts with the error rate of all of them.
    """
    confidence, correct = _checked(confidence, correct)
    if not confidence.size:
        return 0.0
    _, group = np.unique(-confidence, return_inverse=True)
    count = np.bincount(group)
    rate = np.bincount(group, weights=~correct) / count
    errors = np.cumsum(np.repeat(rate, count))
    return float((errors / np.arange(1, confidence.size + 1)).mean())


def _checked(confidence: np.ndarray, correct: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both flat, float64 and bool; InputError where shapes differ or a confidence leaves [0, 1]."""
    confidence, correct = np.asarray(confidence, np.float64), np.asarray(correct, bool)
    if confidence.shape != correct.shape:
        raise InputError(f"confidence has shape {confidence.shape}, correct {correct.shape}: give one each")
    if not ((confidence >= 0) & (confidence <= 1)).all():
        raise InputError("confidence: a value is outside 0..1; give probabilities")
    return confidence.reshape(-1), correct.reshape(-1)
