"""Pixels of a batch of images: each picture once, changes on several cores, some of them on the GPU.

What is computed where changes no byte of any picture.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from medaudit.errors import DataError
from medaudit.model import OutOfMemory
from medaudit.shifting import ShiftedImage
from medaudit.workers import cores, spread

if TYPE_CHECKING:
    from medaudit.image import Image, Pixels


def render(images: Sequence[Image], device: str = "cpu", workers: int | None = None) -> list[Pixels]:
    """The pixels of each image, (h, w, 3) uint8, in order; images of one digest share an array.

    Shifts are laid on by ``workers`` threads, by default one a core. Where ``device`` is a GPU, images under
    one shift of one strength that has a ``batch`` go through it together; what does not fit its memory is
    computed without it. Sources are decoded on the calling thread, as decoders and their caches are not made
    for several, and so is the first picture of each shift. Raises what ``image.pixels()`` raises for the
    first image that fails.
    """
    distinct = {image.digest: image for image in images}
    made: dict[str, Pixels] = {}
    for several in _together(distinct.values(), device):
        made.update(_at_once(several, device))
    rest = {digest: image for digest, image in distinct.items() if digest not in made}
    shifted = sum(isinstance(image, ShiftedImage) for image in rest.values())
    threads = min(workers or cores(), max(shifted, 1))
    made |= zip(rest, spread(_done, _drawn(rest.values()), threads), strict=True)
    return [made[image.digest] for image in images]


#: Shifts that have run in this process. What one imports at first use may deadlock on several threads.
_run: set[str] = set()


def _drawn(images: Iterable[Image]) -> Iterator[Callable[[], Pixels]]:
    """For each image what is left to do on a thread; an error waits for its turn."""
    for image in images:
        try:
            yield _left(image)
        except Exception as error:  # decoders and users' functions raise anything
            yield partial(_raise, error)


def _left(image: Image) -> Callable[[], Pixels]:
    if not isinstance(image, ShiftedImage):
        return partial(_same, image.pixels())
    finish = partial(_shifted, image, image.subject())
    if image.shift.name in _run:
        return finish
    pixels = finish()
    _run.add(image.shift.name)
    return partial(_same, pixels)


def _shifted(image: ShiftedImage, subject: Pixels) -> Pixels:
    return image.shown(image.change(subject))


def _same(pixels: Pixels) -> Pixels:
    return pixels


def _raise(error: Exception) -> Pixels:
    raise error


def _done(work: Callable[[], Pixels]) -> Pixels:
    return work()


def _together(images: Iterable[Image], device: str) -> list[list[ShiftedImage]]:
    """Images that one call of a shift's ``batch`` may change, two and more each."""
    if device.split(":")[0] != "cuda":
        # On the CPU a batch does the work of its pictures, one after another.
        return []
    alike: dict[tuple[str, float], list[ShiftedImage]] = {}
    for image in images:
        if isinstance(image, ShiftedImage) and image.shift.batch is not None:
            alike.setdefault((image.shift.name, image.strength), []).append(image)
    return [several for several in alike.values() if len(several) > 1]


def _at_once(images: list[ShiftedImage], device: str) -> dict[str, Pixels]:
    """Pixels by digest; none where the images must be computed one by one."""
    from medaudit.models.memory import memory_guard

    shift, strength = images[0].shift, images[0].strength
    assert shift.batch is not None
    try:
        subjects = [image.subject() for image in images]
    except Exception:  # it is raised again in its turn, one by one
        return {}
    try:
        with memory_guard():
            changed = shift.batch(subjects, strength, [image.rng() for image in images], device)
        return {i.digest: i.shown(each) for i, each in zip(images, changed, strict=True)}
    except (OutOfMemory, DataError):
        return {}
    except Exception as error:  # a plugin's batch may raise anything, and its pictures can be had without
        told = f"shift {shift.name!r}: {len(images)} pictures at once failed on {device}"
        warnings.warn(f"{told} ({type(error).__name__}: {error}); computed one by one.", stacklevel=3)
        return {}
