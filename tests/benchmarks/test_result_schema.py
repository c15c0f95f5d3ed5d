"""Results keep the published form: the JSON schemas and the models say the same."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from bench_helpers import Reader, make_camvid

from visiongen.benchmarks.compare import compare
from visiongen.benchmarks.result_schema import (
    FOLDER,
    FORMS,
    check,
    json_schema,
    validate_result,
    write_schemas,
)
from visiongen.benchmarks.runner import Options, run
from visiongen.errors import InputError

NOTES = ("title", "description")  # what another pydantic may word differently


def published(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """A result with a failed image and null rows, and a comparison, as they come back from JSON."""
    folder = tmp_path_factory.mktemp("runs")
    data = make_camvid(folder / "camvid11")
    options = Options(data=data, rows=("blind", "codec"))
    result = dict(run("camvid11", Reader(fails=[20]), folder / "a", options))
    run("camvid11", Reader(shift=1, sha="b" * 64), folder / "b", Options(data=data, rows=()))
    return json.loads(json.dumps(result)), json.loads(json.dumps(compare(folder / "a", folder / "b")))


def bare(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {k: bare(v) for k, v in schema.items() if k not in NOTES or not isinstance(v, str)}
    return [bare(one) for one in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize("name", list(FORMS))
def test_published_files_are_those_of_the_models(name: str, tmp_path: Path) -> None:
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    assert bare(schema) == bare(json_schema(name)), "run: python -m visiongen.benchmarks.result_schema"
    assert schema["$schema"].endswith("2020-12/schema") and schema["$id"].startswith("urn:visiongen:schema:")
    assert {path.name for path in write_schemas(tmp_path)} == {p.name for p in FOLDER.glob("*.json")}


def test_results_and_comparisons_are_valid(made: tuple[dict[str, Any], dict[str, Any]]) -> None:
    result, comparison = made
    validate_result(result)
    published("result").validate(result)
    check("compare", comparison)
    published("compare").validate(comparison)
    many = {"schema": "visiongen.bench-many/1", "results": [result, result]}
    check("results", many)
    published("results").validate(many)


def test_further_rows_and_keys_are_welcome(made: tuple[dict[str, Any], dict[str, Any]]) -> None:
    result = copy.deepcopy(made[0])
    result["rows"]["human"] = result["rows"]["blind"]
    result["rows"]["blind"]["mIoU"]["note"] = "more"
    result["anchors"] = [1, 2]
    validate_result(result)
    published("result").validate(result)


def put(*path: Any) -> Callable[[dict[str, Any]], None]:
    """A change: the last word is put at the place that the others name; ``del`` takes it away."""

    def change(result: dict[str, Any]) -> None:
        *place, name, value = path
        inside = result
        for key in place:
            inside = inside[key]
        if value == "del":
            del inside[name]
        else:
            inside[name] = value

    return change


BAD = {
    "a key is missing": put("primary", "del"),
    "another schema": put("schema", "visiongen.bench/2"),
    "a number as text": put("n_scored", "5"),
    "a fraction of images": put("n_scored", 5.5),
    "a negative count": put("n_failed", -1),
    "truth as a number": put("partial", 1),
    "no scores": put("scores", {}),
    "a score as a bare number": put("scores", "mIoU", 0.5),
    "a value as text": put("scores", "mIoU", "value", "0.5"),
    "a value that is true": put("scores", "mIoU", "value", True),
    "half an interval": put("scores", "mIoU", "ci95", [0.1]),
    "a direction is missing": put("scores", "mIoU", "higher_is_better", "del"),
    "a verdict of its own": put("differences", "blind", "verdict", "much better"),
    "a failure without a reason": put("failures", [{"row": "model", "id": "x"}]),
    "a digest that is a number": put("weights", "sha256", 7),
    "a row as a list": put("rows", "blind", []),
    "a name that is empty": put("benchmark", ""),
    "seconds below zero": put("seconds", -0.5),
}


@pytest.mark.parametrize("change", BAD.values(), ids=list(BAD))
def test_both_refuse_the_same(
    change: Callable[[dict[str, Any]], None], made: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    result = copy.deepcopy(made[0])
    change(result)
    with pytest.raises(jsonschema.ValidationError):
        published("result").validate(result)
    with pytest.raises(InputError) as caught:
        validate_result(result, "some.json")
    assert str(caught.value).startswith("some.json: ") and "\n" not in str(caught.value)


CROSSED = {
    "the primary score is not there": (put("primary", "AP"), "'AP'"),
    "a null row has no reason": (put("reasons", {}), "without a reason"),
    "a row lacks the primary score": (put("rows", "blind", "mIoU", "del"), "'blind' lacks"),
    "partial, but whole": (put("partial", False), "partial is False"),
    "an interval upside down": (put("scores", "mIoU", "ci95", [0.9, 0.1]), "low end"),
    "NaN": (put("scores", "mIoU", "value", float("nan")), "mIoU/value"),
}


@pytest.mark.parametrize(("change", "words"), CROSSED.values(), ids=list(CROSSED))
def test_parts_must_agree(
    change: Callable[[dict[str, Any]], None], words: str, made: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    result = copy.deepcopy(made[0])
    change(result)
    with pytest.raises(InputError, match=words):
        validate_result(result)
