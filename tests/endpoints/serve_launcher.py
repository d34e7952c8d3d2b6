"""Run ``transformers serve`` where torchvision has no compiled operators.

Two things of that build are missing: operators that it describes at import, and the decoder that the server
reads pictures with. Pillow decodes in its place; the rest of the server is untouched.

    python serve_launcher.py MODEL_FOLDER PORT
"""

from __future__ import annotations

import io
import sys
from importlib import import_module
from typing import Any

from medaudit.models.vision_ops import ensure_torchvision


def pillow_decode(buffer: Any, mode: Any = None, apply_exif_orientation: bool = False) -> Any:
    """Encoded bytes, uint8 (n,), to pixels, uint8 (3, h, w)."""
    import numpy as np
    import torch
    from PIL import Image

    with Image.open(io.BytesIO(bytes(buffer.tolist()))) as picture:
        pixels = np.array(picture.convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def main() -> None:
    folder, port = sys.argv[1:3]
    if ensure_torchvision() != "compiled":
        import torchvision.io

        torchvision.io.decode_image = pillow_decode
    cli: Any = import_module("transformers.cli.transformers")
    sys.argv = ["transformers", "serve", folder, "--host", "127.0.0.1", "--port", port, "--device", "cpu"]
    cli.main()


if __name__ == "__main__":
    main()
