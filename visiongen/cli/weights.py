"""``visiongen weights``: what is installed, whether it is whole, and whether it paints as it should."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from visiongen.cli import common
from visiongen.errors import WeightsError

if TYPE_CHECKING:
    from visiongen.weights import Entry

app = typer.Typer(help="List, check and pack weights.", no_args_is_help=True)


Shelf = Annotated[
    Path | None,
    typer.Option("--in", metavar="DIR", help="Folder that `pack --into` wrote; default: the package's."),
]


@app.command("ls")
def list_weights(shelf: Shelf = None, json_target: common.JsonTarget = None) -> None:
    """List the weights that come with the package, or those of a folder: size, licence, training."""
    from visiongen import weights

    entries = weights.list(shelf)
    common.write_report(
        json_target, {"schema": "visiongen.weights/1", "weights": [e.to_json() for e in entries]}
    )
    if json_target == "-":
        return
    print(f"{'name':<24} {'kind':<11} {'MB':>6} {'minutes':>8}  {'licence':<18} file")
    for e in entries:
        numbers = f"{e.bytes / 1e6:>6.1f} {e.minutes:>8.0f}"
        print(f"{e.name:<24} {e.kind:<11} {numbers}  {e.licence:<18} {(shelf or weights.ROOT) / e.file}")


@app.command("verify")
def verify(
    deep: Annotated[
        bool, typer.Option("--deep", help="Load them, and compare what they paint here.")
    ] = False,
    shelf: Shelf = None,
    json_target: common.JsonTarget = None,
) -> None:
    """Compare every file's size and sha256 with the manifest; exit code 3 when one differs."""
    from visiongen import weights

    checks = weights.verify(shelf)
    if not checks:
        manifest = (shelf or weights.ROOT) / weights.MANIFEST
        raise WeightsError(f"{manifest}: lists no weights; {weights.remedy(shelf)}")
    rows = [_row(entry, fault, deep, shelf) for entry, fault in checks]
    common.write_report(json_target, {"schema": "visiongen.weights-verify/1", "weights": rows})
    for row in rows:
        if row["ok"]:
            painted = f"  paints as packed ({row['difference']:.2g} of the tolerance)" if deep else ""
            common.say(f"{row['name']}: ok  sha256 {row['sha256']}{painted}", json_target)
    faults = [row["fault"] for row in rows if not row["ok"]]
    for fault in faults[:-1]:
        print(f"visiongen: {fault}", file=sys.stderr)
    if faults:
        raise WeightsError(faults[-1])


def _row(entry: Entry, fault: str, deep: bool, shelf: Path | None) -> dict[str, Any]:
    """One file's part of the report; with ``deep`` it is loaded and painted with."""
    row: dict[str, Any] = {"name": entry.name, "sha256": entry.sha256}
    if deep and not fault:
        from visiongen.weights.deep import verify_deep

        try:
            found = verify_deep(entry.name, shelf)
            row |= {"difference": round(found.difference, 4), "place": found.place}
        except WeightsError as error:
            fault = str(error)
    return row | {"ok": not fault, "fault": fault}


@app.command("words")
def words(
    name: Annotated[
        str, typer.Argument(metavar="[WEIGHTS]", help="A name, a file or hf-hub:ORG/REPO.")
    ] = "tiny",
    json_target: common.JsonTarget = None,
) -> None:
    """The names of classes that the weights were trained on, one a line: what a legend may say."""
    backbone = common.load_backbone(name)
    report = {"schema": "visiongen.weights-words/1", "weights": backbone.name, "words": list(backbone.words)}
    common.write_report(json_target, report)
    if not backbone.words:
        common.warn(f"{backbone.name}: these weights do not say what they were trained on")
    for word in backbone.words:
        common.say(word, json_target)


@app.command("checks")
def checks(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Which weights; default: all.")
    ] = None,
    shelf: Shelf = None,
) -> None:
    """Write what `verify --deep` compares with, from what the weights paint on this machine."""
    from visiongen import weights
    from visiongen.weights.deep import write_checks

    for name in names or [entry.name for entry in weights.list(shelf)]:
        print(write_checks(name, shelf))


@app.command("pack")
def pack_run(
    run: Annotated[Path, typer.Argument(help="Folder of a finished training run.")],
    name: Annotated[str, typer.Option(help="What --weights will take.")],
    facts: Annotated[Path, typer.Option(help="TOML: licence, source, training_data, hardware, card.")],
    into: Annotated[Path | None, typer.Option(help="Folder of the manifest; default: the package's.")] = None,
    decoder: Annotated[Path | None, typer.Option(help="Tokenizer run whose decoder is used.")] = None,
    trust: Annotated[
        float | None,
        typer.Option(min=0.0, help="Nats needed to overrule the draft; default: init's, else the preset's."),
    ] = None,
    mean: Annotated[
        str | None,
        typer.Option(help="Tasks read by mean levels, with commas; default: the recipe's, else init's."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace weights of that name in the package's own manifest.")
    ] = False,
) -> None:
    """Turn a training run into weights with an entry in a manifest and checks for `verify --deep`."""
    from visiongen.registry import TASKS
    from visiongen.training.pack import pack, read_facts

    tasks = None if mean is None else [name.strip() for name in mean.split(",") if name.strip()]
    for task in tasks or ():
        TASKS.get(task)
    print(pack(run, name, read_facts(facts), into, decoder, trust, tasks, replace))


Backbone = Annotated[str, typer.Argument(metavar="NAME|FILE", help="Weights: see `weights ls`, or a file.")]
CardFile = Annotated[
    Path | None, typer.Option("--card", help="Model card, Markdown; default: the manifest's, else the facts.")
]


@app.command("export")
def export(weights: Backbone, folder: Path, card: CardFile = None) -> None:
    """Write config.json, model.safetensors and README.md, as the Hugging Face Hub has them, into a folder."""
    from visiongen.backbones.embedded import EmbeddedBackbone

    print(EmbeddedBackbone.load(weights).save_pretrained(folder, card or _card(weights)))


@app.command("push")
def push(
    weights: Backbone,
    repository: Annotated[str, typer.Argument(metavar="ORG/REPO", help="Made where it is missing.")],
    card: CardFile = None,
    message: Annotated[str, typer.Option(help="Of the commit.")] = "Weights of visiongen",
    private: Annotated[bool | None, typer.Option(help="Whether a new repository is private.")] = None,
    branch: Annotated[str | None, typer.Option(help="Default: main.")] = None,
    pull_request: Annotated[bool, typer.Option("--pull-request", help="Open one instead.")] = False,
) -> None:
    """Upload weights to the Hugging Face Hub (token: HF_TOKEN, or `hf auth login`); prints the commit."""
    from visiongen.backbones.embedded import EmbeddedBackbone

    backbone = EmbeddedBackbone.load(weights)
    options: dict[str, Any] = {
        "branch": branch,
        "create_pr": pull_request or None,
        "card": card or _card(weights),
    }
    print(backbone.push_to_hub(repository, commit_message=message, private=private, **options))


def _card(name: str) -> Path | None:
    """The model card that the package has for weights of that name."""
    from visiongen import weights

    found = next((entry.card for entry in weights.list() if entry.name == name), "")
    return weights.ROOT / found if found and (weights.ROOT / found).is_file() else None
