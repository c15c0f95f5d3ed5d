"""Numbers in [0, 1], as metrics over maps of them take them."""

from __future__ import annotations

import numpy as np

from visiongen.errors import InputError


def as_shares(name: str, values: np.ndarray) -> np.ndarray:
    """``values`` as float64, unchanged; InputError for whole numbers above 1.

    Those are a picture's levels (0 to 255, 0 to 65535): clipped to [0, 1], every level but 0 would be a 1,
    and the scores those of another map. Bool, and whole numbers 0 and 1, are masks.
    """
    array = np.asarray(values)
    if array.dtype.kind in "iu" and array.max(initial=0) > 1:
        raise InputError(
            f"{name}: {array.dtype} up to {array.max()}, levels of a picture; divide them by its full range "
            "(255 for 8 bits), numbers here are 0 to 1"
        )
    return np.asarray(array, np.float64)
