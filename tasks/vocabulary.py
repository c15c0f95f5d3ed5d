"""What a legend may say: whether its names are among those that the weights were trained on."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from visiongen.prompt import BORDER, OTHER, Prompt
from visiongen.registry import TASKS
from visiongen.tasks.legend_change import forms
from visiongen.unnamed import UNNAMED


def unmet(prompt: Prompt, words: Sequence[str]) -> list[str]:
    """The names in the prompt's legend that are none of ``words``, in small letters and singular or not.

    Only a caller's classes are looked at: a task's own names (edge, background) and a phrase are no classes.
    Examples show what their entries mean, so none is unmet beside them; nor is any where nothing is known of
    what the weights were trained on (no ``words``), nor "other" and "border".
    """
    if not words or not prompt.legend or prompt.examples or not _of_classes(prompt):
        return []
    known = {OTHER, BORDER, *words}
    named = (name for name in prompt.legend.names if not name.startswith(UNNAMED))
    return [name for name in named if not forms(name) & known]


def _of_classes(prompt: Prompt) -> bool:
    """Whether the legend's names are a caller's classes: for a map, or for a photo of one."""
    from visiongen.tasks.semantic import Semantic

    asked = prompt.task in TASKS and bool(TASKS.get(prompt.task).uses_legend)
    return asked or prompt.text.startswith(Semantic.reverse_text)


def warning(prompt: Prompt, painter: object) -> str | None:
    """One sentence about the names that a backbone never met, with nearby words; None without such names."""
    words: Sequence[str] = getattr(painter, "words", ())  # one that derives from nothing may not say
    names = unmet(prompt, words)
    if not names:
        return None
    close = [
        near for name in names for near in difflib.get_close_matches(name.lower(), words, n=1, cutoff=0.7)
    ]
    hint = f" (is it {' or '.join(repr(word) for word in dict.fromkeys(close))}?)" if close else ""
    told = ", ".join(repr(name) for name in names)
    return f"the weights were not trained on {told}{hint}: what they paint in its colour is a guess"
