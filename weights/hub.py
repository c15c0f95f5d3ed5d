"""Weights as the Hugging Face Hub has them: folders of config.json, model.safetensors and README.md.

What ``model.safetensors`` says in its own header is what counts. config.json repeats it for whoever looks at
a repository, and README.md is the model card. Names begin with ``hf-hub:``, as timm's do.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from visiongen.errors import MissingDataError, UsageError, WeightsError
from visiongen.files import write_atomic, write_json

PREFIX = "hf-hub:"
MODEL, CONFIG, CARD = "model.safetensors", "config.json", "README.md"
TAGS = ("visiongen", "dense-prediction", "image-segmentation", "depth-estimation")
#: Licences by the Hub's own identifiers; any other is "other" with its name.
LICENCES = {"Apache-2.0", "MIT", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0"}
REMEDY = "check the name, the connection and, for a private one, HF_TOKEN; or give a local file"


def is_repository(name: str | Path) -> bool:
    """Whether a name of weights is ``hf-hub:ORG/REPO``."""
    return str(name).startswith(PREFIX)


def is_saved(name: str | Path) -> bool:
    """Whether a name is what ``locate`` finds weights behind: a repository, or a folder that holds them."""
    return is_repository(name) or (Path(name) / MODEL).is_file()


def locate(name: str | Path, revision: str | None = None, **options: Any) -> Path:
    """``model.safetensors`` of a folder, or of a repository on the Hub: then it is fetched, and kept.

    ``name``: a folder, ``ORG/REPO`` or ``hf-hub:ORG/REPO``, the last two with ``@REVISION`` if wanted.
    ``options``: cache_dir, force_download, local_files_only and token of ``huggingface_hub.hf_hub_download``.
    WeightsError when there is none, or none can be fetched.
    """
    folder = Path(name)
    if folder.is_dir():
        if not (folder / MODEL).is_file():
            raise WeightsError(f"{folder}: holds no {MODEL}; save_pretrained() writes one")
        return folder / MODEL
    repository, _, found = str(name).removeprefix(PREFIX).partition("@")
    if found and revision not in (None, found):
        raise UsageError(f"{name}: names revision {found}, but {revision} is asked for; give one of them")
    return _fetch(repository, revision or found or None, options)


def _fetch(repository: str, revision: str | None, options: Mapping[str, Any]) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        with _quiet():
            return Path(hf_hub_download(repository, MODEL, revision=revision, **options))
    except HFValidationError:
        raise WeightsError(
            f"{repository!r}: neither a folder nor a repository; give {PREFIX}ORG/REPO, or a local folder"
        ) from None
    except (HfHubHTTPError, OSError, ValueError) as error:  # also what says that the Hub is not to be asked
        at = f" at {revision}" if revision else ""
        raise WeightsError(
            f"{PREFIX}{repository}{at}: {MODEL} not fetched ({_reason(error)}); {REMEDY}"
        ) from None


def read_card(card: str | Path | None) -> str | None:
    """A model card's Markdown from what a caller gives: that, or the path of a file of it; None for none.

    MissingDataError for a path of no file. A string is a path where it is one line that ends in ".md".
    """
    if card is None or (isinstance(card, str) and ("\n" in card or not card.endswith(".md"))):
        return card
    path = Path(card)
    if not path.is_file():
        raise MissingDataError(f"{path}: no such file; give the model card's Markdown, or a file of it")
    return path.read_text(encoding="utf-8")


def describe(folder: Path, meta: Mapping[str, Any], card: str | None = None) -> None:
    """Write config.json and README.md beside a ``model.safetensors`` whose header is ``meta``.

    ``card``: a model card's Markdown, with a head of YAML as it is, else with ours; None: the facts alone.
    """
    write_json(folder / CONFIG, {"library_name": "visiongen"} | dict(meta))
    text = card or _facts(meta)
    write_atomic(folder / CARD, (text if text.startswith("---\n") else _front(meta) + text).encode())


def _front(meta: Mapping[str, Any]) -> str:
    """The card's head of YAML, as the Hub reads it."""
    from huggingface_hub import ModelCardData

    licence = str(meta.get("licence", ""))
    known: dict[str, Any] = {}
    if licence:
        known = {"license": licence.lower()} if licence in LICENCES else {"license": "other"}
    if known.get("license") == "other":
        known["license_name"] = licence
    data = ModelCardData(library_name="visiongen", pipeline_tag="image-to-image", tags=list(TAGS), **known)
    return f"---\n{data.to_yaml()}\n---\n\n"


def _facts(meta: Mapping[str, Any]) -> str:
    lines = [
        f"# {meta.get('name', 'weights')}",
        "",
        "Weights of visiongen, an autoregressive painter of vision maps.",
        "",
    ]
    for key in ("licence", "source", "training_data"):
        if meta.get(key):
            lines.append(f"- {key.replace('_', ' ')}: {meta[key]}")
    lines += ["", "```python", "from visiongen.backbones.embedded import EmbeddedBackbone", ""]
    lines += ['backbone = EmbeddedBackbone.from_pretrained("ORG/REPO")', "```", ""]
    return "\n".join(lines)


def push(folder: Path, repository: str, message: str, private: bool | None = None, **options: Any) -> str:
    """Upload a folder that ``describe`` and a ``model.safetensors`` made; returns the commit's address.

    The repository is made where it is missing. ``options``: token, revision (a branch, made too) and
    create_pr. WeightsError when the Hub refuses.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    api, wanted = HfApi(token=options.pop("token", None)), [MODEL, CONFIG, CARD]
    try:
        with _quiet():
            name = api.create_repo(repository, private=private, exist_ok=True).repo_id
            if (branch := options.get("revision")) and not options.get("create_pr"):
                api.create_branch(name, branch=branch, exist_ok=True)
            done = api.upload_folder(
                repo_id=name, folder_path=folder, commit_message=message, allow_patterns=wanted, **options
            )
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise WeightsError(f"{PREFIX}{repository}: not uploaded ({_reason(error)}); {REMEDY}") from None
    return str(done.commit_url)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the Hub's own lines of each attempt: what failed is told once, by the error."""
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _reason(error: Exception) -> str:
    """The first line of what an error says, else its kind."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


__all__ = [
    "CARD",
    "CONFIG",
    "MODEL",
    "PREFIX",
    "describe",
    "is_repository",
    "is_saved",
    "locate",
    "push",
    "read_card",
]
