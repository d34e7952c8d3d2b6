"""What discovery starts from: region vectors, what each region and image looks like, what is true."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from medaudit.errors import DataError
from medaudit.regions.distances import Vectors, unit_rows
from medaudit.stats.clusters import group_codes
from medaudit.stats.estimate import Codes, Floats

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Regions:
    """R regions of n images over Y classes.

    ``vectors`` ``(R, d)``, any length: rows are brought to length 1. ``image`` ``(R,)``: the image that each
    region lies in, 0 to n - 1; an image may have none. ``scores`` ``(R, Y)`` and ``image_scores`` ``(n,
    Y)``: class scores of regions and of whole images, see `class_scores`; the answer to an image is its
    highest score, the first of equals. ``labels`` ``(n,)``: the right class. ``groups``: one patient per
    image, none for an image apiece. ``boxes`` ``(R, 4)``: pixels, half-open. ``covariates``: what is known
    of whole images (brightness, size, view, sex, site), one value per image, None where unknown.

    DataError for shapes that do not fit, indices out of range, numbers that are not finite, a vector of 0s.
    """

    vectors: Vectors
    image: Codes
    scores: Floats
    image_scores: Floats
    labels: Codes
    groups: Sequence[Hashable] | None = None
    boxes: Codes | None = None
    covariates: Mapping[str, Sequence[Hashable | None]] = field(default_factory=dict)
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "image", _whole(self.image, "image"))
        put(self, "labels", _whole(self.labels, "labels"))
        put(self, "scores", _table(self.scores, "scores"))
        put(self, "image_scores", _table(self.image_scores, "image_scores"))
        put(self, "vectors", unit_rows(self.vectors))
        self._check_shapes()
        if not self.class_names:
            put(self, "class_names", tuple(f"class {code}" for code in range(self.classes)))
        self._check_columns()

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.labels)

    @property
    def classes(self) -> int:
        """Number of classes, Y."""
        return int(self.image_scores.shape[1])

    @property
    def predicted(self) -> Codes:
        """The class that each image is given, ``(n,)``."""
        return np.asarray(self.image_scores.argmax(axis=1), dtype=np.int64)

    @property
    def correct(self) -> Mask:
        """Which images are given their right class, ``(n,)``."""
        return np.asarray(self.predicted == self.labels, dtype=np.bool_)

    @property
    def group_codes(self) -> Codes:
        """Number of each image's patient, ``(n,)``."""
        return np.arange(self.n) if self.groups is None else group_codes(self.groups)[0]

    @property
    def per_image(self) -> Codes:
        """Regions of each image, ``(n,)``."""
        return np.bincount(self.image, minlength=self.n)

    def within(self, images: Mask | None) -> Codes:
        """Regions of some of the images, of all where None."""
        return np.arange(len(self.image)) if images is None else np.flatnonzero(images[self.image])

    def _check_shapes(self) -> None:
        regions, n, classes = len(self.vectors), self.n, self.classes
        found = {
            "image": (self.image.shape, (regions,)),
            "scores": (self.scores.shape, (regions, classes)),
            "image_scores": (self.image_scores.shape, (n, classes)),
        }
        if self.boxes is not None:
            found["boxes"] = (np.shape(self.boxes), (regions, 4))
        for name, (given, needed) in found.items():
            if given != needed:
                raise DataError(
                    f"regions: {name} of shape {given} given; {needed} is needed for {regions} vectors, "
                    f"{n} labels and {classes} columns of image_scores."
                )
        if not regions or not n:
            raise DataError(
                f"regions: {regions} regions of {n} images given; at least one of each is needed."
            )
        if classes < 2:
            raise DataError(f"regions: {classes} class given; a shortcut needs at least 2 to confuse.")
        _within(self.image, n, "image")
        _within(self.labels, classes, "labels")

    def _check_columns(self) -> None:
        columns: dict[str, Sequence[Any]] = dict(self.covariates)
        if self.groups is not None:
            columns["groups"] = self.groups
        for name, column in columns.items():
            if len(column) != self.n:
                raise DataError(f"regions: {name} holds {len(column)} values; {self.n} images need one each.")
        if len(self.class_names) != self.classes:
            raise DataError(f"regions: {len(self.class_names)} class names given for {self.classes} classes.")


def _whole(values: Any, name: str) -> Codes:
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and not np.array_equal(array, np.rint(array))):
        raise DataError(f"regions: {name} must be one whole number each; shape {array.shape} given.")
    return array.astype(np.int64)


def _table(values: Any, name: str) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 2 or not np.isfinite(array).all():
        raise DataError(f"regions: {name} must be a table of finite numbers; shape {array.shape} given.")
    return array


def _within(codes: Codes, count: int, name: str) -> None:
    if codes.size and not (codes.min() >= 0 and codes.max() < count):
        raise DataError(f"regions: {name} from {codes.min()} to {codes.max()} given; 0 to {count - 1} exist.")
