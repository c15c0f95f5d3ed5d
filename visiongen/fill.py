"""Filling holes: the photo that the generator is shown, and the order that it gets."""

from __future__ import annotations

import numpy as np

from visiongen.prompt import Held, Prompt
from visiongen.units import covered, touched

#: The instruction of an inpainting order.
TEXT = "fill the hole"
_GRAY = 128


def keep_mask(hole: np.ndarray, margin: int = 1) -> np.ndarray:
    """Pixels bool (8h, 8w) of a hole -> tokens bool (h, w) that stay.

    A token goes when any of its pixels lies in the hole, and so do ``margin`` tokens around it: what
    the hole hides often shows beside it (a shadow, a soft edge).
    """
    gone = touched(hole)
    if margin:
        import cv2

        square = np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)
        gone = np.asarray(cv2.dilate(gone.astype(np.uint8), square), bool)
    return np.logical_not(gone)


def cover(photo: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """The photo uint8 (8h, 8w, 3), gray wherever a token does not stay (``keep`` bool (h, w))."""
    gone = ~covered(keep)
    return np.where(gone[..., None], np.uint8(_GRAY), photo)


def closed(photo: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """The photo uint8 (8h, 8w, 3) with its hole closed roughly (Telea 2004).

    A token is read from its surroundings too: those beside the hole must know nothing of what it hides.
    """
    import cv2

    gone = covered(~keep).astype(np.uint8)
    return cv2.inpaint(photo, gone, 3, cv2.INPAINT_TELEA)


def fill_prompt(photo: np.ndarray, keep: np.ndarray, task: str) -> Prompt:
    """The order to paint what is missing; the tokens that stay are those of the photo with a closed hole."""
    return Prompt(task, TEXT, held=Held(keep, image=closed(photo, keep)))
