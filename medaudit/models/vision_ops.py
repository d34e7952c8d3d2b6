"""Import torchvision beside a torch that its compiled operators were not built for.

Image processors of transformers need torchvision's transforms, which are pure torch. A registry build of
torchvision for CUDA beside a CPU torch fails at import all the same, because it describes operators
(``torchvision::nms``) that its library never defined. Naming those operators first lets the import pass;
calling one still fails, and no processor calls one.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from threading import Lock
from typing import Any

from medaudit.models.threads import wait_passively

#: Operators that torchvision describes at import whether or not its library was loaded.
SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}

_lock = Lock()
# Dropping a torch Library object takes its definitions back.
_defined: list[Any] = []


def ensure_torchvision() -> str:
    """Make ``import torchvision`` work, and say how: ``compiled``, ``schemas only`` or ``not installed``.

    Call it before transformers touches torchvision. Safe to call again and from any thread; it changes
    nothing where the compiled operators load.
    """
    wait_passively()
    with _lock:
        if _defined:
            return "schemas only"
        if "torchvision" not in sys.modules:
            spec = importlib.util.find_spec("torchvision")
            if spec is None or spec.origin is None:
                return "not installed"
            if not _library_loads(Path(spec.origin).parent):
                _define_schemas()
                return "schemas only"
        return "compiled"


def huggingface() -> Any:
    """The transformers package, imported after torchvision was made importable.

    Typed ``Any``: its annotations are partial, and its objects are built by names from a checkpoint.
    """
    ensure_torchvision()
    return importlib.import_module("transformers")


def _library_loads(package: Path) -> bool:
    torch: Any = importlib.import_module("torch")
    for library in (*package.glob("_C*.so"), *package.glob("_C*.pyd")):
        try:
            torch.ops.load_library(library)
        except (ImportError, OSError):
            return False
        return True
    return False


def _define_schemas() -> None:
    torch: Any = importlib.import_module("torch")
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name, schema in SCHEMAS.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(name + schema)
    _defined.append(library)
