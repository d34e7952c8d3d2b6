"""Options that mean something to local checkpoints only."""

from __future__ import annotations

from medaudit.errors import ModelError
from medaudit.model import LoadOptions


def refuse_checkpoint_options(model: str, options: LoadOptions) -> None:
    """Raise where an option would change a checkpoint's answers and cannot change this model's."""
    given = {
        "--revision": options.revision,
        "--adapter": options.adapter,
        "--merge": options.merge,
        "--device-map": options.device_map,
        "--quantize": None if options.quantize == "none" else options.quantize,
    }
    for option, value in given.items():
        if value is not None:
            raise ModelError(f"{model}: {option} works on local checkpoints only. Leave it out.")
