"""Severities 1 to 5 of MedMNIST-C as published, by data set and corruption, for pictures of 224 pixels.

A parameter is a number, or several of one severity. Source: Di Salvo, Doerrich & Ledig 2024, registry of
medmnistc 0.1.0; its sixth, unused values of retina defocus and chest and pneumonia blur are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Parameter: TypeAlias = float | tuple[float, ...]
Ladder: TypeAlias = tuple[Parameter, ...]

_JPEG: Ladder = (50, 30, 15, 10, 7)
_LOW_JPEG: Ladder = (30, 20, 15, 10, 7)
_COARSE: Ladder = (0.30, 0.25, 0.20, 0.15, 0.10)
_UP: Ladder = (1.1, 1.2, 1.3, 1.4, 1.5)
_STEEP_UP: Ladder = (1.1, 1.2, 1.3, 1.4, 1.6)
_DOWN: Ladder = (0.9, 0.8, 0.7, 0.6, 0.5)
_STEEP_DOWN: Ladder = (0.9, 0.8, 0.7, 0.6, 0.4)
_FIFTHS: Ladder = (0.04, 0.08, 0.12, 0.16, 0.20)
_TENTHS: Ladder = (0.10, 0.15, 0.20, 0.25, 0.30)
_WIDE_DISC: Ladder = ((4, 0.1), (5, 0.2), (6, 0.3), (7, 0.4), (8, 0.5))

_STRONG_NOISE: dict[str, Ladder] = {
    "gaussian_noise": (0.04, 0.08, 0.12, 0.18, 0.26),
    "speckle_noise": (0.05, 0.15, 0.20, 0.35, 0.45),
    "impulse_noise": (0.01, 0.03, 0.06, 0.09, 0.17),
    "shot_noise": (60, 25, 18, 10, 5),
}
_RADIOGRAPH: dict[str, Ladder] = {
    "jpeg": _JPEG,
    "gaussian_blur": (3, 5, 7, 9, 11),
    "brightness_up": _UP,
    "brightness_down": _DOWN,
    "contrast_up": _STEEP_UP,
    "contrast_down": _STEEP_DOWN,
    "gamma_up": _STEEP_UP,
    "gamma_down": _STEEP_DOWN,
}
_ORGAN: dict[str, Ladder] = {
    "pixelate": (0.70, 0.60, 0.50, 0.40, 0.35),
    "jpeg": _JPEG,
    "gaussian_noise": _FIFTHS,
    "speckle_noise": (0.05, 0.10, 0.20, 0.30, 0.40),
    "impulse_noise": (0.01, 0.02, 0.03, 0.05, 0.08),
    "shot_noise": (200, 100, 50, 25, 15),
    "gaussian_blur": (11, 13, 15, 17, 21),
    "brightness_up": (1.2, 1.3, 1.4, 1.5, 1.6),
    "brightness_down": (0.80, 0.75, 0.70, 0.65, 0.60),
    "contrast_up": (1.3, 1.4, 1.6, 1.7, 1.8),
    "contrast_down": (0.80, 0.70, 0.60, 0.55, 0.50),
    "gamma_up": (1.3, 1.4, 1.6, 1.8, 2.0),
    "gamma_down": _STEEP_DOWN,
}


@dataclass(frozen=True)
class DataSet:
    """A data set of MedMNIST: our name of its kind of picture, what it shows, its corruptions."""

    title: str
    modality: str
    shows: str
    corruptions: dict[str, Ladder]


DATA_SETS: dict[str, DataSet] = {
    "path": DataSet(
        "PathMNIST",
        "histology",
        "colon histology",
        {
            "pixelate": (0.80, 0.60, 0.40, 0.30, 0.25),
            "jpeg": _JPEG,
            "defocus_blur": ((3, 0.1), (4, 0.1), (5, 0.2), (6, 0.2), (7, 0.3)),
            "motion_blur": ((5, 5), (10, 5), (15, 5), (15, 8), (15, 12)),
            "brightness_up": (1.10, 1.15, 1.20, 1.22, 1.25),
            "brightness_down": (0.85, 0.80, 0.75, 0.72, 0.70),
            "contrast_up": _STEEP_UP,
            "contrast_down": (0.80, 0.70, 0.60, 0.55, 0.50),
            "saturate": (0.05, 0.10, 0.15, 0.20, 0.25),
            "stain_deposit": ((1, 24), (2, 24), (3, 24), (4, 24), (5, 32)),
            "bubble": ((7, 15), (10, 15), (12, 15), (15, 20), (17, 25)),
        },
    ),
    "blood": DataSet(
        "BloodMNIST",
        "microscopy",
        "blood cells",
        {
            "pixelate": (0.60, 0.50, 0.40, 0.30, 0.25),
            "jpeg": _JPEG,
            "defocus_blur": ((2, 0.01), (3, 0.1), (4, 0.1), (5, 0.1), (6, 0.1)),
            "motion_blur": ((3, 3), (5, 5), (10, 5), (10, 7), (10, 9)),
            "brightness_up": (1.10, 1.20, 1.30, 1.35, 1.40),
            "brightness_down": _DOWN,
            "contrast_up": (1.10, 1.15, 1.20, 1.25, 1.30),
            "contrast_down": _DOWN,
            "saturate": (0.05, 0.10, 0.15, 0.17, 0.20),
            "stain_deposit": ((1, 24), (2, 24), (3, 24), (3, 24), (3, 32)),
            "bubble": ((5, 10), (7, 10), (10, 10), (12, 12), (15, 12)),
        },
    ),
    "derma": DataSet(
        "DermaMNIST",
        "dermoscopy",
        "dermoscopy",
        {
            "pixelate": (0.70, 0.50, 0.40, 0.30, 0.25),
            "jpeg": _LOW_JPEG,
            **_STRONG_NOISE,
            "defocus_blur": _WIDE_DISC,
            "motion_blur": ((10, 5), (15, 5), (15, 8), (15, 12), (20, 15)),
            "zoom_blur": ((1.10, 0.01), (1.15, 0.01), (1.20, 0.02), (1.25, 0.02), (1.30, 0.03)),
            "brightness_up": _UP,
            "brightness_down": _DOWN,
            "contrast_up": _STEEP_UP,
            "contrast_down": (0.8, 0.7, 0.6, 0.5, 0.4),
            "black_corner": (1.10, 1.05, 1.00, 0.90, 0.95),
            "characters": ((1, 6, 0.14), (2, 7, 0.15), (3, 8, 0.16), (4, 9, 0.17), (6, 10, 0.18)),
        },
    ),
    "retina": DataSet(
        "RetinaMNIST",
        "fundus",
        "fundus photographs",
        {
            "pixelate": (0.80, 0.60, 0.50, 0.40, 0.35),
            "jpeg": (30, 25, 20, 10, 5),
            "gaussian_noise": _FIFTHS,
            "speckle_noise": _TENTHS,
            "defocus_blur": _WIDE_DISC,
            "motion_blur": ((8, 5), (15, 5), (15, 8), (15, 12), (20, 15)),
            "brightness_down": _DOWN,
            "contrast_down": _STEEP_DOWN,
        },
    ),
    "tissue": DataSet(
        "TissueMNIST",
        "microscopy",
        "kidney cortex cells",
        {
            "pixelate": (0.40, 0.30, 0.20, 0.15, 0.10),
            "jpeg": (25, 20, 15, 10, 7),
            "impulse_noise": (0.010, 0.015, 0.020, 0.025, 0.030),
            "gaussian_blur": (13, 15, 17, 21, 25),
            "brightness_up": (1.3, 1.4, 1.5, 1.6, 1.7),
            "brightness_down": (0.8, 0.7, 0.6, 0.5, 0.4),
            "contrast_up": _STEEP_UP,
            "contrast_down": _STEEP_DOWN,
        },
    ),
    "oct": DataSet(
        "OCTMNIST",
        "oct",
        "retinal OCT",
        {
            "pixelate": _COARSE,
            "jpeg": (30, 15, 10, 7, 5),
            "speckle_noise": (0.15, 0.30, 0.40, 0.50, 0.60),
            "defocus_blur": ((0.5, 0.6), (1.0, 0.5), (1.5, 0.1), (2.0, 0.5), (2.5, 0.1)),
            "motion_blur": ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15)),
            "contrast_down": (0.60, 0.40, 0.30, 0.20, 0.15),
        },
    ),
    "breast": DataSet(
        "BreastMNIST",
        "us",
        "breast ultrasound",
        {
            "pixelate": _COARSE,
            "jpeg": _JPEG,
            "speckle_noise": _TENTHS,
            "motion_blur": ((5, 5), (9, 7), (9, 10), (13, 10), (17, 12)),
            "brightness_up": (1.4, 1.5, 1.6, 1.8, 2.0),
            "brightness_down": (0.55, 0.50, 0.45, 0.40, 0.30),
            "contrast_down": _STEEP_DOWN,
        },
    ),
    "chest": DataSet(
        "ChestMNIST", "xray", "chest radiographs", {"pixelate": _COARSE, **_STRONG_NOISE, **_RADIOGRAPH}
    ),
    "pneumonia": DataSet(
        "PneumoniaMNIST",
        "xray",
        "children's chest radiographs",
        {
            "pixelate": (0.80, 0.70, 0.60, 0.50, 0.40),
            "gaussian_noise": (0.04, 0.05, 0.06, 0.07, 0.08),
            "speckle_noise": (0.05, 0.07, 0.10, 0.15, 0.20),
            "impulse_noise": (0.005, 0.010, 0.013, 0.017, 0.020),
            "shot_noise": (300, 200, 150, 100, 80),
            **_RADIOGRAPH,
        },
    ),
    **{
        f"organ_{plane[0]}": DataSet(f"Organ{plane[0].upper()}MNIST", "ct", f"abdominal CT, {plane}", _ORGAN)
        for plane in ("axial", "coronal", "sagittal")
    },
}
