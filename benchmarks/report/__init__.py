"""``visiongen bench report``: one HTML file over any number of runs, made from their folders alone."""

from visiongen.benchmarks.report.page import build

__all__ = ["build"]
