"""Reading photos: uint8 RGB (H, W, 3)."""

from __future__ import annotations

import glob
import io
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from visiongen.errors import InputError, MissingDataError

if TYPE_CHECKING:
    import PIL.Image

__all__ = [
    "Photo",
    "as_opacity",
    "as_photo",
    "check_photo",
    "check_size",
    "list_inputs",
    "named_photo",
    "orientation",
    "read_image",
]

Photo: TypeAlias = "np.ndarray | str | Path | PIL.Image.Image"
"""What ``as_photo`` takes: uint8 RGB (H, W, 3), a path, or an open PIL image."""

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".gif")
MIN_SIDE = 8
MAX_ASPECT = 50
MAX_PIXELS = 178_000_000
_ORIENTATION = 274
_TURNS = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM"}  # by EXIF orientation
_TURNS |= {5: "TRANSPOSE", 6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90"}
# Modes of pictures that may have a profile -> the mode that it is a profile of.
_BARE = {"RGB": "RGB", "RGBA": "RGB", "P": "RGB", "PA": "RGB", "CMYK": "CMYK", "L": "L", "LA": "L"}
_QUIET = threading.Lock()


def read_image(path: str | Path, stored: bool = False) -> np.ndarray:
    """The photo as uint8 RGB (H, W, 3), upright by its EXIF orientation, in sRGB by its ICC profile.

    8- and 16-bit, gray, palette and CMYK pictures become RGB; transparency lies on white. What we write has
    no profile, so it is taken for sRGB; gray of 16 bits keeps its levels. ``stored``: neither turned nor
    converted. Benchmarks and maps of materials are read so, as their official code and glTF do: their truths
    are in the frame of the stored pixels. Empty, truncated, foreign, tiny (< 8 px), long (> 50:1) or huge
    files raise InputError, those that are not there MissingDataError.
    """
    path = Path(path)
    _check_file(path)
    with _told(str(path)), _open(path) as image:
        return _decode(image, str(path), stored)


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    """The picture's header, without PIL's warnings: of sizes that ``check_size`` allows, of odd EXIF blocks.

    Filters of warnings are the whole process's, so two threads must not change and restore them at once. PIL
    is not told the name: it would map the file, and Pillow 12 reads a TIFF that lies on its side askew then.
    """
    from PIL import Image

    with path.open("rb") as file:
        with _QUIET, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(file)
        with image:
            yield image


def _decode(image: Any, where: str, stored: bool = False) -> np.ndarray:
    """An open PIL image -> uint8 RGB (H, W, 3); its size is checked before it is decoded."""
    check_size(image.size[::-1], where)
    image.load()
    return _to_rgb(image if stored else _in_srgb(_upright(image)), where)


def _upright(image: Any) -> Any:
    """The image turned as its EXIF says.

    ImageOps.exif_transpose would write the whole EXIF block anew, which fails at any odd entry of it.
    """
    from PIL import Image

    image.load()  # TIFF is turned by that, and says so only then
    turn = _TURNS.get(orientation(image))
    return image if turn is None else image.transpose(Image.Transpose[turn])


def _in_srgb(image: Any) -> Any:
    """The image in sRGB; itself without a profile, or with one that is not understood."""
    from PIL import ImageCms

    stored = image.info.get("icc_profile")
    if not stored or image.mode not in _BARE:
        return image
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(stored))
        if ImageCms.getProfileDescription(profile).startswith("sRGB"):
            return image
        # Opacity is no colour, and a transparent colour or palette entry would not be found any more.
        layer: Any = image.convert("RGBA") if _see_through(image) or image.mode == "P" else None
        plain = (layer if image.mode in ("P", "PA") else image).convert(_BARE[image.mode])
        found: Any = ImageCms.profileToProfile(
            plain, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        if layer is not None:
            found.putalpha(layer.getchannel("A"))
        return found
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image


def _see_through(image: Any) -> bool:
    return "A" in image.getbands() or "transparency" in image.info


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Whatever PIL raises of a picture that it cannot read, as InputError."""
    from PIL import Image

    try:
        yield
    except InputError:
        raise
    except PermissionError as error:
        raise _closed(where) from error
    except Image.DecompressionBombError as error:
        raise InputError(f"{where}: over {MAX_PIXELS} pixels; make it smaller") from error
    except Image.UnidentifiedImageError as error:
        raise InputError(f"{where}: not an image; give one of {' '.join(SUFFIXES)}") from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        cause = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{where}: damaged or truncated ({cause}); fetch the file again") from error


def as_opacity(value: Photo) -> np.ndarray | None:
    """The alpha uint8 (H, W), upright, of what :func:`as_photo` takes; None without any."""
    if isinstance(value, np.ndarray):
        return None
    with _open(Path(value)) if isinstance(value, (str, Path)) else nullcontext(value) as image:
        return np.asarray(_upright(image).convert("RGBA"))[..., 3] if _see_through(image) else None


def _check_file(path: Path) -> None:
    """Raise MissingDataError or InputError unless ``path`` is a file with something in it."""
    if not _exists(path):
        raise MissingDataError(f"{path}: no such file; check the path")
    if not path.is_file():
        raise InputError(f"{path}: not a file; give an image")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: empty (0 bytes); fetch the file again")


def _exists(path: Path) -> bool:
    """Whether something is there; not what is no name at all (too long). InputError in a closed folder."""
    try:
        path.stat()
    except PermissionError as error:
        raise _closed(path) from error
    except (OSError, ValueError):
        return False
    return True


def _closed(path: object) -> InputError:
    return InputError(f"{path}: may not be read (permission denied); allow it, or give another")


def check_size(size: tuple[int, int], where: str = "photo") -> None:
    """Raise InputError for a (height, width) that is tiny, very long or too large."""
    height, width = size
    if min(size) < MIN_SIDE:
        raise InputError(f"{where}: {width}x{height} is too small; each side needs {MIN_SIDE} px")
    if max(size) > MAX_ASPECT * min(size):
        raise InputError(f"{where}: {width}x{height} is longer than {MAX_ASPECT}:1; crop it")
    if height * width > MAX_PIXELS:
        raise InputError(f"{where}: {width}x{height} is over {MAX_PIXELS} pixels; make it smaller")


def named_photo(value: Photo, name: str | None = None) -> tuple[np.ndarray, str | None]:
    """:func:`as_photo`, and its name: the given one, else a file's."""
    if isinstance(value, (str, Path)):
        name = name or Path(value).name
    return as_photo(value, name or "photo"), name


def as_photo(value: Photo, where: str = "photo") -> np.ndarray:
    """A path, a PIL image (upright by its EXIF) or uint8 (H, W, 3), as the last; InputError for others."""
    from PIL import Image

    if isinstance(value, (str, Path)):
        return read_image(value)
    if isinstance(value, Image.Image):
        with _told(where):
            return _decode(value, where)
    if isinstance(value, np.ndarray):
        return check_photo(value, where)
    raise InputError(f"{where}: a {type(value).__name__}; give a path, a PIL image or uint8 RGB (H, W, 3)")


def check_photo(photo: np.ndarray, where: str = "photo") -> np.ndarray:
    """``photo`` itself if it is uint8 (H, W, 3) of a usable size, else InputError."""
    array = np.asarray(photo)
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        found = f"{array.dtype} {array.shape}"
        raise InputError(f"{where}: {found} is not uint8 RGB (H, W, 3); {_as_rgb(array)}")
    check_size((array.shape[0], array.shape[1]), where)
    return array


def _as_rgb(array: np.ndarray) -> str:
    """What makes a photo of an array that is none."""
    if array.dtype.kind == "f":
        return "of numbers from 0 to 1 give (255 * photo).round().astype(np.uint8)"
    if array.dtype == np.uint16:
        return "of 16 bits give (photo // 257).astype(np.uint8)"
    if array.dtype != np.uint8:
        return "of levels from 0 to 255 give photo.astype(np.uint8)"
    if array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 1):
        return "of gray give np.dstack([photo] * 3)"
    if array.ndim == 3 and array.shape[2] == 4:
        return "give photo[..., :3], or PIL.Image.fromarray(photo), which is laid on white"
    if array.ndim == 3 and array.shape[0] == 3:
        return "channels come last: photo.transpose(1, 2, 0)"
    return "give one photo, or its path"


