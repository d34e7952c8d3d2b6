"""What a run stood on: versions and devices, never names of people or machines."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

#: Packages whose version can change a number in an audit.
PACKAGES = (
    "albumentations",
    "numpy",
    "opencv-python-headless",
    "peft",
    "pillow",
    "pydicom",
    "safetensors",
    "scipy",
    "tokenizers",
    "torch",
    "torchvision",
    "transformers",
)


def package_versions() -> dict[str, str | None]:
    """Installed versions; None for what is not there."""
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


def environment() -> dict[str, Any]:
    """The ``environment`` object of audit.json."""
    record: dict[str, Any] = {
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "packages": package_versions(),
    }
    torch = sys.modules.get("torch")
    if torch is not None:
        record["torch_threads"] = torch.get_num_threads()
        record["cuda"] = torch.version.cuda if torch.cuda.is_available() else None
    return record
