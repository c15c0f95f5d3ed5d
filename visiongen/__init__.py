"""visiongen: one image generator paints the answer to a vision task; codecs turn it into labels."""

from __future__ import annotations

__version__ = "0.1.0"
