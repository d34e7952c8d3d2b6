"""Images as content-addressed recipes.

An image under audit is a source (file, array, frame) plus the changes made to it. Its ``digest`` names
the content without computing the changes, so a run that finds all its answers in the store touches no
pixel, and 100,000 shifted images wait in memory as 100,000 short recipes.
"""

from __future__ import annotations

import hashlib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from medaudit.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image as PILImage

    Pixels = NDArray[np.uint8]

#: Larger pictures are refused before decoding: a decompression bomb must not take the machine down.
MAX_PIXELS = 120_000_000


@runtime_checkable
class Image(Protocol):
    """What every image offers: a name for messages, a digest for keys, pixels on demand."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        ...

    def pixels(self) -> Pixels:
        """Return the picture, shape (h, w, 3), uint8 RGB, read-only."""
        ...


def pixel_digest(pixels: Pixels) -> str:
    """Digest of shape and bytes, 32 hex digits: equal for equal pictures whatever their file format."""
    hasher = hashlib.blake2b(repr(pixels.shape).encode(), digest_size=16)
    hasher.update(np.ascontiguousarray(pixels).data)
    return hasher.hexdigest()


def to_rgb(picture: PILImage) -> Pixels:
    """Convert any Pillow picture to (h, w, 3) uint8; 16-bit greyscale keeps its full range."""
    if picture.mode in {"I;16", "I;16B", "I", "F"}:
        grey = np.asarray(picture, dtype=np.float64)
        low, high = float(grey.min()), float(grey.max())
        grey = (grey - low) / (high - low) * 255 if high > low else np.zeros_like(grey)
        return np.repeat(np.round(grey).astype(np.uint8)[..., None], 3, axis=2)
    return np.asarray(picture.convert("RGB"), dtype=np.uint8)


# Small: neighbours in a batch share images, whole data sets do not fit.
@lru_cache(maxsize=16)
def _decode(path: Path, _modified_ns: int) -> Pixels:
    from PIL import Image as Pillow

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Pillow.open(path) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS:
                    raise DataError(
                        f"{path.name}: {width}x{height} pixels is over the limit of {MAX_PIXELS:,}. "
                        "Resize the image first."
                    )
                pixels = to_rgb(picture)
        except DataError:
            raise
        except FileNotFoundError as error:
            raise DataError(f"{path.name}: no such image file.") from error
        except Exception as error:  # decoders raise anything on hostile bytes
            raise DataError(
                f"{path.name}: not a readable image ({_told(error)}). "
                "Replace the file, or leave its cases out with --skip-bad."
            ) from error
    pixels.flags.writeable = False
    return pixels


def _told(error: Exception) -> str:
    """An error's type, and its text unless that holds a path: folders are named after patients."""
    text = str(error)
    name = type(error).__name__
    return name if not text or "/" in text or "\\" in text else f"{name}: {text}"


class Decoded(ABC):
    """What images share whose digest is over their pixels: digest and size come from one decoding."""

    @abstractmethod
    def pixels(self) -> Pixels: ...

    @cached_property
    def _facts(self) -> tuple[str, tuple[int, int]]:
        pixels = self.pixels()
        return pixel_digest(pixels), (pixels.shape[0], pixels.shape[1])

    @property
    def digest(self) -> str:
        return self._facts[0]

    @property
    def size(self) -> tuple[int, int]:
        return self._facts[1]


@dataclass(frozen=True)
class FileImage(Decoded):
    """An image file, decoded when asked for."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    def pixels(self) -> Pixels:
        try:
            modified = self.path.stat().st_mtime_ns
        except OSError as error:
            raise DataError(f"{self.path.name}: no such image file.") from error
        return _decode(self.path, modified)


@dataclass(frozen=True, eq=False)
class ArrayImage(Decoded):
    """An image held in memory, (h, w, 3) uint8."""

    array: Pixels
    name: str = "array"

    def pixels(self) -> Pixels:
        return self.array


@dataclass(frozen=True, eq=False)
class LazyImage:
    """An image made by a function whose result is fully named by ``key`` (a generated phantom, a frame)."""

    make: Callable[[], Pixels] = field(repr=False)
    key: str
    name: str
    size: tuple[int, int]

    @cached_property
    def digest(self) -> str:
        return hashlib.blake2b(self.key.encode(), digest_size=16).hexdigest()

    def pixels(self) -> Pixels:
        return self.make()


@dataclass(frozen=True, eq=False)
class DerivedImage:
    """A changed image: ``change(parent pixels)``, named by the parent's digest and the recipe's text.

    The recipe must name everything that the result depends on: the change, its version, its parameters
    and its seed.
    """

    parent: Image
    recipe: str
    change: Callable[[Pixels], Pixels] = field(repr=False)

    @property
    def name(self) -> str:
        return f"{self.parent.name} [{self.recipe}]"

    @cached_property
    def digest(self) -> str:
        text = f"{self.parent.digest}|{self.recipe}"
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @cached_property
    def size(self) -> tuple[int, int]:
        pixels = self.pixels()
        return pixels.shape[0], pixels.shape[1]

    def pixels(self) -> Pixels:
        changed = self.change(self.parent.pixels())
        if changed.dtype != np.uint8 or changed.ndim != 3 or changed.shape[2] != 3:
            raise DataError(
                f"{self.recipe}: returned {changed.dtype} {changed.shape}, must be uint8 (h, w, 3)."
            )
        return changed


def keyed_rng(*key: object) -> np.random.Generator:
    """Random generator that depends on the key alone (seed, case, shift), never on call order."""
    digest = hashlib.blake2b("\x1f".join(map(str, key)).encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest, "little"))
