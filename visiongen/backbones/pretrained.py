"""from_pretrained, save_pretrained and push_to_hub, as huggingface_hub's mixins name and sign them.

Written out: to inherit ``ModelHubMixin`` takes half a second of imports from everyone who never asks the Hub.
What is asked of the Hub goes through huggingface_hub (:mod:`visiongen.weights.hub`).
"""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from visiongen import checkpoint
from visiongen.checkpoint import Checkpoint
from visiongen.weights import hub

Self = TypeVar("Self", bound="Pretrained")


class Pretrained(ABC):
    """A backbone of one file that can be kept in, and fetched from, a folder or a repository."""

    @classmethod
    @abstractmethod
    def of(
        cls: type[Self],
        loaded: Checkpoint,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        licence: str = "",
    ) -> Self:
        """The backbone of a file that is already read."""

    @abstractmethod
    def save(self, path: str | Path, meta: Mapping[str, Any] | None = None) -> str:
        """Write it as one file; returns its sha256."""

    @abstractmethod
    def header(self) -> dict[str, Any]:
        """What a file of these weights says of itself, JSON-able."""

    @classmethod
    def from_pretrained(
        cls: type[Self],
        pretrained_model_name_or_path: str | Path,
        *,
        revision: str | None = None,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        **options: Any,
    ) -> Self:
        """A folder of ``save_pretrained``, or a repository ``ORG/REPO`` of the Hugging Face Hub (kept).

        ``revision``: a branch, tag or commit. ``options``: cache_dir, force_download, local_files_only and
        token, as huggingface_hub's mixins take them. WeightsError when it is not there, cannot be fetched, is
        cut short, altered or of another kind.
        """
        path = hub.locate(pretrained_model_name_or_path, revision, **options)
        return cls.of(checkpoint.load(path), device, dtype)

    def save_pretrained(self, save_directory: str | Path, card: str | Path | None = None) -> Path:
        """Write model.safetensors, config.json and README.md into a folder, which is made; returns it.

        ``card``: the model card, Markdown or the path of a file of it. The same weights are the same bytes,
        wherever they were loaded from. SaveError when the folder cannot be written, MissingDataError when
        the card's file is not there.
        """
        folder, text = Path(save_directory), hub.read_card(card)
        self.save(folder / hub.MODEL)
        hub.describe(folder, self.header(), text)
        return folder

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str = "Weights of visiongen",
        private: bool | None = None,
        token: str | None = None,
        branch: str | None = None,
        create_pr: bool | None = None,
        card: str | Path | None = None,
    ) -> str:
        """Upload what ``save_pretrained`` writes; returns the commit's URL.

        The repository is made where it is missing. WeightsError when the Hub refuses.
        """
        with tempfile.TemporaryDirectory() as folder:
            self.save_pretrained(folder, card)
            options = {"token": token, "revision": branch, "create_pr": create_pr}
            return hub.push(Path(folder), repo_id, commit_message, private, **options)
