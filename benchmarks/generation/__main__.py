"""``python -m visiongen.benchmarks.generation`` scores what a set of weights paints."""

from __future__ import annotations

import sys

from visiongen.benchmarks.generation.report import main

if __name__ == "__main__":
    sys.exit(main())
