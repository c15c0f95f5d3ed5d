"""The arithmetic of a run."""

from __future__ import annotations

import pytest
import torch

from visiongen.errors import UsageError
from visiongen.training import precision

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("bf16", "amx", "expected"),
    [(False, False, "fp32"), (True, False, "bf16"), (False, True, "bf16")],
)
def test_auto_takes_bf16_only_where_the_processor_multiplies_it(monkeypatch, bf16, amx, expected) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: bf16, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    assert precision.resolve("auto", CPU) == expected


def test_auto_is_fp32_where_torch_does_not_say(monkeypatch) -> None:
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert precision.resolve("auto", CPU) == "fp32"


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "fp32"), ((9, 0), "bf16")])
def test_auto_on_a_gpu_goes_by_its_generation(monkeypatch, capability, expected) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert precision.resolve("auto", torch.device("cuda", 0)) == expected


@pytest.mark.parametrize("name", ["fp32", "bf16"])
def test_a_named_precision_is_taken_as_it_is(name: str) -> None:
    assert precision.resolve(name, CPU) == name


def test_an_unknown_precision_names_the_choices() -> None:
    with pytest.raises(UsageError, match="precision 'fp8': choose auto, fp32, bf16"):
        precision.resolve("fp8", CPU)


@pytest.mark.parametrize(("name", "dtype"), [("bf16", torch.bfloat16), ("fp32", torch.float32)])
def test_autocast_changes_what_a_product_is_computed_in(name: str, dtype: torch.dtype) -> None:
    with precision.autocast(name, CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_a_gpu_trains_without_the_attention_that_plans_every_shape_anew(monkeypatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(torch.backends.cuda, "enable_cudnn_sdp", asked.append)
    precision.prepare(CPU)
    assert asked == []
    precision.prepare(torch.device("cuda", 0))
    assert asked == [False]
