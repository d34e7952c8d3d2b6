"""Keep Hugging Face libraries quiet and off the network while a model is loaded from a folder."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import RLock
from typing import Any

_lock = RLock()


@contextmanager
def quiet_loading(*, offline: bool) -> Iterator[list[warnings.WarningMessage]]:
    """Yield the list of warnings that the libraries would have printed.

    No progress bar, no log line, no telemetry; with ``offline`` no request at all. Everything is put back
    on leaving, so the settings of a host program stay as they were.
    """
    from huggingface_hub import constants

    logging: Any = import_module("transformers.utils.logging")

    with _lock, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_TELEMETRY
        verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        constants.HF_HUB_OFFLINE = offline or before[0]
        constants.HF_HUB_DISABLE_TELEMETRY = True
        logging.set_verbosity(logging.CRITICAL)
        logging.disable_progress_bar()
        try:
            yield caught
        finally:
            constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_TELEMETRY = before
            logging.set_verbosity(verbosity)
            if bars:
                logging.enable_progress_bar()
