"""The package visiongen.benchmarks."""

if __name__ != "visiongen.benchmarks":
    raise ImportError("import this package as visiongen.benchmarks, not by its folder name")
