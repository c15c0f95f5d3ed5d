"""Tasks: what to ask the image generator for, and how its picture becomes labels with units."""

from __future__ import annotations

if __name__ != "visiongen.tasks":
    raise ImportError("import this package as visiongen.tasks, not by its folder name")

from visiongen.tasks.base import Prediction, Task
from visiongen.tasks.image import inpaint
from visiongen.tasks.predicting import predict, predict_many
from visiongen.tasks.turns import ask

__all__ = ["Prediction", "Task", "ask", "inpaint", "predict", "predict_many"]
