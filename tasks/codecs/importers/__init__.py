"""Codecs of other painters' conventions, so that their maps can be read (and painted, for tests)."""

from __future__ import annotations
