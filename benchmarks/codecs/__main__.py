"""``python -m visiongen.benchmarks.codecs`` prints what label maps survive."""

from __future__ import annotations

from visiongen.benchmarks.codecs.report import main

if __name__ == "__main__":
    main()
