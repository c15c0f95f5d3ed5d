"""The published form of results: models that check them, and the JSON schemas made from the models.

``benchmarks/schema/NAME.schema.json`` (draft 2020-12) is what :func:`json_schema` gives; write them anew
with ``python -m visiongen.benchmarks.result_schema``. Types are strict. Further keys and rows are allowed:
a later version may say more. A key or type that changes is a new ``schema`` version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, ValidationError

from visiongen.errors import InputError

FOLDER = Path(__file__).parent / "schema"
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def _ordered(ends: list[float]) -> list[float]:
    if ends[0] > ends[1]:
        raise ValueError(f"interval {ends}: the low end is above the high one")
    return ends


Number = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Count = Annotated[int, Field(ge=0, strict=True)]
Interval = Annotated[list[Number], Field(min_length=2, max_length=2), AfterValidator(_ordered)]
Text = Annotated[str, Field(strict=True)]
Name = Annotated[str, Field(min_length=1, strict=True)]
Verdict = Literal["better", "worse", "no difference shown"]


class _Open(BaseModel):
    """Strict about what is named, open to more."""

    model_config = ConfigDict(extra="allow", strict=True)


class ScoreForm(_Open):
    """One number; ``value`` null: not defined on these images. ``ci95``: 95 % interval [low, high]."""

    value: Number | None
    higher_is_better: StrictBool
    ci95: Interval | None


class DifferenceForm(_Open):
    """b - a of one score over the same images, paired; ``verdict`` is about b."""

    a: Number
    b: Number
    difference: Number
    ci95: Interval
    higher_is_better: StrictBool
    verdict: Verdict


class FailureForm(_Open):
    """One image without an answer, counted as the worst case."""

    row: Name
    id: Name
    error: Name


class WeightsForm(_Open):
    """Who answered; ``sha256`` null: untrained, or maps from elsewhere."""

    name: Name
    sha256: Text | None


class ResultForm(_Open):
    """What ``visiongen bench run --json`` prints, and result.json."""

    schema_: Literal["visiongen.bench/1"] = Field(alias="schema")
    benchmark: Name
    benchmark_version: Name
    task: Name
    split: Name
    primary: Name
    n_expected: Annotated[int, Field(ge=1, strict=True)]
    n_scored: Count
    n_failed: Count
    partial: StrictBool
    scores: Annotated[dict[str, ScoreForm], Field(min_length=1)]
    rows: dict[str, dict[str, ScoreForm] | None]
    reasons: dict[str, Text]
    differences: dict[str, DifferenceForm]
    failures: list[FailureForm]
    protocol: dict[str, Any]
    weights: WeightsForm
    sample: dict[str, Any]
    decoding: dict[str, Number]
    env: dict[str, Any]
    painted_env: dict[str, Any] = Field(default_factory=dict)
    seconds: Annotated[Number, Field(ge=0)]


class ManyForm(_Open):
    """What ``visiongen bench run --json`` prints for several benchmarks."""

    schema_: Literal["visiongen.bench-many/1"] = Field(alias="schema")
    results: list[ResultForm]


class CompareForm(_Open):
    """What ``visiongen bench compare --json`` prints: run b against run a."""

    schema_: Literal["visiongen.compare/1"] = Field(alias="schema")
    benchmark: Name
    benchmark_version: Name
    split: Name
    primary: Name
    n_common: Annotated[int, Field(ge=1, strict=True)]
    partial: StrictBool
    scores: dict[str, DifferenceForm]
    regression: StrictBool


class BenchmarkForm(_Open):
    """One benchmark of the list. ``n``: images of the default split; ``present``: its folder, or null."""

    name: Name
    version: Name
    task: Name
    primary: Name
    default_split: Name
    n: Count
    splits: dict[str, Count]
    data: Text
    rendered: StrictBool
    present: Text | None


class ListForm(_Open):
    """What ``visiongen bench ls --json`` prints."""

    schema_: Literal["visiongen.benchmarks/1"] = Field(alias="schema")
    benchmarks: list[BenchmarkForm]


class ProblemForm(_Open):
    """One thing that is wrong with a tree, or (``level`` warning) that is worth knowing."""

    level: Literal["problem", "warning"]
    kind: Name
    id: Text
    message: Name


class TreeForm(_Open):
    """One benchmark's tree. ``missing``: why nothing could be checked, or null."""

    benchmark: Name
    version: Name
    split: Name
    root: Text | None
    n_expected: Count
    n_listed: Count
    n_read: Count
    ok: StrictBool
    missing: Text | None
    problems: list[ProblemForm]


