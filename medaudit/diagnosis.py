"""``medaudit doctor``: what is installed, what is missing, what to type."""

from __future__ import annotations

import platform
from importlib.util import find_spec

from medaudit.environment import package_versions

Row = dict[str, str]
#: Packages of the extra that runs local models.
HF = ("torch", "torchvision", "transformers", "safetensors", "peft")


#: Packages that some models need, and the extra that brings them.
OPTIONAL = {
    "timm": "architectures",
    "num2words": "architectures",
    "accelerate": "quantize",
    "bitsandbytes": "quantize",
}


def _row(status: str, name: str, detail: str) -> Row:
    return {"status": status, "name": name, "detail": detail}


def diagnose() -> list[Row]:
    """One row per thing that a scan may need."""
    rows = [_row("ok", "python", platform.python_version())]
    for name, version in package_versions().items():
        missing = 'not installed; pip install "medaudit[hf]"' if name in HF else "not installed"
        rows.append(_row("ok" if version else "missing", name, version or missing))
    for name, extra in OPTIONAL.items():
        there = find_spec(name) is not None
        detail = (
            "installed" if there else f'not installed; pip install "medaudit[{extra}]" where it is needed'
        )
        rows.append(_row("ok" if there else "optional", name, detail))
    if find_spec("torch") is not None:
        rows += [_device(), _vision_operators()]
    return rows


def _device() -> Row:
    import torch

    if torch.cuda.is_available():
        return _row("ok", "device", torch.cuda.get_device_name(0))
    return _row("ok", "device", f"cpu, {torch.get_num_threads()} threads; no GPU that torch can use")


def _vision_operators() -> Row:
    from medaudit.models.vision_ops import ensure_torchvision

    state = ensure_torchvision()
    if state == "compiled":
        return _row("ok", "torchvision operators", "compiled")
    return _row("ok", "torchvision operators", f"{state}: image processors use transforms only")
