"""Models: routes from a MODEL string to something that answers.

::

    folder or owner/name             Hugging Face checkpoint (the id is the only case that uses the network)
    phantom:NAME                     a model phantom that comes with medaudit
    endpoint:http://host:port/v1#m   a server that speaks the OpenAI protocol
    python:FILE_OR_MODULE:FACTORY    FACTORY() returns a model object or f(images, prompt) -> str
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaudit.errors import ModelError
from medaudit.model import LoadOptions

if TYPE_CHECKING:
    from medaudit.model import Model

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
FORMS = "a folder, a Hugging Face id (owner/name), phantom:NAME, endpoint:URL#NAME or python:FILE:FACTORY"


def load_model(spec: Any, options: LoadOptions | None = None) -> Model:
    """Return the model that ``spec`` names, ready to answer.

    A model object is returned as it is; a plain callable ``f(images, prompt) -> str`` is wrapped. Raises
    :class:`~medaudit.errors.ModelError` with what to type when the model cannot be had.
    """
    options = options or LoadOptions()
    if all(hasattr(spec, name) for name in ("info", "prepare", "answer")):
        model: Model = spec
        return model
    if callable(spec):
        from medaudit.models.python_callable import wrap_callable

        wrapped: Model = wrap_callable(spec)
        return wrapped
    if not isinstance(spec, str | os.PathLike):
        raise ModelError(f"A model was expected, {type(spec).__name__} was given. Give {FORMS}.")
    return _load_text(os.fspath(spec), options)


def _load_text(text: str, options: LoadOptions) -> Model:
    scheme, _, rest = text.partition(":")
    if scheme == "phantom":
        return _load_phantom(text, rest, options)
    if scheme == "endpoint":
        from medaudit.models.endpoint import load_endpoint

        url, _, name = rest.partition("#")
        if not name or not url.startswith(("http://", "https://")):
            raise ModelError(f"{text!r}: type endpoint:http://host:port/v1#model-name.")
        return load_endpoint(url, name, options)
    if scheme == "python":
        from medaudit.models.python_callable import load_python

        return load_python(rest, options)
    return _load_checkpoint(text, options)


def _load_phantom(text: str, name: str, options: LoadOptions) -> Model:
    from medaudit.models.loading import load_folder
    from medaudit.phantoms import adapter, checkpoint

    flaw = adapter(name)
    if flaw is not None and options.adapter:
        raise ModelError(
            f"{text} is an adapter on phantom:clean; leave --adapter out, or name phantom:clean."
        )
    if flaw is not None:
        options = replace(options, adapter=str(flaw))
    return load_folder(checkpoint(name), text, options)


def _load_checkpoint(text: str, options: LoadOptions) -> Model:
    folder = Path(text).expanduser()
    if folder.is_dir():
        from medaudit.models.loading import load_folder

        if options.revision:
            raise ModelError(f"{text!r} is a folder, which has no revisions. Leave --revision out.")
        return load_folder(folder, text, options)
    if folder.is_file():
        raise ModelError(f"{text!r} is a file. Type the checkpoint's folder.")
    if not _HUB_ID.fullmatch(text):
        raise ModelError(f"{text!r}: no such folder, and not a model id. Give {FORMS}.")
    from medaudit.models.hub import download
    from medaudit.models.loading import load_folder

    snapshot, commit = download(text, options)
    return load_folder(snapshot, text, options, revision=commit)