class ValidateForm(_Open):
    """What ``visiongen bench validate --json`` prints."""

    schema_: Literal["visiongen.validate/1"] = Field(alias="schema")
    results: list[TreeForm]


class ShareForm(_Open):
    """A share of the way from blind (0) to perfect (1); negative: a gain."""

    share: Number
    ci95: Interval | None


class TermsForm(_Open):
    """One benchmark of the table of errors. Null: not there or not defined (``reasons``).

    ``values``: the primary score of each row; ``lost``: share lost by codec, draft, autoregression;
    ``past``: share that a true past would give back; ``reached``: the model's share of the way;
    ``options``: of the model's sampler, not of the other rows'.
    """

    benchmark: Name
    benchmark_version: Name
    split: Name
    primary: Name
    n: Annotated[int, Field(ge=1, strict=True)]
    partial: StrictBool
    weights: WeightsForm
    mode: Literal["verified", "sequential"]
    options: dict[str, Any] = Field(default_factory=dict)
    values: dict[str, Number | None]
    reached: ShareForm | None
    lost: dict[str, ShareForm | None]
    past: ShareForm | None
    largest: Name | None
    reasons: dict[str, Text]
    failures: list[FailureForm]


class ErrorsForm(_Open):
    """What ``visiongen bench errors --json`` prints."""

    schema_: Literal["visiongen.errors/1"] = Field(alias="schema")
    results: list[TermsForm]


FORMS: dict[str, type[_Open]] = {
    "result": ResultForm,
    "results": ManyForm,
    "compare": CompareForm,
    "ls": ListForm,
    "validate": ValidateForm,
    "errors": ErrorsForm,
}


def validate_result(result: Mapping[str, Any], where: str = "result") -> None:
    """InputError unless ``result`` is what ResultForm says, and its parts agree with each other."""
    check("result", result, where)
    if result["primary"] not in result["scores"]:
        raise InputError(f"{where}: primary score {result['primary']!r} is not among the scores; score anew")
    for row, scores in result["rows"].items():
        if scores is None and row not in result["reasons"]:
            raise InputError(f"{where}: row {row!r} is null without a reason; score anew")
        if scores is not None and result["primary"] not in scores:
            raise InputError(f"{where}: row {row!r} lacks {result['primary']!r}; score anew")
    answered = result["n_scored"] + result["n_failed"]
    if result["partial"] != (answered != result["n_expected"]):
        raise InputError(
            f"{where}: partial is {result['partial']} with {answered} of {result['n_expected']} images; "
            "score anew"
        )


def check(name: str, report: Mapping[str, Any], where: str = "report") -> None:
    """InputError unless ``report`` has the form ``name`` of ``FORMS``; the first fault is named."""
    try:
        FORMS[name].model_validate(dict(report))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = "/".join(str(part) for part in first["loc"])
        raise InputError(f"{where}: {place}: {first['msg']}; it is no valid {name}") from None


def json_schema(name: str) -> dict[str, Any]:
    """The JSON schema of a form, draft 2020-12."""
    made = FORMS[name].model_json_schema(by_alias=True)
    version = made["properties"]["schema"]["const"]
    return {"$schema": DRAFT, "$id": f"urn:visiongen:schema:{version}", **made}


def write_schemas(folder: Path = FOLDER) -> list[Path]:
    """Write every form's schema as ``NAME.schema.json``."""
    from visiongen.files import write_atomic

    return [
        write_atomic(folder / f"{name}.schema.json", json.dumps(json_schema(name), indent=2) + "\n")
        for name in FORMS
    ]


if __name__ == "__main__":
    for path in write_schemas():
        print(path)
