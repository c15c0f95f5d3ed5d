"""What example maps say without words: their colours, and the legend of unnamed entries.

A legend entry whose name begins with ``?`` has no name for the generator: it is known by what its
colour covers in the examples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visiongen.prompt import Colour, Legend

#: The instruction of a prompt whose examples say what is meant.
TEXT = "as in the examples"
UNNAMED = "?"


def unnamed_legend(colours: Sequence[Colour] | np.ndarray) -> Legend:
    """Entries ``?1``, ``?2``, ... in colours (K, 3), in that order.

    By agreement the order is by how much of the examples an entry covers, the largest last:
    ``by_area`` gives it.
    """
    rows = [(int(r), int(g), int(b)) for r, g, b in colours]
    return Legend(tuple(f"{UNNAMED}{i + 1}" for i in range(len(rows))), tuple(rows))


def by_area(counts: np.ndarray) -> np.ndarray:
    """The order of a legend's entries from their pixel counts (K,): positions, the largest last."""
    return np.argsort(counts, kind="stable")
