"""Recipes: a training run as a TOML file, checked before anything starts."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from visiongen.errors import MissingDataError, UsageError
from visiongen.imports import TARGET
from visiongen.registry import SOURCES

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ModelPart(_Strict):
    """``target`` "module:Class" is called with ``options``; ``init``: weights to start from."""

    target: str = Field(pattern=TARGET)
    options: dict[str, Any] = {}
    init: str | None = None
    init_strict: bool = True


class DataPart(_Strict):
    """One source of the mixture, by its name in the registry."""

    source: str
    weight: float = Field(1.0, ge=0)
    options: dict[str, Any] = {}


Beta = Annotated[float, Field(ge=0, lt=1)]


class OptimPart(_Strict):
    """See visiongen.training.optim.Optim."""

    name: str = "adamw"
    lr: float = Field(1e-3, gt=0)
    betas: tuple[Beta, Beta] = (0.9, 0.95)
    weight_decay: float = Field(0.05, ge=0)
    clip: float = Field(1.0, ge=0)
    ema: float = Field(0.999, ge=0, lt=1)
    lr_scale: dict[str, float] = {}


class SchedulePart(_Strict):
    """See visiongen.training.schedule.Schedule."""

    steps: int | None = Field(None, gt=0)
    minutes: float | None = Field(None, gt=0)
    warmup: int = Field(100, ge=0)
    floor: float = Field(0.01, ge=0, le=1)

    @model_validator(mode="after")
    def _one_of(self) -> SchedulePart:
        if self.steps is None and self.minutes is None:
            raise ValueError("neither steps nor minutes given; set one of them")
        return self


class RunPart(_Strict):
    """See visiongen.training.loop.RunOptions; ``seed`` fixes weights, data order and noise."""

    seed: int = Field(0, ge=0, lt=2**32)  # numpy takes no larger one
    accumulate: int = Field(1, ge=1)
    precision: Literal["auto", "fp32", "bf16"] = "fp32"
    compile: bool = False
    workers: int | None = Field(None, ge=0)
    ahead: int = Field(4, ge=1)
    threads: int | None = Field(None, ge=1)
    log_every: int = Field(20, ge=1)
    checkpoint_minutes: float = Field(5.0, gt=0)
    checkpoint_steps: int | None = Field(None, ge=1)
    max_bad_steps: int = Field(20, ge=1)


class Recipe(_Strict):
    """A whole run."""

    model: ModelPart
    data: list[DataPart] = Field(min_length=1)
    optim: OptimPart = OptimPart()  # type: ignore[call-arg]
    schedule: SchedulePart
    run: RunPart = RunPart()  # type: ignore[call-arg]

    def alone(self, part: DataPart) -> Recipe:
        """The same run with one of its sources only."""
        return self.model_copy(update={"data": [part]})

    def described(self) -> dict[str, Any]:
        """Plain JSON-able values, for checkpoints and sidecars."""
        return self.model_dump(mode="json")


def find_recipe(name: str) -> Path:
    """A path as it is, or the name of a recipe that comes with the package."""
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        if not path.is_file():
            raise MissingDataError(f"{path}: no such recipe file; check the path")
        return path
    spec = importlib.util.find_spec("visiongen.tasks.recipes")
    folder = Path(next(iter(spec.submodule_search_locations or []))) if spec else Path()
    known = sorted(p.stem for p in folder.glob("*.toml"))
    if name not in known:
        raise UsageError(f"unknown recipe {name!r}: choose one of {', '.join(known)} or a .toml file")
    return folder / f"{name}.toml"


def load_recipe(path: str | Path) -> Recipe:
    """Read and check a recipe; UsageError names file, field and value on one line."""
    path = find_recipe(str(path))
    try:
        values = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML ({error}); correct it") from None
    return check_recipe(values, path)


def check_recipe(values: dict[str, Any], where: object = "recipe") -> Recipe:
    """Validate plain values; ``where`` names them in errors."""
    try:
        recipe = Recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(p) for p in first["loc"])
        value = "" if first["type"] == "missing" else f" = {_brief(first['input'])}"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise UsageError(f"{where}: {field}{value}: {_reason(first)}{more}") from None
    for part in recipe.data:
        _check_options(part, where)
    return recipe


def _reason(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "no such field; remove it or correct its name"
    if error["type"] == "missing":
        return "it is required; add it"
    return str(error["msg"]).removeprefix("Value error, ")


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _options_of(source: type) -> set[str]:
    """Names that the constructor takes; where it passes the rest on (``**``), also those of its base."""
    names: set[str] = set()
    for kind in source.__mro__:
        if "__init__" not in vars(kind):
            continue
        parameters = inspect.signature(vars(kind)["__init__"]).parameters.values()
        names |= {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return names


def _check_options(part: DataPart, where: object) -> None:
    """Unknown source options are found before the run, not in a worker."""
    known = _options_of(SOURCES.get(part.source)) - {"self", "data"}
    for name in part.options:
        if name not in known:
            raise UsageError(
                f"{where}: data.{part.source}.options.{name}: no such option; "
                f"choose from {', '.join(sorted(known))}"
            )
