"""``python -m visiongen.benchmarks.ablations`` trains and scores what is missing, and prints the table."""

from __future__ import annotations

import sys

from visiongen.benchmarks.ablations.command import main

if __name__ == "__main__":
    sys.exit(main())
