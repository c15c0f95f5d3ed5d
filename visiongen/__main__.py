"""``python -m visiongen`` is the command line."""

from __future__ import annotations

import sys

from visiongen.cli.main import main

sys.exit(main())
