"""The command line: ``visiongen predict | stream | prompt | decode | bench | train | weights | ...``.

Exit codes: 0 ok, 1 failed, 2 usage, 3 data or weights missing, 130 interrupted. Deliberate errors
are one line on stderr; VISIONGEN_DEBUG=1 adds the traceback. Nothing heavy is imported here.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import typer

from visiongen import __version__
from visiongen.cli import (
    bench,
    codec,
    cutout,
    decode,
    demo,
    materials,
    paint,
    predict,
    prompt,
    stream,
    train,
    weights,
    world,
)
from visiongen.errors import OUT_OF_MEMORY, VisiongenError, out_of_memory

app = typer.Typer(
    name="visiongen",
    help="One image generator paints the answer to a vision task; codecs turn it into labels.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("predict")(predict.predict)
app.command("paint")(paint.paint)
app.command("inpaint")(paint.inpaint)
app.command("cutout")(cutout.cutout)
app.command("stream")(stream.stream)
app.command("materials")(materials.materials)
app.command("prompt")(prompt.prompt)
app.command("decode")(decode.decode)
app.add_typer(bench.app, name="bench")
app.add_typer(codec.app, name="codec")
app.command("train")(train.train)
app.add_typer(weights.app, name="weights")
app.command("world")(world.world)
app.command("demo")(demo.demo)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"visiongen {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_print_version, is_eager=True, help="Print the version."
    ),
) -> None:
    # Telemetry and update checks of dependencies would be network use that nobody asked for.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line on ``arguments`` (default: sys.argv) and return the exit code."""
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except VisiongenError as error:
        return _report(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _report("interrupted", 130)
    except BrokenPipeError:
        # The reader (head, less) went away: no traceback, and no second one at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except Exception as error:
        if out_of_memory(error):
            return _report(OUT_OF_MEMORY, 1)
        return _report(
            f"internal error: {type(error).__name__}: {error}; "
            "set VISIONGEN_DEBUG=1 for the traceback and report it",
            1,
        )


def _run(arguments: Sequence[str] | None) -> int:
    try:
        app(list(arguments) if arguments is not None else None, prog_name="visiongen")
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        return _report(str(stop.code), 1)
    return 0


def _report(message: str, code: int) -> int:
    """Print one line on stderr (and the traceback when debugging); return ``code``."""
    if os.environ.get("VISIONGEN_DEBUG") and sys.exc_info()[0] is not None:
        traceback.print_exc()
    print("visiongen: " + " ".join(message.split()), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