def orientation(image: Any) -> int:
    """EXIF orientation 1-8 of an open PIL image; 1 (upright) when absent or unreadable."""
    try:
        value = int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a broken EXIF block must not cost the photo; PIL raises many kinds
        return 1
    return value if 1 <= value <= 8 else 1


def _to_rgb(image: Any, where: str) -> np.ndarray:
    """PIL image of any mode -> uint8 RGB array."""
    from PIL import Image

    if image.mode.startswith("I"):
        gray = (np.asarray(image).astype(np.int64) + 128) // 257
        return np.repeat(gray.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode == "F":
        raise InputError(f"{where}: floating-point picture; save it with 8 or 16 bits")
    if _see_through(image):
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return np.array(Image.alpha_composite(white, layer).convert("RGB"))
    return np.array(image.convert("RGB"))


def list_inputs(inputs: Sequence[str | Path]) -> list[Path]:
    """Files, folders (their images, sorted) and globs -> paths without repeats, in order.

    What is not there, a folder without images and a glob without match stay in the list beside others: they
    fail when they are read, and the others go on. MissingDataError where nothing is there at all, InputError
    for what lies in, or is, a folder that may not be read.
    """
    found: dict[Path, None] = {}
    missing: list[Path] = []
    for item in inputs:
        path = Path(item)
        there = _exists(path)
        if there and path.is_dir():
            matches = _images_in(path)
        elif there or not glob.has_magic(str(item)):
            matches = [path]
        else:
            matches = [p for p in map(Path, sorted(glob.glob(str(item), recursive=True)))]
            matches = [p for p in matches if p.is_file()]
        if not matches or (matches == [path] and not there):
            matches = [path]
            missing.append(path)
        found.update(dict.fromkeys(matches))
    if missing and len(found) == len(set(missing)):
        raise MissingDataError(f"{missing[0]}: no image there; give a file, a folder or a glob")
    return list(found)


def _images_in(folder: Path) -> list[Path]:
    try:
        return [path for path in sorted(folder.iterdir()) if _is_image(path)]
    except PermissionError as error:
        raise _closed(folder) from error


def _is_image(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return path.is_file() and path.suffix.lower() in SUFFIXES and not hidden
