"""``python -m visiongen.benchmarks.incontext`` scores episodes with 0, 1, 2 and 4 examples."""

from __future__ import annotations

import sys

from visiongen.benchmarks.incontext.report import main

if __name__ == "__main__":
    sys.exit(main())
