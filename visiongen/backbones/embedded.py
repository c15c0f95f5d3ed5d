"""The backbone that ships with the package: our tokenizer and our autoregressive painter."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from visiongen import checkpoint, weights
from visiongen.backbones.base import (
    Backbone,
    Canvas,
    Capabilities,
    DecodeStats,
    Sampler,
    Scene,
    WeightsRecord,
    canvas_size,
)
from visiongen.backbones.pretrained import Pretrained
from visiongen.checkpoint import Checkpoint
from visiongen.decoding.board import Board
from visiongen.decoding.decode import decode, decode_after, decode_all, repeat_seeds
from visiongen.decoding.scales import by_scales
from visiongen.errors import InputError, UsageError, WeightsError
from visiongen.painter_config import PainterConfig
from visiongen.prompt import Prompt
from visiongen.resize import resize_photo
from visiongen.tokenizer import ImageTokenizer, TokenizerConfig
from visiongen.transformer import Painter, PhotoPrefix
from visiongen.units import PATCH, to_levels, to_unit
from visiongen.weights import hub

UNKNOWN = "unknown"  # licence of weights that say nothing
KIND = "backbone"
FACTS = ("source", "training_data")  # of a file's header, handed on with the weights


class EmbeddedBackbone(Pretrained, Backbone):
    """Paints maps and photos with tokens; everything runs in this process."""

    capabilities = Capabilities(streaming=True, teacher=True)

    def __init__(
        self,
        tokenizer: ImageTokenizer,
        painter: Painter,
        name: str = "embedded",
        record: WeightsRecord | None = None,
        licence: str = UNKNOWN,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        if tuple(tokenizer.levels) != tuple(painter.config.levels):
            raise UsageError(
                f"painter levels {painter.config.levels} differ from the tokenizer's "
                f"{tokenizer.levels}; pair the ones trained together"
            )
        self.name, self.weights, self.facts = name, record, dict(facts or {})
        config = painter.config
        self.capabilities = replace(
            self.capabilities, in_context=config.context, noise=config.noise, licence=licence
        )
        self.tokenizer, self.painter = tokenizer.eval(), painter.eval()
        painter.palette, painter.encode = tokenizer.palette, tokenizer.encode

    @classmethod
    def load(
        cls, name: str | Path = "tiny", device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> EmbeddedBackbone:
        """Shipped weights by name, a ``.safetensors`` file that ``save`` wrote, a folder of
        ``save_pretrained``, or ``hf-hub:ORG/REPO`` (see ``from_pretrained``).

        fp16 on disk becomes ``dtype`` in memory (bfloat16 halves memory; tokens may then differ
        between modes). The licence is the manifest's, of any other file that of its header.
        ``device``: of torch, "cpu" or "cuda"; UsageError for one that is not here.
        WeightsError when missing, cut short, altered or of another kind.
        """
        path, licence = Path(name), ""
        if hub.is_saved(name) and not _is_shipped(path):
            path = hub.locate(name)
        elif path.suffix != ".safetensors":
            _check_no_folder(path)
            path, licence = weights.check(str(name)), weights.entry(str(name)).licence
        return cls.of(checkpoint.load(path), device, dtype, licence)

    @classmethod
    def of(
        cls,
        loaded: Checkpoint,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
        licence: str = "",
    ) -> EmbeddedBackbone:
        """The backbone of a file that is already read. WeightsError when it is of another kind.

        ``licence`` "": what the file's header says, "unknown" where it says nothing.
        """
        path = loaded.path
        licence = licence or str(loaded.meta.get("licence", UNKNOWN))
        try:
            if loaded.meta["kind"] != KIND:
                raise WeightsError(_other_kind(loaded))
            with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they are
                painter = Painter(PainterConfig.from_dict(loaded.meta["painter"]))
        except (KeyError, TypeError) as error:
            raise WeightsError(f"{path}: its configuration lacks or misnames {error}") from None
        tokenizer = read_tokenizer(loaded, path)
        checkpoint.fill(painter, loaded.part("painter"), path)
        record = WeightsRecord(str(loaded.meta.get("name", path.stem)), loaded.sha256)
        facts = {key: str(loaded.meta[key]) for key in FACTS if key in loaded.meta}
        return cls(tokenizer, painter, record.name, record, licence, facts).to(device, dtype)

    @classmethod
    def random(cls, preset: str = "nano", seed: int = 0) -> EmbeddedBackbone:
        """Random weights, for tests and for timing shapes. Its pictures mean nothing."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            tokenizer = ImageTokenizer(TokenizerConfig.preset("nano" if preset == "nano" else "tiny"))
            painter = Painter(PainterConfig.preset(preset, tokenizer.levels))
            for p in painter.parameters():  # heads start at zero: an untrained picture is constant
                if not p.any():
                    torch.nn.init.normal_(p, std=p[0].numel() ** -0.5 if p.dim() > 1 else 0.5)
        return cls(tokenizer, painter, f"random-{preset}")

    def save(self, path: str | Path, meta: Mapping[str, Any] | None = None) -> str:
        """Write both parts, their configurations, licence and facts as one fp16 file; returns its sha256."""
        parts = {"tokenizer": self.tokenizer, "painter": self.painter}
        return checkpoint.save(path, parts, self.header() | dict(meta or {}))

    def header(self) -> dict[str, Any]:
        """What a file of these weights says of itself."""
        values: dict[str, Any] = {
            "kind": KIND,
            "name": self.name,
            "tokenizer": self.tokenizer.config.to_dict(),
            "painter": self.painter.config.to_dict(),
        }
        if self.capabilities.licence != UNKNOWN:
            values["licence"] = self.capabilities.licence
        return values | self.facts

    def to(self, device: str, dtype: torch.dtype | None = None) -> EmbeddedBackbone:
        """Move to a device; ``dtype`` is the painter's, None its own (the tokenizer stays fp32).

        Scenes that were made before read their photo again. UsageError for a device that is not here, or
        what is no floating type.
        """
        _check_device(device)
        if dtype is not None and not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
            raise UsageError(f"dtype {dtype!r}: give torch.float32, torch.bfloat16 or torch.float16")
        self.tokenizer.to(device)
        self.painter.to(device, self.dtype if dtype is None else dtype)
        return self

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.painter.begin.device

    @property
    def dtype(self) -> torch.dtype:
        """The painter's floating type."""
        return self.painter.begin.dtype

    @property
    def words(self) -> tuple[str, ...]:
        """Names of classes that the weights were trained on; () for weights that do not say."""
        return self.painter.config.words

    def scene(self, photo: np.ndarray | None = None, size: tuple[int, int] | None = None) -> EmbeddedScene:
        """See Backbone.scene. The photo is encoded at the first paint, once."""
        return EmbeddedScene(self, photo, canvas_size(photo, size))


