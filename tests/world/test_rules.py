"""Rules of in-context episodes: what they colour, and that scoring never meets a trained one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from visiongen.world.classes import CLASS_ID, CLASS_NAMES
from visiongen.world.rules import (
    ATOMS,
    FURNITURE,
    HELD_OUT,
    HELD_OUT_ATOMS,
    HELD_OUT_CLASSES,
    ON_TABLES,
    ROUND,
    Region,
    Rule,
    atom_mask,
    classes,
    draw_rule,
    either,
    every,
    shows,
)


@pytest.fixture
def maps() -> SimpleNamespace:
    """Four quarters: sky | red metal car near; gray rough wall | yellow smooth ball facing up."""
    quarter = np.kron([[0, 1], [2, 3]], np.ones((20, 20), int))
    table = lambda *values: np.array(values)[quarter]  # noqa: E731
    ids = [CLASS_ID[name] for name in ("sky", "car", "wall", "ball")]
    return SimpleNamespace(
        classes=table(*ids).astype(np.uint8),
        instance=table(0, 1, 2, 3),
        depth=table(np.inf, 2.0, 8.0, 3.0).astype(np.float32),
        normals=table((0, 0, 0), (0, 0, 1), (-1, 0, 0), (0, 1, 0)).astype(np.float32),
        base_colour=table((0, 0, 0), (200, 20, 20), (120, 120, 120), (230, 210, 20)).astype(np.uint8),
        orm=table((1, 0, 0), (1, 0.5, 1), (1, 0.9, 0), (1, 0.1, 0)).astype(np.float32),
    )


@pytest.mark.parametrize(
    ("atom", "quarters"),
    {
        "class:car": [1], "hue:red": [1], "hue:yellow": [3], "hue:gray": [2], "hue:black": [], "hue:blue": [],
        "facing:camera": [1], "facing:left": [2], "facing:right": [], "facing:up": [3], "nearer:2.5": [1],
        "nearer:4": [1, 3], "farther:4": [0, 2], "metal": [1], "nonmetal": [2, 3], "rough": [2],
        "smooth": [3], "large": [1, 2, 3],
    }.items(),
)  # fmt: skip
def test_atoms(maps: SimpleNamespace, atom: str, quarters: list[int]) -> None:
    mask = atom_mask(atom, maps)
    corners = [mask[0, 0], mask[0, -1], mask[-1, 0], mask[-1, -1]]
    assert corners == [q in quarters for q in range(4)] and mask.mean() == len(quarters) / 4


def test_regions_and_rest(maps: SimpleNamespace) -> None:
    rule = Rule("r", (every("metal", "nearer:4"), classes("car", "ball"), either("hue:gray", "hue:blue")))
    labels = rule.labels(maps)
    assert [labels[0, 0], labels[0, -1], labels[-1, 0], labels[-1, -1]] == [3, 0, 2, 1], "the first wins"
    assert rule.metric and not Rule("c", (classes("car"),)).metric
    assert str(classes("car", "ball")) == "car or ball"


def test_what_no_example_shows_is_untold(maps: SimpleNamespace) -> None:
    """Cars in the query, but only balls in the example: nobody can know that cars belong to it."""
    rule = Rule("r", (classes("car", "ball"),))
    only_ball = SimpleNamespace(**vars(maps) | {"classes": np.full((40, 40), CLASS_ID["ball"], np.uint8)})
    assert rule.untold(maps, [only_ball]).sum() == 400 and rule.untold(maps, [only_ball])[0, -1]
    assert not rule.untold(maps, [only_ball, maps]).any()
    assert not Rule("one", (classes("car"),)).untold(maps, [only_ball]).any()


def test_shows_agrees_with_the_masks(maps: SimpleNamespace) -> None:
    expected = [0.01 <= atom_mask(atom, maps).mean() <= 0.97 for atom in ATOMS]
    assert shows(maps).tolist() == expected


def test_trained_and_held_out_rules_are_disjoint() -> None:
    rng = np.random.default_rng(0)
    held = [frozenset(names) for names in (ROUND, FURNITURE, ON_TABLES)]
    seen_classes, families = set(), set()
    for _ in range(5000):
        rule = draw_rule(rng)
        assert rule.trained and 1 <= len(rule.regions) <= 3
        assert not rule.atoms & HELD_OUT_ATOMS
        for region in rule.regions:
            names = frozenset(region.class_names)
            assert all(len(names & h) <= len(names | h) / 2 for h in held), "a set too like a held-out one"
            for group in region.any_of:
                assert not ("metal" in group and any(a.startswith("nearer") for a in group))
        seen_classes |= {atom[6:] for atom in rule.atoms if atom.startswith("class:")}
        families |= {atom.partition(":")[0] for atom in rule.atoms}
    assert seen_classes == set(CLASS_NAMES) - set(HELD_OUT_CLASSES)
    assert families == {atom.partition(":")[0] for atom in ATOMS}
    assert len({rule.name for rule in HELD_OUT}) == len(HELD_OUT) and not any(r.trained for r in HELD_OUT)


def test_every_held_out_rule_says_something_that_is_not_trained() -> None:
    for rule in HELD_OUT:
        (region,) = rule.regions
        metal_near = any({"metal", "nearer:2.5"} <= set(group) for group in region.any_of)
        a_set = frozenset(region.class_names) in {frozenset(n) for n in (ROUND, FURNITURE, ON_TABLES)}
        assert region.atoms <= HELD_OUT_ATOMS or metal_near or a_set, rule.name
    assert isinstance(HELD_OUT[0].regions[0], Region)
