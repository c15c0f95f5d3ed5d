"""``python -m visiongen.benchmarks.materials`` scores PBR sets painted from photos of surfaces."""

from __future__ import annotations

import sys

from visiongen.benchmarks.materials.report import main

if __name__ == "__main__":
    sys.exit(main())
