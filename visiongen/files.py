"""Writing files so that nothing half-written is ever seen, and hashing them."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from visiongen.errors import SaveError, UsageError

REMEDIES = {errno.ENAMETOOLONG: "shorten the name of the input"}


def write_atomic(path: str | Path, write: Callable[[BinaryIO], object] | bytes | str) -> Path:
    """Write through a temporary file in the same folder, then rename.

    ``write`` is the content, or a function that is given the open binary file. On any failure
    (full disk, no permission) the temporary file goes away, an older file stays as it was, and
    SaveError names the path and the cause. A link stays a link to what is written; what is no file (a pipe,
    ``/dev/stdout``) is written to as it is.
    """
    asked = path = Path(path)
    temporary: str | None = None
    try:
        if path.is_symlink():
            path = path.resolve()
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as stream:
                _put(stream, write)
            return asked
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = _create(path)
        with os.fdopen(handle, "wb") as file:
            _put(file, write)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        cause = error.strerror or str(error)
        remedy = REMEDIES.get(error.errno or 0, "free space or choose another --out")
        raise SaveError(f"{path}: cannot write ({cause}); {remedy}") from error
    finally:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
    return asked


def _create(path: Path) -> tuple[int, str]:
    """A new file beside ``path``, open for writing, and its name; it may be read as the umask says.

    The kernel applies the umask: to ask for it one must change it, for every thread of the process.
    """
    name = str(path.parent / f".{path.name}.{secrets.token_hex(4)}")
    return os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o666), name


def _put(file: BinaryIO, write: Callable[[BinaryIO], object] | bytes | str) -> None:
    if callable(write):
        write(file)
    else:
        # The name of a file that is not UTF-8 is written as the bytes that it has.
        file.write(write.encode(errors="surrogateescape") if isinstance(write, str) else write)


def remove(path: str | Path) -> None:
    """Take away what an earlier run left, if it is there; SaveError where that cannot be."""
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        cause = error.strerror or str(error)
        raise SaveError(f"{path}: cannot remove an old file ({cause}); use another --out") from error


def write_json(path: str | Path, value: Any) -> Path:
    """Write ``value`` as :func:`json_text`."""
    return write_atomic(path, json_text(value))


def json_text(value: Any) -> str:
    """``value`` as indented JSON; NaN is refused (it is not JSON)."""
    return json.dumps(value, indent=2, allow_nan=False) + "\n"


def check_report(target: str | None) -> str | None:
    """``--json`` as given; UsageError before any work is done where no file can be written."""
    if target is not None and target != "-" and Path(target).is_dir():
        raise UsageError(f"--json {target}: is a folder; name a file in it")
    return target


def write_report(target: str | None, report: dict[str, Any]) -> None:
    """Write ``report`` to a file, to stdout for ``-``, or nowhere for None."""
    if target == "-":
        print(json_text(report), end="")
    elif target is not None:
        write_json(target, report)


def sha256(path: str | Path) -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
