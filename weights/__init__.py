"""The package visiongen.weights."""

if __name__ != "visiongen.weights":
    raise ImportError("import this package as visiongen.weights, not by its folder name")
