from __future__ import annotations

import sys

import pytest

from visiongen.errors import UsageError
from visiongen.registry import BACKBONES, BENCHMARKS, CODECS, SOURCES, TASKS, Registry


def test_lazy_and_cached(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lazy_module_of_test.py").write_text("THING = object()\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry("thing", {"x": "lazy_module_of_test:THING"})
    assert "lazy_module_of_test" not in sys.modules
    assert registry.get("x") is registry.get("x")
    assert "lazy_module_of_test" in sys.modules


def test_unknown_names_get_a_hint() -> None:
    with pytest.raises(UsageError, match="did you mean 'depth'"):
        TASKS.get("dept")
    with pytest.raises(UsageError, match="choose one of basecolor, depth, edges"):
        TASKS.get("zzz")


def test_refuses_duplicates_and_bad_targets() -> None:
    registry = Registry("thing", {"x": "a:b"})
    with pytest.raises(UsageError, match="twice"):
        registry.add("x", "c:d")
    with pytest.raises(UsageError, match="module:attribute"):
        registry.add("y", "no_colon")
    assert len(registry) == 1 and "x" in registry and "y" not in registry


@pytest.mark.parametrize("registry", [TASKS, CODECS, BACKBONES, BENCHMARKS, SOURCES])
def test_iteration_is_sorted(registry: Registry) -> None:
    assert list(registry) == sorted(registry) and len(registry) > 0
