"""Where and in which precision a model runs."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from medaudit.errors import ModelError, UsageError
from medaudit.model import LoadOptions
from medaudit.models.vision_ops import huggingface

DTYPES = ("auto", "float32", "bfloat16", "float16")
QUANTIZE = ("none", "8bit", "4bit")
DEVICE_MAPS = ("auto", "balanced", "sequential")


def choose_device(wanted: str) -> str:
    """Resolve ``auto|cpu|cuda[:i]``; a GPU that was asked for and is not there is an error."""
    import torch

    available = torch.cuda.is_available()
    if wanted == "auto":
        return "cuda" if available else "cpu"
    if wanted == "cpu":
        return wanted
    kind, _, index = wanted.partition(":")
    if kind != "cuda" or (index and not index.isdigit()):
        raise UsageError.unknown("device", wanted, ["auto", "cpu", "cuda", "cuda:0"])
    count = torch.cuda.device_count() if available else 0
    if int(index or 0) >= count:
        raise ModelError(
            f"--device {wanted}: torch sees {count} CUDA devices here. Type --device cpu, or install a "
            "torch build and driver for your GPU (`medaudit doctor` shows what is seen)."
        )
    return wanted


def choose_dtype(wanted: str, device: str, config: dict[str, Any]) -> str:
    """Resolve ``auto``: float32 on a CPU, the checkpoint's own dtype on a GPU."""
    if wanted not in DTYPES:
        raise UsageError.unknown("dtype", wanted, DTYPES)
    if wanted != "auto":
        return wanted
    if device == "cpu":
        return "float32"
    text = config.get("text_config") or {}
    own = config.get("dtype") or config.get("torch_dtype") or text.get("dtype") or text.get("torch_dtype")
    return own if own in DTYPES else "float32"


def placing(options: LoadOptions, device: str) -> dict[str, Any]:
    """Arguments of ``from_pretrained`` for quantisation and for a device map; {} where neither is asked."""
    placed = quantisation(options, device)
    if options.device_map is None:
        return placed
    if options.device_map not in DEVICE_MAPS:
        raise UsageError.unknown("device-map", options.device_map, DEVICE_MAPS)
    if options.device != "auto":
        raise UsageError(f"--device-map {options.device_map} chooses the devices itself. Leave --device out.")
    if find_spec("accelerate") is None:
        raise ModelError(
            f"--device-map {options.device_map} needs accelerate. Type: pip install accelerate, "
            "or leave --device-map out."
        )
    return {**placed, "device_map": options.device_map}


def quantisation(options: LoadOptions, device: str) -> dict[str, Any]:
    """Arguments of ``from_pretrained`` for ``none|8bit|4bit``."""
    if options.quantize not in QUANTIZE:
        raise UsageError.unknown("quantize", options.quantize, QUANTIZE)
    if options.quantize == "none":
        return {}
    if find_spec("bitsandbytes") is None:
        raise ModelError(
            f"--quantize {options.quantize} needs bitsandbytes. Type: pip install bitsandbytes, "
            "or leave --quantize out."
        )
    eight = options.quantize == "8bit"
    config = huggingface().BitsAndBytesConfig(load_in_8bit=eight, load_in_4bit=not eight)
    return {"quantization_config": config, "device_map": {"": device}}


def input_device(network: Any, device: str) -> str:
    """Where inputs go: ``device``, or the first that computes where the network is spread over several."""
    spread = getattr(network, "hf_device_map", None)
    if not spread:
        return device
    # A part that rests on the CPU or the disk is computed on the first GPU, where there is one.
    computing = [place for place in spread.values() if str(place) not in {"cpu", "disk"}]
    if not computing:
        return "cpu"
    return f"cuda:{computing[0]}" if isinstance(computing[0], int) else str(computing[0])
