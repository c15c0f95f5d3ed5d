"""Every error that visiongen raises on purpose, and the exit code each one means.

A message names the file or argument, the offending value and the remedy, on one line.
"""

from __future__ import annotations


class VisiongenError(Exception):
    """Base of all deliberate errors. ``exit_code`` is what the command line returns for it."""

    exit_code = 1


class UsageError(VisiongenError, ValueError):
    """The call itself is wrong: unknown task, bad legend, impossible option (exit code 2)."""

    exit_code = 2


class InputError(VisiongenError, ValueError):
    """An input file or array cannot be used: corrupt, empty, too small, NaN (exit code 1)."""


class CodecError(InputError):
    """A map cannot be decoded: its specification is missing, unknown or of another codec."""


class MissingDataError(VisiongenError, FileNotFoundError):
    """A dataset, split or file that the call needs is not there (exit code 3)."""

    exit_code = 3

    def __str__(self) -> str:
        """Plain text, not FileNotFoundError's errno form."""
        return str(self.args[0]) if self.args else ""


class UnfinishedError(MissingDataError):
    """A benchmark run's folder still lacks images: the same run continues it, or another part of it does."""


class WeightsError(VisiongenError):
    """Weights are missing, truncated or do not match their manifest (exit code 3)."""

    exit_code = 3


class SaveError(VisiongenError, OSError):
    """A result could not be written; nothing half-written is left behind (exit code 1)."""

    def __str__(self) -> str:
        """Plain text, not OSError's errno form."""
        return str(self.args[0]) if self.args else ""


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, torch's own (CPU or GPU) among them."""
    words = str(error)
    known = "can't allocate memory" in words or "CUDA out of memory" in words
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and known)


OUT_OF_MEMORY = (
    "out of memory; use a smaller --long-side (train: a smaller batch or size in the recipe), or close other "
    "programs"
)


class DependencyError(VisiongenError, ImportError):
    """An optional package is needed and missing; the message names the extra to install."""