def _check_device(device: str | torch.device) -> None:
    """UsageError for a device that torch does not know or cannot use here."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # the latter of a torch that was built without it
        cause = str(error).splitlines()[0].rstrip(".")
        raise UsageError(f"device {str(device)!r}: not available here ({cause}); use 'cpu'") from error


def _is_shipped(path: Path) -> bool:
    """Whether it is a name of the manifest, of which a folder may have the same."""
    return str(path) in (entry.name for entry in weights.list())


def _check_no_folder(path: Path) -> None:
    """WeightsError for a folder where a file is meant."""
    if path.is_dir() and not _is_shipped(path):
        files = ", ".join(sorted(file.name for file in path.glob("*.safetensors")))
        raise WeightsError(f"{path}: a folder; name the file of weights in it ({files or 'there is none'})")


def _other_kind(loaded: Checkpoint) -> str:
    """What a file holds that is no backbone, and how it becomes one."""
    path, kind = loaded.path, loaded.meta["kind"]
    if kind == "training" and loaded.meta.get("tokenizer"):  # only a painter's run records the one beside it
        return (
            f"{path}: a run's weights; pack them first: visiongen weights pack {path.parent} --name NAME "
            "--facts FACTS.toml --into DIR"
        )
    return f"{path}: holds a {kind} of another model, not a {KIND}; `visiongen weights ls` names some"


def read_tokenizer(loaded: Checkpoint, path: Path) -> ImageTokenizer:
    """The tokenizer inside a backbone's file; WeightsError if it is not one."""
    try:
        with torch.random.fork_rng(devices=[]):
            tokenizer = ImageTokenizer(TokenizerConfig.from_dict(loaded.meta["tokenizer"]))
    except (KeyError, TypeError) as error:
        raise WeightsError(f"{path}: its configuration lacks or misnames {error}") from None
    checkpoint.fill(tokenizer, loaded.part("tokenizer"), path)
    return tokenizer


