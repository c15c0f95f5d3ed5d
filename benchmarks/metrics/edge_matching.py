"""Exact one-to-one matching of edge pixels, kept up to date while pixels come and go.

The cheapest pairing: the sum of distances, and ``alone`` for every pixel without a partner. Many pairings
of pixels on a grid have the same sum, so every pair is given a fraction of a thousandth of a pixel by its
two places (:func:`weights`): the cheapest pairing is then one, whoever computes it. From one threshold of a
strength map to the next few pixels change; :class:`Pairing` repairs the pairing by shortest augmenting paths
(Jonker and Volgenant 1987) around those, instead of solving the whole assignment anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import pairwise

import numpy as np

GRAIN = 2.0**30  # weights are whole numbers of this part of a pixel: no sum is ever rounded
SPREAD = 2.0**-10  # pixels: how much two places add to their distance, at most

Edges = tuple[np.ndarray, np.ndarray, np.ndarray]  # pixel of the one map, of the other, distance (E,)


def near_pairs(places: np.ndarray, others: np.ndarray, reach: float) -> Edges:
    """All pairs of places (n, 2) and (m, 2) at most ``reach`` apart: positions in both, distance."""
    from scipy.spatial import cKDTree

    if not len(places) or not len(others):
        none = np.zeros(0, np.int64)
        return none, none, np.zeros(0)
    near = cKDTree(places).sparse_distance_matrix(cKDTree(others), reach, output_type="coo_matrix")
    return near.row.astype(np.int64), near.col.astype(np.int64), near.data


def weights(places: np.ndarray, others: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Whole-number costs int64 (E,) of pairs of places (E, 2), (E, 2) at a distance (E,) in pixels."""
    one, two = (p.astype(np.uint64) @ np.array([1 << 20, 1], np.uint64) for p in (places, others))
    mixed = one * np.uint64(0x9E3779B97F4A7C15) ^ two * np.uint64(0xC2B2AE3D27D4EB4F)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64
        mixed = (mixed ^ mixed >> np.uint64(shift)) * np.uint64(factor)
    share = (mixed >> np.uint64(40)).astype(np.float64) / 2**24
    return np.rint((distance + SPREAD * share) * GRAIN).astype(np.int64) + 1


class Pairing:
    """The cheapest pairing of the pixels that are there, after every :meth:`insert` and :meth:`remove`.

    Pixels of one map (``count`` of them, none there at first) are paired with those of the other (``others``,
    all there) along the given edges (positions and whole-number costs, (E,)).
    ``matched``: bool (count,), a view of what is paired now; ``pairs``: how many.

    Invariant (linear-programming duality): a price for every pixel, at most ``alone``; prices of a pair
    that could be sum up to at most its cost, of a pair that is to its cost; a pixel alone has ``alone``.
    """

    def __init__(
        self, count: int, others: int, row: np.ndarray, column: np.ndarray, cost: np.ndarray, alone: int
    ) -> None:
        self.alone = alone
        self.edges = _adjacency(count, row, column, cost), _adjacency(others, column, row, cost)
        self.price = [alone] * count, [alone] * others
        self.mate = [-1] * count, [-1] * others
        self.there = [False] * count, [True] * others
        self._flags = bytearray(count)
        self.matched = np.frombuffer(self._flags, np.bool_)
        self.pairs = 0

    def insert(self, pixels: Sequence[int]) -> None:
        """Let pixels of the first map appear."""
        price, far = self.price
        for x in pixels:
            self.there[0][x] = True
            price[x] = min([self.alone, *(c - far[y] for y, c in self.edges[0][x])])
            if price[x] < self.alone:
                self._improve(0, x)

    def remove(self, pixels: Sequence[int]) -> None:
        """Let pixels of the first map disappear."""
        for x in pixels:
            self.there[0][x] = False
            y = self.mate[0][x]
            if y >= 0:
                self.mate[0][x] = self.mate[1][y] = -1
                self._flags[x] = 0
                self.pairs -= 1
                if self.price[1][y] < self.alone:
                    self._improve(1, y)

    def _improve(self, side: int, start: int) -> None:
        """The best that the pixel ``start`` of a side, alone at a price too low for that, can do."""
        edges, there = self.edges[side], self.there[1 - side]
        mine, theirs = self.price[side], self.price[1 - side]
        partner = self.mate[1 - side]
        alone = self.alone
        best, end = alone - mine[start], (start, -1)  # stay alone; or (pixel, free partner)
        seen = {start: 0}
        came: dict[int, tuple[int, int]] = {}  # pixel -> (who takes its partner, its partner)
        heap, done = [(0, start)], []
        while heap:
            so_far, x = heappop(heap)
            if so_far >= best:
                break
            if so_far > seen[x]:
                continue
            done.append((so_far, x))
            base, own = so_far - mine[x], self.mate[side][x]
            for y, cost in edges[x]:
                if y == own or not there[y]:
                    continue
                length = base + cost - theirs[y]
                if length >= best:
                    continue
                z = partner[y]
                if z < 0:
                    best, end = length, (x, y)  # a free partner has the price ``alone``: nothing to add
                elif length < seen.get(z, best):
                    seen[z], came[z] = length, (x, y)
                    heappush(heap, (length, z))
                    if length + alone - mine[z] < best:
                        best, end = length + alone - mine[z], (z, -1)
        for so_far, x in done:
            mine[x] += best - so_far
            if x != start:
                theirs[self.mate[side][x]] -= best - so_far
        self._flip(side, start, end, came)

    def _flip(self, side: int, start: int, end: tuple[int, int], came: dict[int, tuple[int, int]]) -> None:
        """Hand partners on along the path from ``start`` to its end."""
        mates, partner = self.mate[side], self.mate[1 - side]
        x, y = end
        if y >= 0:
            self.pairs += 1
            if side:
                self._flags[y] = 1
        else:
            mates[x] = -1
        if not side:
            self._flags[start] = 1
            if y < 0:
                self._flags[x] = 0
        if y < 0:
            if x == start:
                return
            x, y = came[x]
        while True:
            before = mates[x]
            mates[x], partner[y] = y, x
            if x == start:
                return
            x, y = came[x][0], before


def _adjacency(
    count: int, row: np.ndarray, column: np.ndarray, cost: np.ndarray
) -> list[list[tuple[int, int]]]:
    """Position and cost of every pixel's possible partners."""
    order = np.argsort(row, kind="stable")
    pairs = list(zip(column[order].tolist(), cost[order].tolist(), strict=True))
    cuts = np.searchsorted(row[order], np.arange(count + 1)).tolist()
    return [pairs[a:b] for a, b in pairwise(cuts)]
