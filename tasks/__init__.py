"""The package visiongen.tasks."""

if __name__ != "visiongen.tasks":
    raise ImportError("import this package as visiongen.tasks, not by its folder name")