class EmbeddedScene(Scene):
    """One photo's prefix and whatever is painted from it."""

    def __init__(self, backbone: EmbeddedBackbone, photo: np.ndarray | None, size: tuple[int, int]) -> None:
        self.backbone, self.size = backbone, size
        self.photo = None if photo is None else photo.copy()  # the caller's may be a buffer for the next one
        self._prefix: PhotoPrefix | None = None

    @torch.inference_mode()
    def prefix(self) -> PhotoPrefix:
        """The photo's prefix, computed at the first call, and anew once the backbone has moved (``to``)."""
        b, old = self.backbone, self._prefix
        if old is None or (old.features.device, old.features.dtype) != (b.device, b.dtype):
            if self.photo is None:
                pixels = torch.zeros(1, 3, *self.size, device=b.device, dtype=b.dtype)
            else:
                pixels = _from_uint8(self.photo, b.device).to(b.dtype)
            blank = torch.tensor([self.photo is None], device=b.device)
            self._prefix = old = b.painter.encode_photo(pixels, blank)
        return old

    def paint(self, prompts: Sequence[Prompt], sampler: Sampler | None = None) -> list[Canvas]:
        """One final canvas a prompt, decoded as one batch over the shared prefix."""
        sampler, prompts = sampler or Sampler(), list(prompts)
        if not prompts:
            return []
        clock = _Clock()
        if sampler.mode == "scales":
            *_, (board, _) = self._scales(prompts, sampler)
        else:
            photo = self.prefix().expand(len(prompts))
            board = decode_all(self.backbone.painter, photo, prompts, sampler)
        return self._canvases(board, sampler.mode, clock, final=True, index=0)

    def _scales(self, prompts: list[Prompt], sampler: Sampler) -> Iterator[tuple[Board, tuple[int, int]]]:
        """See ``by_scales``; the photo is read at every scale."""

        def photo(size: tuple[int, int]) -> PhotoPrefix:
            return self._at(size).prefix().expand(len(prompts))

        b, seeds = self.backbone, repeat_seeds(prompts, sampler.seed)
        return by_scales(b.painter, b.tokenizer, photo, self.size, prompts, seeds, sampler)

    def _at(self, size: tuple[int, int]) -> EmbeddedScene:
        """The same scene at a smaller size (h, w)."""
        if size == self.size:
            return self
        if self.photo is None:
            return EmbeddedScene(self.backbone, None, size)
        return EmbeddedScene(self.backbone, resize_photo(self.photo, size), size)

    def paint_after(
        self, prompts: Sequence[Prompt], truths: Sequence[np.ndarray], sampler: Sampler | None = None
    ) -> list[Canvas]:
        """See Scene.paint_after; InputError for a truth of another size."""
        prompts, clock = list(prompts), _Clock()
        tokens = [self._encode(truth) for truth in truths]
        if len(tokens) != len(prompts):
            raise UsageError(
                f"paint_after: {len(prompts)} prompts and {len(tokens)} truths; give one for each"
            )
        if not prompts:
            return []
        photo = self.prefix().expand(len(prompts))
        truth = torch.cat(tokens).flatten(1, 2)
        board = decode_after(self.backbone.painter, photo, prompts, sampler or Sampler(), truth)
        return self._canvases(board, "after truth", clock, final=True, index=0)

    @torch.inference_mode()
    def _encode(self, truth: np.ndarray) -> Tensor:
        """A map of the scene's size as tokens (1, h/8, w/8, C), alone: no batch may change them."""
        if truth.shape != (*self.size, 3) or truth.dtype != np.uint8:
            raise InputError(
                f"truth: {truth.dtype} {truth.shape} given; the scene is uint8 {(*self.size, 3)}"
            )
        return self.backbone.tokenizer.encode(_from_uint8(truth, self.backbone.device))

    def stream(self, prompt: Prompt, sampler: Sampler | None = None, steps: int = 8) -> Iterator[Canvas]:
        """The draft first (index 0), then about ``steps`` pictures growing from the top.

        Finished rows come from the verified tokens, the rest is the current guess. Modes masked and diffuse
        work on the whole picture: every pass is shown, and no row is done before the last one. In groups they
        grow from the top, too. Mode scales shows every scale, enlarged.
        """
        sampler = sampler or Sampler()
        clock = _Clock()
        if sampler.mode == "scales":
            yield from self._stream_scales(prompt, sampler, clock)
            return
        rows = self.size[0] // PATCH
        whole = sampler.mode in ("masked", "diffuse") and sampler.group is None
        stride, shown, index = max(1, rows // max(1, steps)), 0, 0
        boards = decode(self.backbone.painter, self.prefix(), [prompt], sampler)
        for board in boards:
            done = int(board.done[0]) * rows // board.length
            last = done == rows
            if index and not last and done < shown + stride and not whole:
                continue
            (canvas,) = self._canvases(board, sampler.mode, clock, final=last, index=index)
            with clock.stopped():
                yield canvas
            shown, index = done, index + 1

    def _stream_scales(self, prompt: Prompt, sampler: Sampler, clock: _Clock) -> Iterator[Canvas]:
        for index, (board, size) in enumerate(self._scales([prompt], sampler)):
            scene, final = EmbeddedScene(self.backbone, None, size), size == self.size
            (canvas,) = scene._canvases(board, sampler.mode, clock, final=final, index=index)
            with clock.stopped():
                yield canvas if final else _enlarged(canvas, self.size)

    def _canvases(
        self, board: Board, mode: str, clock: Callable[[], float], final: bool, index: int
    ) -> list[Canvas]:
        h, w = self.size[0] // PATCH, self.size[1] // PATCH
        tokens = board.tokens.unflatten(1, (h, w))
        # one by one: what a picture shows must not depend on its batch
        images = [_to_uint8(self.backbone.tokenizer, one[None]) for one in tokens]
        confidence = board.confidence().unflatten(1, (h, w)).cpu().numpy()
        hits, seconds = board.draft_hits(), clock()
        return [
            Canvas(
                image=images[i],
                tokens=tokens[i].cpu().numpy().copy(),
                final=final,
                index=index,
                rows_done=int(board.done[i]) // w * PATCH,
                confidence=confidence[i].repeat(PATCH, 0).repeat(PATCH, 1),
                stats=DecodeStats(
                    mode=mode,
                    tokens=board.length,
                    passes=int(board.passes[i]),
                    draft_hits=int(hits[i]),
                    seconds=seconds,
                    settled=int(board.settled[i]),
                ),
            )
            for i in range(len(images))
        ]


def _from_uint8(image: np.ndarray, device: torch.device) -> Tensor:
    """uint8 (h, w, 3) -> float (1, 3, h, w) in [-1, 1]."""
    array = torch.from_numpy(np.ascontiguousarray(image)).to(device)
    return to_unit(array.permute(2, 0, 1)[None].float())


@torch.inference_mode()
def _to_uint8(tokenizer: ImageTokenizer, tokens: Tensor) -> np.ndarray:
    """Tokens (1, h, w, C) -> uint8 (8h, 8w, 3)."""
    image = to_levels(tokenizer.decode(tokens)[0])
    return image.permute(1, 2, 0).contiguous().cpu().numpy()


def _enlarged(canvas: Canvas, size: tuple[int, int]) -> Canvas:
    """A smaller scale's canvas at ``size`` (h, w), where nothing is decided yet and no tokens are."""
    assert canvas.confidence is not None
    image = cv2.resize(canvas.image, size[::-1], interpolation=cv2.INTER_LINEAR)
    confidence = cv2.resize(canvas.confidence, size[::-1], interpolation=cv2.INTER_LINEAR)
    return replace(canvas, image=image, confidence=confidence, tokens=None, rows_done=0)


class _Clock:
    """Seconds since it was made, without those in which it was stopped."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def __call__(self) -> float:
        return time.perf_counter() - self.start

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """For what others do meanwhile, such as the reader of a stream."""
        before = time.perf_counter()
        yield
        self.start += time.perf_counter() - before
