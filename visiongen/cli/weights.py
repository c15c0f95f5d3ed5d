"""``visiongen weights ls|verify``: what is installed, and whether its bytes are what they should be."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from visiongen.cli import common
from visiongen.errors import WeightsError

app = typer.Typer(help="List the installed weights, or check their hashes.", no_args_is_help=True)


@app.command("ls")
def list_weights(json_target: common.JsonTarget = None) -> None:
    """List the weights that come with the package: size, licence, training."""
    from visiongen import weights

    entries = weights.list()
    common.write_report(
        json_target, {"schema": "visiongen.weights/1", "weights": [e.to_json() for e in entries]}
    )
    if json_target == "-":
        return
    print(f"{'name':<24} {'kind':<11} {'MB':>6} {'minutes':>8}  {'licence':<18} file")
    for e in entries:
        numbers = f"{e.bytes / 1e6:>6.1f} {e.minutes:>8.0f}"
        print(f"{e.name:<24} {e.kind:<11} {numbers}  {e.licence:<18} {weights.ROOT / e.file}")


@app.command("verify")
def verify(json_target: common.JsonTarget = None) -> None:
    """Compare every file's size and sha256 with the manifest; exit code 3 when one differs."""
    from visiongen import weights

    checks = weights.verify()
    if not checks:
        raise WeightsError(f"{weights.ROOT / 'manifest.toml'}: lists no weights; reinstall visiongen")
    rows = [{"name": e.name, "sha256": e.sha256, "ok": not fault, "fault": fault} for e, fault in checks]
    common.write_report(json_target, {"schema": "visiongen.weights-verify/1", "weights": rows})
    for entry, fault in checks:
        if fault:
            print(f"visiongen: {fault}", file=sys.stderr)
        else:
            common.say(f"{entry.name}: ok  sha256 {entry.sha256}", json_target)
    bad = [entry.name for entry, fault in checks if fault]
    if bad:
        raise WeightsError(f"weights {', '.join(bad)}: not as the manifest says; reinstall visiongen")


@app.command("pack")
def pack_run(
    run: Annotated[Path, typer.Argument(help="Folder of a finished training run.")],
    name: Annotated[str, typer.Option(help="What --weights will take.")],
    facts: Annotated[Path, typer.Option(help="TOML: licence, source, training_data, hardware, card.")],
    into: Annotated[Path | None, typer.Option(help="Folder of the manifest; default: the package's.")] = None,
    decoder: Annotated[Path | None, typer.Option(help="Tokenizer run whose decoder is used.")] = None,
    trust: Annotated[float, typer.Option(min=0.0, help="Nats needed to overrule the draft.")] = 0.0,
    mean: Annotated[str, typer.Option(help="Tasks read by mean levels, with commas.")] = "",
) -> None:
    """Turn a training run into weights with an entry in a manifest."""
    from visiongen.registry import TASKS
    from visiongen.training.pack import pack, read_facts

    tasks = [name.strip() for name in mean.split(",") if name.strip()]
    for task in tasks:
        TASKS.get(task)
    print(pack(run, name, read_facts(facts), into, decoder, trust, tasks))
