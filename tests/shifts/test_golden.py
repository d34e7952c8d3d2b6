"""Every shift and severity still gives the bytes that it gave when ``golden.json`` was written.

    python tests/shifts/test_golden.py --write

writes the file anew. Where libraries or the processor differ from those of the file, pictures are compared
by their thumbnails instead: sums round differently there, and that is no fault of a shift.
"""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.registry import Shift, available
from medaudit.stored import Stored

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
FILE = Path(__file__).with_name("golden.json")
WRITE = "run: python tests/shifts/test_golden.py --write"
LIBRARIES = ("albumentations", "numpy", "opencv-python-headless", "pillow", "scipy")
COLOURED = {"histology", "microscopy", "dermoscopy", "fundus", "endoscopy"}
#: Mean absolute difference of thumbnails, in grey values, that another version may make.
TOLERANCE = 1.5
SIDE = 64


def picture(kind: str) -> Pixels:
    """A picture from whole numbers alone: a ramp, a disc, ribs, and a grain from a congruence."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.int64)
    grain = ((x * 7919 + y * 104729 + x * y * 31) % 97) // 8
    disc = 70 * ((x - 24) ** 2 + (y - 36) ** 2 < 150)
    grey = 40 + x + y // 2 + disc + 20 * (y // 5 % 2) * (x > 32) + grain
    rest = [grey, grey] if kind == "grey" else [grey * 2 // 3 + 20, 150 - grey // 2]
    return np.stack([grey, *rest], axis=2).astype(np.uint8)


def circumstances() -> dict[str, str]:
    """What the last bits depend on beside our code."""
    found = {"machine": platform.machine(), "simd": _simd()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def _simd() -> str:
    import cv2

    lines = cv2.getCPUFeaturesLine().split()
    return " ".join(word.lstrip("*") for word in lines if not word.endswith("?"))


def kinds(shift: Shift) -> list[str]:
    """Which pictures a shift is recorded on."""
    if shift.stage == "stored" or (shift.modalities and not COLOURED & set(shift.modalities)):
        return ["grey"]
    return ["colour"] if shift.modalities and set(shift.modalities) <= COLOURED else ["grey", "colour"]


def result(shift: Shift, kind: str, severity: int) -> Pixels:
    """The shifted picture, at the dose of the shift's first modality."""
    strength = shift.strength(severity, shift.modalities[0] if shift.modalities else "")
    rng, pixels = keyed_rng("golden", shift.name, severity), picture(kind)
    if shift.stage == "stored":
        changed: Stored = shift.apply(Stored(pixels[..., 0].astype(np.float64)), strength, rng)
        return changed.pixels()
    return np.asarray(shift.apply(pixels, strength, rng))


def entry(pixels: Pixels) -> str:
    """``DIGEST THUMBNAIL``: 16 hex digits, and 8 x 8 block means of each channel in base64."""
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()[:16]
    means = pixels.reshape(8, SIDE // 8, 8, SIDE // 8, 3).mean(axis=(1, 3))
    grey = bool((pixels == pixels[..., :1]).all())
    thumbnail = np.rint(means[..., :1] if grey else means).astype(np.uint8)
    return f"{digest} {base64.b64encode(thumbnail.tobytes()).decode()}"


def thumbnail(text: str) -> Any:
    values = np.frombuffer(base64.b64decode(text.split()[1]), dtype=np.uint8).astype(float)
    values = values.reshape(8, 8, -1)
    return np.broadcast_to(values, (8, 8, 3))


def entries(shift: Shift) -> dict[str, list[str]]:
    """Five entries for each kind of picture."""
    return {kind: [entry(result(shift, kind, s)) for s in range(1, 6)] for kind in kinds(shift)}


def recorded_shifts() -> dict[str, Shift]:
    """Ours that change pictures: those of other packages and of whole cases are not in the file."""
    return {
        name: shift
        for name, shift in available("shift").items()
        if shift.stage != "case" and shift.apply.__module__.startswith("medaudit.")
    }


def write() -> None:
    shifts = {name: entries(shift) for name, shift in recorded_shifts().items()}
    text = json.dumps({"circumstances": circumstances(), "shifts": shifts}, indent=0)
    FILE.write_text(text + "\n", encoding="utf-8")
    print(f"{FILE}: {len(shifts)} shifts, {FILE.stat().st_size // 1024} kB")


def golden() -> dict[str, Any]:
    if not FILE.is_file():
        pytest.fail(f"there is no {FILE.name}; {WRITE}")
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def unlike(given: dict[str, list[str]], kept: dict[str, list[str]], exact: bool) -> list[str]:
    """``PICTURE/SEVERITY`` of the entries that differ: by digest where ``exact``, else by thumbnail."""
    found = []
    for kind, new in given.items():
        for severity, (one, other) in enumerate(zip(new, kept.get(kind, [""] * 5), strict=True), start=1):
            if one.split()[:1] == other.split()[:1]:
                continue
            near = bool(other) and np.abs(thumbnail(one) - thumbnail(other)).mean() <= TOLERANCE
            if exact or not near:
                found.append(f"{kind}/{severity}")
    return found


def test_every_shift_is_in_the_file_and_no_other() -> None:
    known, kept = set(recorded_shifts()), set(golden()["shifts"])

    assert not known - kept, f"no golden entry for {', '.join(sorted(known - kept))}; {WRITE}"
    assert not kept - known, f"golden entries of no shift: {', '.join(sorted(kept - known))}; {WRITE}"


@pytest.mark.parametrize("name", recorded_shifts())
def test_pictures_are_as_recorded(name: str) -> None:
    file = golden()
    if name not in file["shifts"]:
        pytest.fail(f"no golden entry for {name}; {WRITE}")
    exact = file["circumstances"] == circumstances()

    differing = unlike(entries(recorded_shifts()[name]), file["shifts"][name], exact)

    assert not differing, f"{name} gives other pictures at {', '.join(differing)}; if that is meant, {WRITE}"


def test_the_picture_itself_is_pinned() -> None:
    digests = [entry(picture(kind)).split()[0] for kind in ("grey", "colour")]

    assert digests == ["b2a965ac6866151d", "c8fbc958cbf2774d"]


def test_a_changed_picture_is_told_by_digest_and_by_thumbnail() -> None:
    pixels = picture("colour")
    one_off, darker = pixels.copy(), pixels - np.minimum(pixels, 4)
    one_off[0, 0, 0] += 1
    exchanged = np.ascontiguousarray(pixels[..., ::-1])
    kept = {"colour": [entry(pixels)] * 5}

    def found(other: Pixels, exact: bool) -> int:
        return len(unlike({"colour": [entry(other)] * 5}, kept, exact))

    assert [found(each, True) for each in (pixels, one_off, darker, exchanged)] == [0, 5, 5, 5]
    assert [found(each, False) for each in (pixels, one_off, darker, exchanged)] == [0, 0, 5, 5]


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(f"usage: {sys.argv[0]} --write")
    write()
