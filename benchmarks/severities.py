"""Place the five severities of every dosed shift at equal steps of SSIM, by modality.

Writes shifts/severities.json. Pictures are a folder's where DATA has one for the modality, else generated.
    python benchmarks/severities.py [--data ../shared/data] [--only NAME]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from medaudit.image import ArrayImage, FileImage, Image, keyed_rng
from medaudit.phantoms import case_set
from medaudit.probes.visibility import ssim
from medaudit.registry import available
from medaudit.shifting import library_versions
from medaudit.shifts.severities import RANGES
from medaudit.stored import stored_of

ROOT = Path(__file__).resolve().parents[1]
SIDE, PICTURES, GRID = 224, 12, 17
#: SSIM lost at each severity; less where the largest dose does not take that much away.
STEP = 0.1
#: Losing less than this at the largest dose, five steps are not worth telling apart.
FAINT = 0.05
FOLDERS = {
    "xray": "cxr_hannover",
    "us": "lung_ultrasound",
    "dermoscopy": "skin_isic2017",
    "microscopy": "blood_bccd",
}
GENERATED = {"ct": "ct", "histology": "histology", "fundus": "fundus"}
#: Of these there are neither: the pictures of a modality of like appearance stand in.
STAND_INS = {"mr": "ct", "endoscopy": "fundus", "oct": "us"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--only", action="append")
    given = parser.parse_args()
    pictures, sources = _pictures(given.data)
    path = ROOT / "shifts" / "severities.json"
    kept = json.loads(path.read_text()) if given.only and path.is_file() else {}
    table: dict[str, Any] = {"doses": {}, "ssim": {}, "exceptions": {}, **kept}
    table |= {"pictures": sources, "side": SIDE, "step": STEP, "libraries": library_versions()}
    shifts = available("shift")
    for name in sorted(given.only or RANGES):
        kinds = [kind for kind in pictures if kind and shifts[name].suits(kind)]
        for part in ("doses", "ssim", "exceptions"):
            table[part][name] = {}
        for kind in kinds if shifts[name].modalities else [*kinds, ""]:
            found = placed(shifts[name], pictures[kind])
            for part, value in found.items():
                if value:
                    table[part][name][kind] = value
        table["exceptions"] = {key: value for key, value in table["exceptions"].items() if value}
        print(name, table["ssim"][name], table["exceptions"].get(name, ""), flush=True)
    path.write_text(json.dumps(table, indent=1) + "\n")


def placed(shift: Any, pictures: list[Image]) -> dict[str, Any]:
    """Doses at equal steps of mean SSIM, the SSIM there, and what is not as it should be."""
    low, high = RANGES[shift.name]
    doses = np.linspace(low, high, GRID)
    curve = np.array([_similarity(shift, pictures, dose) for dose in doses])
    falling = np.minimum.accumulate(curve)
    step = min(STEP, (1 - falling[-1]) / 5)
    wanted = 1 - step * np.arange(1, 6)
    # Interpolation needs a rising axis.
    places = np.interp(-wanted, -falling, doses)
    chosen = [float(f"{dose:.4g}") for dose in places]
    reached = [round(_similarity(shift, pictures, dose), 3) for dose in chosen]
    told = []
    if (rise := float((curve - falling).max())) > 0.005:
        told.append(f"not monotone: SSIM rises by {rise:.3f} along the dose")
    if 5 * step < FAINT:
        told.append(f"faint: the largest dose takes {1 - falling[-1]:.3f} of the SSIM away")
    if max(abs(np.array(reached) - wanted)) > 0.03:
        told.append("steps are uneven: the dose acts in jumps")
    return {"doses": chosen, "ssim": reached, "exceptions": told}


def _similarity(shift: Any, pictures: list[Image], dose: float) -> float:
    values = []
    for number, image in enumerate(pictures):
        rng = keyed_rng("severities", number, shift.name)
        if shift.stage == "stored":
            changed = shift.apply(stored_of(image), dose, rng).pixels()
        else:
            changed = shift.apply(image.pixels(), dose, rng)
        values.append(ssim(image.pixels(), changed))
    return float(np.mean(values))


def _pictures(data: Path) -> tuple[dict[str, list[Image]], dict[str, str]]:
    found: dict[str, list[Image]] = {}
    sources = {}
    for kind, folder in FOLDERS.items():
        files = sorted((data / folder / "images").rglob("*.[jp][pn]g"))
        if not files:
            raise SystemExit(
                f"{data / folder}: no pictures. Give --data, the folder that holds {folder}/images."
            )
        chosen = [files[i] for i in np.linspace(0, len(files) - 1, PICTURES).astype(int)]
        found[kind] = [_sized(FileImage(path).pixels()) for path in chosen]
        sources[kind] = folder
    for kind, phantom in GENERATED.items():
        cases = case_set(phantom, 4 * PICTURES, 0).cases
        once = {case.images[0].digest: case.images[0] for case in cases}
        found[kind] = [_sized(image.pixels()) for image in list(once.values())[:PICTURES]]
        sources[kind] = f"phantom:{phantom}"
    for kind, like in STAND_INS.items():
        found[kind], sources[kind] = found[like], f"{sources[like]} (stands in)"
    measured = [*FOLDERS, *GENERATED]
    found[""] = [image for kind in measured for image in found[kind][:2]]
    sources[""] = "two of each"
    return found, sources


def _sized(pixels: Any) -> Image:
    return ArrayImage(cv2.resize(np.ascontiguousarray(pixels), (SIDE, SIDE), interpolation=cv2.INTER_AREA))


if __name__ == "__main__":
    main()
