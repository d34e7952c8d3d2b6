"""The peers of ``benchmarks/shifts.py``: what each calls the same corruption, and how it is called.

A peer that is not installed is None; what one cannot run here is a message in place of a function.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import Any

Call = Callable[[Any], Any]

INSTALL = {
    "medmnistc": "pip install medmnistc==0.1.0 (and the system package libmagickwand for motion blur)",
    "imagecorruptions": 'pip install imagecorruptions==1.1.2 "setuptools<81"',
    "albumentations": "pip install albumentations==2.0.8",
}
#: Our MedMNIST-C names of what others call otherwise.
_MEDMNIST = {"jpeg": "jpeg_compression", "gamma_up": "gamma_corr_up", "gamma_down": "gamma_corr_down"}
#: Corruptions of imagecorruptions that have a counterpart on coloured pictures of ours.
_IMAGECORRUPTIONS = {
    "gaussian_noise": "derma_gaussian_noise",
    "shot_noise": "derma_shot_noise",
    "impulse_noise": "derma_impulse_noise",
    "speckle_noise": "derma_speckle_noise",
    "defocus_blur": "derma_defocus_blur",
    "motion_blur": "derma_motion_blur",
    "zoom_blur": "derma_zoom_blur",
    "gaussian_blur": "tissue_gaussian_blur",
    "brightness": "derma_brightness_up",
    "contrast": "derma_contrast_down",
    "saturate": "path_saturate",
    "pixelate": "derma_pixelate",
    "jpeg_compression": "derma_jpeg",
}


def installed(name: str) -> str:
    """The version of a peer, or an empty string."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _stand_in_for_wand() -> bool:
    """Without ImageMagick medmnistc does not import at all; with this all but its motion blur runs."""
    try:
        importlib.import_module("wand.image")
    except ImportError:
        for name in ("wand", "wand.image", "wand.api"):
            sys.modules[name] = ModuleType(name)
        sys.modules["wand.image"].Image = type("Image", (), {})  # type: ignore[attr-defined]
        sys.modules["wand.api"].library = None  # type: ignore[attr-defined]
        return True
    return not hasattr(sys.modules["wand.image"], "__file__")


def medmnistc(data_sets: dict[str, list[str]], severity: int) -> dict[str, Call | str] | None:
    """By our shift's name: medmnistc on a PIL picture made from the same pixels."""
    if not installed("medmnistc"):
        return None
    import numpy as np
    from PIL import Image

    lame = _stand_in_for_wand()
    registry = importlib.import_module("medmnistc.corruptions.registry").CORRUPTIONS_DS
    calls: dict[str, Call | str] = {}
    for data_set, corruptions in data_sets.items():
        for name in corruptions:
            item = registry[data_set.replace("_", "") + "mnist"][_MEDMNIST.get(name, name)]
            item.rng = np.random.default_rng(0)

            def call(pixels: Any, item: Any = item) -> Any:
                return item.apply(Image.fromarray(pixels), severity - 1)

            missing = lame and name == "motion_blur"
            calls[f"{data_set}_{name}"] = "needs ImageMagick (libmagickwand)" if missing else call
    return calls


def imagecorruptions(severity: int) -> tuple[dict[str, Call | str], dict[str, str]] | None:
    """By their name: all 19; and our shift that does the same, where there is one."""
    if not installed("imagecorruptions"):
        return None
    module = importlib.import_module("imagecorruptions")
    calls: dict[str, Call | str] = {}
    for name in module.get_corruption_names("all"):

        def call(pixels: Any, name: str = name) -> Any:
            return module.corrupt(pixels, severity=severity, corruption_name=name)

        calls[name] = call
    return calls, _IMAGECORRUPTIONS


#: Transforms of albumentations that run the same compiled code as ours: a byte table, a codec, area means.
SAME_KERNEL = {"Brightness", "Contrast", "RandomGamma", "ImageCompression", "Downscale"}


def albumentations(side: int, coloured: bool) -> tuple[dict[str, Call | str], dict[str, str]] | None:
    """By the transform's name, at the third published severity; and our shift that does the same.

    Lengths are those of ours at this side. Noise is drawn per channel on coloured pictures and once on grey
    ones, as in ours; salt and pepper, which has no such option, is drawn once on both.
    """
    if not installed("albumentations"):
        return None
    a: Any = importlib.import_module("albumentations")
    cv2 = importlib.import_module("cv2")
    scale = side / 224

    def odd(length: float) -> tuple[int, int]:
        return (2 * round((length * scale - 1) / 2) + 1,) * 2

    disc, means = (round(6 * scale),) * 2, {"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_NEAREST}
    made = {
        "GaussNoise": (a.GaussNoise((0.12, 0.12), per_channel=coloured, p=1), "derma_gaussian_noise"),
        "MultiplicativeNoise": (
            a.MultiplicativeNoise((0.8, 1.2), per_channel=coloured, elementwise=True, p=1),
            "derma_speckle_noise",
        ),
        "SaltAndPepper": (a.SaltAndPepper((0.06, 0.06), p=1), "derma_impulse_noise"),
        "ShotNoise": (a.ShotNoise((0.05, 0.05), p=1), "derma_shot_noise"),
        "Defocus": (a.Defocus(disc, (0.3, 0.3), p=1), "derma_defocus_blur"),
        "MotionBlur": (a.MotionBlur(odd(31), p=1), "derma_motion_blur"),
        "ZoomBlur": (a.ZoomBlur((1.2, 1.2), (0.02, 0.02), p=1), "derma_zoom_blur"),
        "GaussianBlur": (a.GaussianBlur(odd(17), (2.9 * scale,) * 2, p=1), "tissue_gaussian_blur"),
        "Brightness": (a.RandomBrightnessContrast((0.3, 0.3), (0, 0), p=1), "derma_brightness_up"),
        "Contrast": (a.RandomBrightnessContrast((0, 0), (-0.4, -0.4), p=1), "derma_contrast_down"),
        "RandomGamma": (a.RandomGamma((130, 130), p=1), "chest_gamma_up"),
        "HueSaturationValue": (a.HueSaturationValue((0, 0), (38, 38), (0, 0), p=1), "path_saturate"),
        "ImageCompression": (a.ImageCompression("jpeg", (15, 15), p=1), "derma_jpeg"),
        "Downscale": (a.Downscale((0.4, 0.4), means, p=1), "derma_pixelate"),
    }
    calls: dict[str, Call | str] = {}
    for name, (transform, _) in made.items():

        def call(pixels: Any, transform: Any = transform) -> Any:
            return transform(image=pixels)["image"]

        calls[name] = call
    return calls, {name: ours for name, (_, ours) in made.items()}
